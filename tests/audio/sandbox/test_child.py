"""The process restricts its jobs, and forks only for those that need FFmpeg's demuxers."""

import subprocess
import sys
from pathlib import Path

import pytest

from shared.audio import Limits, Sandbox
from shared.errors import BadMedia, StoreUnavailable
from tests.audio.media import Memory, chunk, make
from tests.audio.probing.test_wav import wave

WAV = make("wav", "pcm_s16le", seconds=1.0)


def test_a_job_past_its_memory_is_ended():
    # A frame of this codec lasts a second: 6 MB of samples at this rate and so many channels.
    data = make("tta", "tta", rate=192_000, layout="7.1", seconds=3.0)
    with Sandbox(Limits(timeout_s=20)) as sandbox:
        info = sandbox.probe(Memory(data))
        assert sandbox.decode(Memory(data), info, chunk()).owned == pytest.approx(3.0)
        sandbox.limits = Limits(timeout_s=20, memory_mb=4)
        with pytest.raises(BadMedia, match="memory") as raised:
            sandbox.decode(Memory(data), info, chunk())
        assert raised.value.code == "limit"
        assert sandbox.probe(Memory(WAV), name="again").duration == pytest.approx(1.0)


def test_a_job_can_open_neither_file_nor_socket_nor_fork():
    script = """
import os, socket, errno
from shared.audio.sandbox.child import restrict
restrict(64, 5.0)
for action in (lambda: os.open("/etc/hostname", os.O_RDONLY), lambda: socket.socket(), lambda: os.pipe()):
    try:
        action()
    except OSError as error:
        assert error.errno == errno.EMFILE, error
    else:
        raise SystemExit("it worked")
try:
    bytearray(256 * 1024 * 1024)
except MemoryError:
    raise SystemExit(7)
"""
    assert subprocess.run([sys.executable, "-I", "-c", script], check=False).returncode == 7


def test_plain_samples_take_no_fork_and_everything_else_takes_one(sandbox):
    jobs = []

    class Watching(Memory):
        def read(self, start, length):
            process = sandbox._process.pid
            jobs.append(Path(f"/proc/{process}/task/{process}/children").read_text().split())
            return super().read(start, length)

    for codec, forks in (("pcm_s16le", False), ("pcm_mulaw", False), ("adpcm_ms", True)):
        data = Watching(wave(codec))
        info, ahead = sandbox.probe_and_decode(data, lambda _info: chunk())
        again = sandbox.decode(data, info, chunk())
        assert ahead.pcm.samples == again.samples
        # The first look at a file is always taken before a fork.
        assert [bool(one) for one in jobs[1:]] == [forks] * (len(jobs) - 1)
        jobs.clear()


def test_a_source_that_fails_in_the_middle_costs_no_process(sandbox):
    class Failing(Memory):
        def read(self, start, length):
            if start > 100_000:
                raise StoreUnavailable("not now")
            return super().read(start, length)

    data = wave(rate=48_000, seconds=60.0)
    info = sandbox.probe(Memory(data))
    process = sandbox._process.pid
    with pytest.raises(StoreUnavailable, match="not now"):
        sandbox.decode(Failing(data), info, chunk(30.0, 40.0))
    assert sandbox.decode(Memory(data), info, chunk(30.0, 40.0)).owned == pytest.approx(10.0)
    assert sandbox._process.pid == process
