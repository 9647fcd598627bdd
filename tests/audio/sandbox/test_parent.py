"""The decoding process ends when it must, leaves nothing behind, and the sandbox stays usable."""

import gc
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from shared.audio import Limits, Sandbox
from shared.audio.sandbox import process
from shared.errors import BadMedia, StoreUnavailable
from tests.audio.media import Memory, chunk, make

WAV = make("wav", "pcm_s16le", seconds=1.0)
FLAC = make("flac", "flac", seconds=8.0, rate=96_000)  # a probe reads it in several parts


def job_of(sandbox):
    """Process id of the job that is running."""
    process = sandbox._process.pid
    return int(Path(f"/proc/{process}/task/{process}/children").read_text().split()[0])


class Interrupting(Memory):
    """Does something at its second read."""

    def __init__(self, data, action):
        super().__init__(data)
        self.action = action

    def read(self, start, length):
        data = super().read(start, length)
        if len(self.reads) == 2:
            self.action()
        return data


class Counting(list):
    """Does something when a read is noted in it."""

    def __init__(self, action, reached):
        super().__init__()
        self.action, self.reached = action, reached

    def append(self, read):
        super().append(read)
        self.reached.set()
        self.action()


def descriptors():
    gc.collect()
    return len(list(Path("/proc/self/fd").iterdir()))


def children():
    return Path("/proc/self/task").glob("*/children")


def child_processes():
    return {pid for path in children() for pid in path.read_text().split()}


def test_one_process_serves_many_jobs(sandbox):
    sandbox.probe(Memory(WAV))
    process = sandbox._process.pid
    for _ in range(5):
        info = sandbox.probe(Memory(WAV))
        assert sandbox.decode(Memory(WAV), info, chunk()).owned == pytest.approx(1.0)
    assert sandbox._process.pid == process


@pytest.mark.parametrize(
    "error", [StoreUnavailable("try again"), TimeoutError("slow"), ConnectionError("gone")]
)
def test_an_error_of_the_source_reaches_the_caller_unchanged(sandbox, error):
    def fail():
        raise error

    with pytest.raises(type(error)) as raised:
        sandbox.probe(Interrupting(FLAC, fail))
    assert raised.value is error
    assert sandbox.probe(Memory(WAV)).duration == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGKILL, "limit"), (signal.SIGXCPU, "limit"), (signal.SIGSEGV, "undecodable")],
)
def test_a_job_that_dies_is_the_fault_of_its_file_and_of_nothing_else(sandbox, number, code):
    sandbox.probe(Memory(WAV))
    process = sandbox._process.pid
    with pytest.raises(BadMedia) as raised:
        sandbox.probe(Interrupting(FLAC, lambda: os.kill(job_of(sandbox), number)))
    assert raised.value.code == code
    assert "try again" in str(raised.value)
    assert sandbox.probe(Memory(WAV)).duration == pytest.approx(1.0)
    assert sandbox._process.pid == process


def test_the_death_of_the_whole_process_is_survived(sandbox):
    sandbox.probe(Memory(WAV))
    with pytest.raises(BadMedia) as raised:
        sandbox.probe(Interrupting(FLAC, lambda: os.killpg(sandbox._process.pid, signal.SIGKILL)))
    assert raised.value.code == "limit"
    assert sandbox.probe(Memory(WAV)).duration == pytest.approx(1.0)


def test_a_job_past_its_time_is_ended_and_leaves_neither_process_nor_descriptor():
    long = make("mp3", "libmp3lame", seconds=4.0) * 300
    before, running = descriptors(), child_processes()
    with Sandbox(Limits(timeout_s=20)) as sandbox:
        info = sandbox.probe(Memory(long))
        sandbox.limits = Limits(timeout_s=0.1)
        with pytest.raises(BadMedia, match=r"busy for more than 0\.1 s") as raised:
            sandbox.decode(Memory(long), info, chunk())
        assert raised.value.code == "limit"
        sandbox.limits = Limits(timeout_s=20)
        assert sandbox.probe(Memory(WAV)).duration == pytest.approx(1.0)
    assert descriptors() == before
    assert child_processes() == running


