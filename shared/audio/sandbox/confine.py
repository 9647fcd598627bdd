"""What a fork gives up before it sees the first byte of a recording."""

from __future__ import annotations

import os
import resource

from shared.audio.sandbox import linux, seccomp

GRACE = 1
"""Seconds between the signal for too much processor time and the kill."""


class OwnSize:
    """The size of this process, from a file that is opened before the sandbox closes; forks begin with the same size."""

    def __init__(self) -> None:
        self.descriptor: int | None = None

    def open(self) -> None:
        """Open the file while files can still be opened; does nothing where there is none.

        Raises:
            OSError: it cannot be opened.
        """
        if linux.ON_LINUX and self.descriptor is None:
            self.descriptor = os.open("/proc/self/statm", os.O_RDONLY | os.O_CLOEXEC)

    def read(self) -> int | None:
        """Bytes of address space, after which the file is closed; None where the system does not tell.

        Raises:
            OSError: it cannot be read.
        """
        self.open()
        if self.descriptor is None:
            return None
        os.lseek(self.descriptor, 0, os.SEEK_SET)
        pages = int(os.read(self.descriptor, 200).split()[0])
        os.close(self.descriptor)
        self.descriptor = None
        return pages * resource.getpagesize()


own_size = OwnSize()


def restrict(memory_mb: int, seconds: float) -> None:
    """Take from this process what decoding does not need, for ever.

    Args:
        memory_mb: what it may still allocate, MiB; not limited where the system does not tell how much it has.
        seconds: processor time.

    Raises:
        SandboxError: the system refuses to confine it.
        OSError: the system refuses a limit.
    """
    limits = {
        "RLIMIT_CORE": 0,
        "RLIMIT_FSIZE": 0,
        "RLIMIT_NPROC": 0,
    }
    if (present := own_size.read()) is not None:
        limits["RLIMIT_AS"] = present + memory_mb * 1024 * 1024
    # Those descriptors that are open stay open.
    limits["RLIMIT_NOFILE"] = 0
    for name, value in limits.items():
        if hasattr(resource, name):
            resource.setrlimit(getattr(resource, name), (value, value))
    whole = max(1, round(seconds + 0.5))
    resource.setrlimit(resource.RLIMIT_CPU, (whole, whole + GRACE))
    linux.close(seccomp.JOB)


def close_others(*kept: int) -> None:
    """Close every descriptor except these, the standard ones and that of the own size.

    Args:
        kept: numbers below MOST_DESCRIPTORS, like all others in this process.
    """
    start = 3
    for descriptor in sorted({*kept, own_size.descriptor or 0} - {0}):
        os.closerange(start, descriptor)
        start = descriptor + 1
    os.closerange(start, MOST_DESCRIPTORS)


MOST_DESCRIPTORS = 256
"""The process starts with one beside the standard ones, and opens a handful."""
