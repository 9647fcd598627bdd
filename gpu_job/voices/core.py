"""Windows of a chunk: where they lie, for which stretch each answers, and what it answers. Pure.

A window of 10 s begins every 5 s, because that is the length with which the segmentation was trained, and because it
knows best what is in the middle. It looks at the chunk's overlap too, but answers only for what is within its bounds.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gpu_job.speech.transcriber import SAMPLE_RATE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

LENGTH, HOP = 10 * SAMPLE_RATE, 5 * SAMPLE_RATE
"""Samples of a window, and between two."""
FRAME, FIELD = 270, 991
"""Samples between two frames of the segmentation, and samples that one of them sees."""
FRAME_SECONDS = FRAME / SAMPLE_RATE


@dataclass(frozen=True, slots=True)
class Window:
    """What the segmentation looks at together, and the part for which it answers."""

    index: int
    """In its chunk."""
    begin: int
    """First sample."""
    start: float
    """Seconds on the axis of the samples from which on it answers …"""
    end: float
    """… up to here."""

    def times(self, frames: int) -> NDArray[np.float64]:
        """Where its frames are on the axis of the samples, seconds: the middle of what each sees."""
        return (self.begin + np.arange(frames) * FRAME + FIELD / 2) / SAMPLE_RATE


def windows(samples: int, lead: float, owned: float) -> Iterator[Window]:
    """The windows of a chunk that answer for some of it, see `Diarizer.diarize`.

    Each answers up to the middle of what it shares with the next; the first and the last for the rest.
    """
    last = max(0, samples - LENGTH)
    begins = [*range(0, last, HOP), last]
    first, final = max(0.0, lead), min(lead + owned, samples / SAMPLE_RATE)
    between = [(one + other + LENGTH) / 2 / SAMPLE_RATE for one, other in itertools.pairwise(begins)]
    for index, (begin, (start, end)) in enumerate(
        zip(begins, itertools.pairwise([first, *between, final]), strict=True)
    ):
        if max(start, first) < min(end, final):
            yield Window(index, begin, max(start, first), min(end, final))


def turns(window: Window, own: NDArray[np.bool_], lead: float) -> tuple[tuple[int, int], ...]:
    """When one speaker of a window speaks within what the window answers for.

    Args:
        window: the window.
        own: `(frames,)`, whether it speaks.
        lead: see `Diarizer.diarize`.

    Returns:
        Start and end of each turn, milliseconds from the chunk's nominal start.
    """
    times = window.times(len(own))
    heard = own & (times >= window.start) & (times < window.end)
    edges = np.flatnonzero(np.diff(heard.astype(np.int8), prepend=0, append=0))
    found = (
        (
            max(window.start, float(times[first]) - FRAME_SECONDS / 2),
            min(window.end, float(times[end - 1]) + FRAME_SECONDS / 2),
        )
        for first, end in edges.reshape(-1, 2)
    )
    rounded = ((round(1000 * (start - lead)), round(1000 * (end - lead))) for start, end in found)
    return tuple((start, end) for start, end in rounded if start < end)
