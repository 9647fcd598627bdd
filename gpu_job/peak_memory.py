"""Peak memory of a process."""

from __future__ import annotations

import errno
import re
import resource
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

UNIT = 1 if sys.platform == "darwin" else 1024
"""Bytes of what `getrusage` counts in."""
PEAK = re.compile(r"^VmHWM:\s*(\d+) kB", re.MULTILINE)
"""In what Linux tells of a process; missing once it has ended, and in gVisor, the kernel of some containers."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Peak:
    """Peak use of one kind of memory."""

    size: int = 0
    """Bytes."""
    memory: Literal["GPU", "main"] = "main"
    """Which memory."""


def peak_memory(process: int | None = None) -> int:
    """Peak resident set of a running process (None: of this one), bytes.

    Linux tells it of the program alone. What `getrusage` tells begins with the memory of the process that started it,
    and is taken where no `/proc` tells it, for this process only.

    Raises:
        OSError: it has ended, or is another one where no `/proc` tells it.
    """
    file = Path(f"/proc/{process or 'self'}/status")
    told = file.read_text(encoding="utf-8", errors="replace") if file.exists() else ""
    if found := PEAK.search(told):
        return int(found[1]) * 1024
    if process is not None:
        raise FileNotFoundError(errno.ENOENT, "the peak of the memory is not told", str(file))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * UNIT
