"""The system's clocks, as all processes of the machine read them."""

from __future__ import annotations

import subprocess
import sys
import time

from shared.clock import SystemClock, rfc3339

ASK = "from shared.clock import SystemClock as C; print(C().boot, C().uptime())"


def test_another_process_reads_the_same_start_and_the_same_time_since():
    clock = SystemClock()
    before = clock.uptime()
    boot, uptime = subprocess.run(
        [sys.executable, "-c", ASK], capture_output=True, text=True, check=True
    ).stdout.split()
    assert boot == clock.boot
    assert before < float(uptime) < clock.uptime()


def test_the_wall_clock_is_that_of_the_system():
    assert abs(SystemClock().now() - time.time()) < 5


def test_times_are_written_as_googles_apis_write_them():
    assert rfc3339(0.0, "microseconds") == "1970-01-01T00:00:00.000000Z"
    assert rfc3339(1_700_000_000.9996, "milliseconds") == "2023-11-14T22:13:20.999Z"
    assert rfc3339(1_700_000_000.9996, "seconds") == "2023-11-14T22:13:20Z"
