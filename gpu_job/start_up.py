"""How long a worker takes to start: seconds that are paid for, and that recordings wait."""

from __future__ import annotations

import os
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from shared import concurrency

if TYPE_CHECKING:
    from collections.abc import Iterator

Step = Literal["process", "library", "weights", "warm_up"]
"""What is timed."""


@dataclass(kw_only=True, slots=True)
class StartUp:
    """Seconds of each step, added up if several weights are loaded."""

    process: float = 0.0
    """From the start of the process until the worker runs: Python, the worker's modules, connections."""
    library: float = 0.0
    """To import what the engine needs: torch and NeMo, or ONNX Runtime."""
    weights: float = 0.0
    """To load weights onto their device."""
    warm_up: float = 0.0
    """To compile, capture and allocate."""

    @contextmanager
    def timed(self, step: Step) -> Iterator[None]:
        """Add the time inside to a step, even if it fails."""
        since = concurrency.perf_counter()
        try:
            yield
        finally:
            setattr(self, step, getattr(self, step) + concurrency.perf_counter() - since)

    def __str__(self) -> str:
        """For a line of the log."""
        return (
            f"process {self.process:.1f} s, import {self.library:.1f} s, load {self.weights:.1f} s, "
            f"warm-up {self.warm_up:.1f} s"
        )


def process_began() -> float:
    """When this process was started, seconds since 1970; now, if the system does not tell."""
    try:
        # Field 22 of proc(5) is in clock ticks since boot; the name in field 2 may hold spaces.
        after_name = Path("/proc/self/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        started = int(after_name[19]) / os.sysconf("SC_CLK_TCK")
        age = time.clock_gettime(time.CLOCK_BOOTTIME) - started
    except (OSError, AttributeError, IndexError, ValueError):
        return time.time()
    return time.time() - max(0.0, age)