def test_time_that_the_source_takes_is_not_the_files_fault():
    with Sandbox(Limits(timeout_s=1.0)) as sandbox:
        assert sandbox.probe(Interrupting(FLAC, lambda: time.sleep(1.3))).duration == pytest.approx(8.0)


def test_an_interrupt_in_the_caller_leaves_no_job_behind():
    def interrupt():
        raise KeyboardInterrupt

    running = child_processes()
    sandbox = Sandbox()
    with pytest.raises(KeyboardInterrupt):
        sandbox.probe(Interrupting(FLAC, interrupt))
    assert child_processes() == running


def test_closing_twice_is_harmless_and_the_sandbox_starts_again():
    sandbox = Sandbox()
    sandbox.probe(Memory(WAV))
    sandbox.close()
    sandbox.close()
    assert sandbox.probe(Memory(WAV)).duration == pytest.approx(1.0)
    sandbox.close()


def test_a_chunk_that_is_decoded_with_the_probe_is_the_chunk_that_decode_gives(sandbox):
    source = Memory(WAV)
    audio, ahead = sandbox.probe_and_decode(source, lambda found: chunk(end=found.duration, tail=1.0))
    assert audio == sandbox.probe(Memory(WAV))
    assert ahead.chunk == chunk(end=1.0, tail=1.0)
    assert ahead.pcm.seconds_ahead > 0
    assert replace(ahead.pcm, seconds_ahead=0.0) == sandbox.decode(Memory(WAV), audio, ahead.chunk)


def test_a_recording_that_is_not_to_be_decoded_with_the_probe_is_only_probed(sandbox):
    audio, ahead = sandbox.probe_and_decode(Memory(WAV), lambda _found: None)
    assert audio == sandbox.probe(Memory(WAV))
    assert ahead is None


def test_what_goes_wrong_after_the_probe_does_not_fail_the_probe(sandbox):
    def fail():
        raise StoreUnavailable("try again")

    def crash():
        os.kill(job_of(sandbox), signal.SIGSEGV)

    for action in (fail, crash):
        reached = threading.Event()
        source = Memory(WAV)

        def choose(_found, source=source, action=action, reached=reached):
            source.reads = Counting(action, reached)
            return chunk()

        audio, ahead = sandbox.probe_and_decode(source, choose)
        assert reached.is_set()
        assert audio.duration == pytest.approx(1.0)
        assert ahead is None
        assert sandbox.decode(Memory(WAV), audio, chunk()).owned == pytest.approx(1.0)


def test_a_file_that_is_no_recording_is_refused_whatever_would_come_next(sandbox):
    with pytest.raises(BadMedia) as caught:
        sandbox.probe_and_decode(Memory(b"no media at all " * 100), lambda _found: chunk())
    assert caught.value.code == "not-media"


def test_threads_that_share_a_sandbox_take_turns(sandbox):
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(sandbox.probe(Memory(WAV)).duration)) for _ in range(4)
    ]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert found == pytest.approx([1.0] * 4)


def test_the_process_is_given_no_secrets(monkeypatch):
    given = []

    class Noting(subprocess.Popen):
        def __init__(self, command, **options):
            given.append(" ".join(command) + repr(options["env"]))
            super().__init__(command, **options)

    monkeypatch.setenv("DEEPGRAM_API_KEY", "secret")
    monkeypatch.setattr(process.subprocess, "Popen", Noting)
    with Sandbox() as fresh:
        fresh.start()
    assert len(given) == 1
    assert "secret" not in given[0]
    assert "MALLOC_TRIM_THRESHOLD_" in given[0]


def test_importing_the_package_loads_neither_ffmpeg_nor_numpy():
    script = "import sys, shared.audio; raise SystemExit(bool({'av', 'numpy'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
