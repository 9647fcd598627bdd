"""A process that cannot run Python any more ends all the same."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

BEGIN = (
    "import ctypes, time; from gpu_job import last_resort; last_resort.DEAF = 0.5; last_resort.EVERY = 0.1; "
)
KEEPS_THE_LOCK = "ctypes.PyDLL(None).sleep(60)"


def end_of(code):
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", BEGIN + code], capture_output=True, text=True, check=False, timeout=60
    )
    return done.returncode, done.stderr, time.monotonic() - began


def test_a_call_that_keeps_the_interpreter_to_itself_ends_the_process():
    code, said, took = end_of(f"last_resort.watch(); {KEEPS_THE_LOCK}")
    assert code == 1
    assert "most recent call first" in said
    assert took < 30


def test_a_process_that_is_alive_is_left_alone():
    assert end_of("last_resort.watch(); time.sleep(1.5)")[:2] == (0, "")


@pytest.mark.parametrize("waits", ["time.sleep(60)", KEEPS_THE_LOCK])
def test_a_process_that_is_to_end_ends_in_time_whatever_it_waits_for(waits):
    code, _, took = end_of(f"last_resort.watch(); time.sleep(0.2); last_resort.end_within(0.5); {waits}")
    assert code == 1
    assert took < 30
