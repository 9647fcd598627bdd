"""Peak memory of a process."""

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from gpu_job.peak_memory import UNIT, peak_memory

MEGABYTE = 1 << 20
PROGRAM = "from gpu_job.peak_memory import peak_memory; print(peak_memory()); input()"


def test_what_was_taken_and_given_back_counts():
    before = peak_memory()
    taken = bytearray(before + 100 * MEGABYTE)
    del taken
    assert peak_memory() > before + 90 * MEGABYTE
    assert peak_memory(os.getpid()) >= before + 90 * MEGABYTE


def test_a_small_program_has_not_the_memory_of_the_large_one_that_started_it():
    taken = bytearray(200 * MEGABYTE)
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        found = int(child.stdout.readline())
        assert found == peak_memory(child.pid) < len(taken) / 2
        child.communicate("\n")


def test_a_process_that_has_ended_is_an_error():
    with subprocess.Popen([sys.executable, "-c", ""]) as child:
        child.wait()
    with pytest.raises(OSError):
        peak_memory(child.pid)


def test_a_process_that_has_ended_and_was_not_waited_for_is_an_error():
    with subprocess.Popen([sys.executable, "-c", ""]) as child:
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        with pytest.raises(OSError, match="is not told"):
            peak_memory(child.pid)


def test_where_the_kernel_does_not_tell_it_that_of_getrusage_is_taken(monkeypatch):
    monkeypatch.setattr(Path, "read_text", lambda *given, **how: "Name:\tpython\nVmRSS:\t100 kB\n")
    assert peak_memory() == resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * UNIT
    with pytest.raises(OSError, match="is not told"):
        peak_memory(os.getpid())
