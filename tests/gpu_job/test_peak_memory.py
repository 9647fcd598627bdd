"""The most memory that a process has taken."""

import os
import subprocess
import sys

import pytest

from gpu_job.peak_memory import peak_memory

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
