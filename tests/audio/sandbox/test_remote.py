"""What fails outside the file is never the file's fault, and a dead caller leaves nothing running."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from shared.audio import Limits, Sandbox
from shared.errors import StoreUnavailable
from tests.audio.media import FORMATS, Memory, chunk, of_format

PROMPTLY = 10.0
"""Seconds that a failed read may take to come through on a busy machine; the limit of a job is 60."""


class Failing(Memory):
    """Raises at one of its reads, counted from 0."""

    def __init__(self, data, at):
        super().__init__(data)
        self.at = at
        self.error = StoreUnavailable(f"read {at} failed")

    def read(self, start, length):
        if len(self.reads) == self.at:
            raise self.error
        return super().read(start, length)


@pytest.mark.parametrize("name", FORMATS)
def test_whichever_read_fails_its_own_error_comes_out_at_once(sandbox, name):
    data = of_format(name)
    whole = Memory(data)
    info = sandbox.probe(whole)
    process = sandbox._process.pid

    def expect_failure(at, work):
        source = Failing(data, at)
        before = time.monotonic()
        with pytest.raises(StoreUnavailable) as raised:
            work(source)
        assert raised.value is source.error
        assert time.monotonic() - before < PROMPTLY

    for at in range(len(whole.reads)):
        expect_failure(at, sandbox.probe)
    whole.reads.clear()
    heard = sandbox.decode(whole, info, chunk())
    assert whole.reads
    for at in range(len(whole.reads)):
        expect_failure(at, lambda source: sandbox.decode(source, info, chunk()))
    assert sandbox.decode(whole, info, chunk()) == heard
    assert sandbox._process.pid == process


def job_of(sandbox):
    process = sandbox._process.pid
    return int(Path(f"/proc/{process}/task/{process}/children").read_text().split()[0])


@pytest.mark.parametrize("number", [signal.SIGSTOP, signal.SIGKILL])
def test_a_failed_read_outranks_whatever_becomes_of_the_job(number):
    class FailingAndStopping(Memory):
        error = StoreUnavailable("try again")

        def read(self, start, length):
            os.kill(job_of(sandbox), number)
            raise self.error

    data = of_format("flac")
    with Sandbox() as sandbox:
        info = sandbox.probe(Memory(data))
        sandbox.limits = Limits(timeout_s=0.5)
        with pytest.raises(StoreUnavailable) as raised:
            sandbox.decode(FailingAndStopping(data), info, chunk())
        assert raised.value is FailingAndStopping.error
        assert raised.value.__cause__ is None
        sandbox.limits = Limits(timeout_s=60)
        assert sandbox.probe(Memory(of_format("wav"))).duration == pytest.approx(8.0)


def test_a_failed_read_outranks_the_death_of_the_whole_process(sandbox):
    class FailingAndKilling(Memory):
        error = StoreUnavailable("try again")

        def read(self, start, length):
            os.killpg(sandbox._process.pid, signal.SIGKILL)
            raise self.error

    with pytest.raises(StoreUnavailable) as raised:
        sandbox.probe(FailingAndKilling(of_format("wav")))
    assert raised.value is FailingAndKilling.error
    assert sandbox.probe(Memory(of_format("wav"))).duration == pytest.approx(8.0)


CALLER = """
import os, signal, sys, time
from pathlib import Path
from shared.audio import Sandbox
from shared.model import Chunk

class Hanging:
    def __init__(self, data):
        self.data, self.size, self.left = data, len(data), None

    def read(self, start, length):
        if self.left == 0:
            process = sandbox._process.pid
            job = int(Path(f"/proc/{process}/task/{process}/children").read_text().split()[0])
            if sys.argv[2] == "busy":
                os.kill(job, signal.SIGSTOP)  # as one that computes and neither reads nor writes
            print(process, job, flush=True)
            time.sleep(600)
        if self.left is not None:
            self.left -= 1
        return self.data[start : start + length]

sandbox = Sandbox()
source = Hanging(Path(sys.argv[1]).read_bytes())
audio = sandbox.probe(source)
source.left = 1
sandbox.decode(source, audio, Chunk(index=0, start=0.0, end=None, lead=0.0, tail=0.0, engine="parakeet-cpu"))
"""


def runs(process):
    """Whether a process exists and is more than an entry that nobody has reaped."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.parametrize("job_is", ["reading", "busy"])
@pytest.mark.parametrize("name", ["flac", "wav-7.1", "mkv-video", "m4a"])
def test_a_caller_that_is_killed_while_decoding_leaves_no_process_behind(tmp_path, name, job_is):
    path = tmp_path / "recording"
    path.write_bytes(of_format(name))
    with subprocess.Popen(
        [sys.executable, "-c", CALLER, str(path), job_is], stdout=subprocess.PIPE, text=True
    ) as caller:
        processes = [int(one) for one in caller.stdout.readline().split()]
        assert len(processes) == 2
        assert all(runs(one) for one in processes)
        caller.kill()
    until = time.monotonic() + PROMPTLY
    while any(runs(one) for one in processes) and time.monotonic() < until:
        time.sleep(0.02)
    assert not any(runs(one) for one in processes)
