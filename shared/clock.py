"""The system's time, as an adapter of the port `Clock`, and the time since the machine was started.

The wall clock may be set back. What was written before that bears a time that has not come yet, and to wait
until it comes may take hours. So it counts as long ago.
"""

from __future__ import annotations

import functools
import math
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path

SKEW = 60.0
"""Seconds by which the clocks of two machines may differ. A time further ahead is from before the clock was set back."""


def is_ahead(then: float, now: float) -> bool:
    """Whether a stored time, seconds since 1970, cannot have come yet: the clock was set back since. Pure."""
    return then > now + SKEW


def seconds_since(then: float, now: float) -> float:
    """Seconds between a stored time and now; infinite if the clock was set back in between. Pure."""
    return math.inf if is_ahead(then, now) else now - then


def rfc3339(seconds: float, precision: str) -> str:
    """Seconds since 1970 as Google's APIs and others write a time: `2026-01-31T12:00:00.123456Z` to `microseconds`. Pure."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec=precision).replace("+00:00", "Z")


class SystemClock:
    """The computer's clocks. Implements `shared.ports.Clock` and `local.backend.sqlite.upkeep.MachineClock`."""

    def now(self) -> float:
        """Seconds since 1970."""
        return time.time()

    def uptime(self) -> float:
        """Seconds of the machine's monotonic clock: it cannot be set, and all processes read the same.

        It stands still while the machine is suspended, as its processes do.
        """
        return time.monotonic()

    @property
    def boot(self) -> str:
        """Which start of the machine this is; empty if the system does not say."""
        return _boot()

    def since_boot(self) -> float:
        """Seconds since then, suspended ones too."""
        # On macOS this one goes on while the machine sleeps, unlike that of `uptime`.
        return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


@functools.cache
def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:
        pass
    try:
        # macOS.
        command = ["/usr/sbin/sysctl", "-n", "kern.bootsessionuuid"]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=5).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""
