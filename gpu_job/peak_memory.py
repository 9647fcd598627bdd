"""The most memory that a process has taken."""

from __future__ import annotations

import resource
import sys
from pathlib import Path

UNIT = 1 if sys.platform == "darwin" else 1024
"""Bytes of what `getrusage` counts in."""


def peak_memory(process: int | None = None) -> int:
    """Peak resident set of a running process, bytes.

    Linux tells it of the program alone. What `getrusage` tells begins with the memory of the process that started it,
    and is taken where there is no `/proc`, for this process only.

    Args:
        process: its id; None for this one.

    Raises:
        OSError: it has ended, or is another one where there is no `/proc`.
    """
    try:
        status = Path(f"/proc/{process or 'self'}/status").read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        if process is not None:
            raise
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * UNIT
    return int(status.split("VmHWM:")[1].split()[0]) * 1024


def largest_child() -> int:
    """Peak resident set of the largest child that has ended, bytes; at least what it shared with its parent at first."""
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * UNIT
