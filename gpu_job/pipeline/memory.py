"""How much audio fits an accelerator at one time: an estimate that learns. Pure.

The activations of a FastConformer grow with the length of a window, and the scores of its attention with the
square of it. So a batch of n windows as long as the longest, s seconds, takes

    units = n · (s + s² / ATTENTION)        bytes = units · (bytes a unit)

`bytes a unit` begins with a cautious guess, follows the peaks that are observed, and at least doubles when a batch
does not fit. What did not fit once is never tried again in this process: memory stays fragmented.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf
from typing import TYPE_CHECKING, TypeVar

from gpu_job.speech.transcriber import SAMPLE_RATE, DeviceMemory

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Length = TypeVar("Length", float, NDArray[np.float64])

GB = 1e9
"""Bytes."""

ATTENTION = 320.0
"""Seconds of window at which attention takes as much as all else. Scores of 8 heads with relative positions,
12.5 frames a second, two bytes: about 12.5 kB a square second (and so 160 GB for an hour at once), against
about 4 MB a second for the rest, most of it in the first convolution."""

GUESS = 8e6
"""Bytes a unit before the first batch: twice what the sizes of the layers say for two-byte weights."""

UNKNOWN = 480 * GUESS
"""Bytes for windows if an engine says nothing of its memory: eight minutes of audio."""

USABLE = 0.9
"""Share of the memory to plan with; the rest goes to the driver, workspaces and fragmentation."""

TELLING = 0.25
"""A batch of this share of the capacity, or more, may lower the bytes a unit: small ones carry constant costs."""

SLOWLY = 0.8
"""Share of itself to which one batch may lower the bytes a unit."""

NEVER_AGAIN = 0.9
"""Share of the units of a batch that did not fit, up to which others may be tried later."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MemoryModel:
    """What is known about the memory of one accelerator. Each batch gives a new one."""

    usable: float
    """For windows and weights, bytes."""
    weights: float = 0.0
    """Taken by weights, bytes."""
    unit: float = GUESS
    """Bytes a unit."""
    ceiling: float = inf
    """Units that no batch may exceed, because a larger one did not fit."""

    @classmethod
    def of(cls, memory: DeviceMemory | None, limit_gb: float) -> MemoryModel:
        """Before the first batch.

        Args:
            memory: of the card, with the weights on it; None if it is not known.
            limit_gb: what the worker may take of it, weights included, in 10⁹ bytes.
        """
        if memory is None:
            return cls(usable=UNKNOWN)
        return cls(usable=USABLE * min(memory.total, limit_gb * GB), weights=memory.weights)

    @property
    def capacity(self) -> float:
        """Units that a batch may take."""
        return min(max(0.0, self.usable - self.weights) / self.unit, self.ceiling)

    def fitted(self, units: float, memory: DeviceMemory) -> MemoryModel:
        """After a batch that fitted."""
        found = max(0, memory.peak - memory.weights) / units
        if found < self.unit and units < TELLING * self.capacity:
            return replace(self, weights=memory.weights)
        return replace(self, weights=memory.weights, unit=max(found, SLOWLY * self.unit, 1.0))

    def did_not_fit(self, units: float) -> MemoryModel:
        """After a batch that did not fit: half of it is the capacity now."""
        half = min(self.capacity, units) / 2
        unit = max(self.unit, (self.usable - self.weights) / half) if half > 0 else self.unit
        return replace(self, unit=unit, ceiling=min(self.ceiling, NEVER_AGAIN * units))


def units(samples: Length) -> Length:
    """What one window of so many samples takes."""
    seconds = samples / SAMPLE_RATE
    return seconds + seconds * seconds / ATTENTION
