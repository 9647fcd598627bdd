"""A process that does not start leaves nothing behind and says why."""

import ctypes
import socket
import subprocess
import sys
from pathlib import Path

import av
import pytest

from shared.audio.sandbox import child, process, wire
from shared.errors import ConfigurationError


def test_a_process_that_is_ready_takes_jobs_until_it_is_stopped():
    child, connection = process.start()
    assert child.poll() is None
    process.stop(child, connection)
    assert child.returncode is not None
    assert connection.fileno() == -1


def test_neither_caller_nor_process_can_be_read_by_others_of_their_user():
    child, connection = process.start()
    assert ctypes.CDLL(None).prctl(3, 0, 0, 0, 0) == 0  # PR_GET_DUMPABLE
    status = Path(f"/proc/{child.pid}/status").read_text()
    process.stop(child, connection)
    assert Path("/proc/self/environ").stat().st_uid == 0  # the system's, whoever runs this
    assert "NoNewPrivs:\t1" in status
    assert "Seccomp:\t2" in status


def test_one_that_ends_at_once_is_a_matter_of_the_installation(monkeypatch):
    started = []

    class Failing(subprocess.Popen):
        def __init__(self, _command, **options):
            super().__init__([sys.executable, "-c", "raise SystemExit(1)"], **options)
            started.append(self)

    monkeypatch.setattr(process.subprocess, "Popen", Failing)
    with pytest.raises(ConfigurationError, match="does not start"):
        process.start()
    assert started[0].returncode is not None


def test_one_whose_ffmpeg_will_not_do_says_so_and_not_that_it_cannot_be_confined(monkeypatch):
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    monkeypatch.setattr(av, "ffmpeg_version_info", "7.1")
    monkeypatch.setattr(child, "signal", None)  # it goes no further
    zygote = child.Zygote(theirs.detach())
    with zygote._caller:
        zygote.serve()
    with ours, pytest.raises(ConfigurationError, match=r"^PyAV .* carries FFmpeg 7\.1"):
        process._wait(ours)


def test_a_frame_for_a_process_that_is_gone_says_so():
    child, connection = process.start()
    child.kill()
    child.wait()
    with pytest.raises(process.ProcessLostError):
        process.send(connection, wire.ABORT)
    process.stop(child, connection)


def test_one_that_says_nothing_uses_up_its_time():
    child, connection = process.start()
    connection.settimeout(0.05)
    with pytest.raises(process.TimeUpError):
        process.receive(connection, memoryview(bytearray(wire.RECEIVE)))
    process.stop(child, connection)
