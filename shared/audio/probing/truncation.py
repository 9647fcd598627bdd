"""What a header promises against what the file holds, in seconds.

FFmpeg takes the end of a cut file for its natural end; only the sizes in its header tell.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

from shared.audio.probing.sniff import stops_early

VISIBLE = 0.1
"""Seconds; a smaller difference is a slip of the program that wrote the header, and worth no words."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Promise:
    """A header that promises more bytes than there are."""

    size: int
    """Bytes promised, of what holds the sound; headers and indexes are not counted."""
    held: int
    """How many of these there are; fewer than `size`."""
    seconds: float | None = None
    """Duration by the header; None where it takes no more than the size of the samples to tell."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Length:
    """How long a recording is, as far as a probe can tell."""

    duration: float | None
    """Seconds that are there; None where only decoding can tell."""
    exact: bool
    """False where it is an estimate."""
    warnings: tuple[str, ...] = ()
    """Whether and where the recording stops early."""


def shortened(promise: Promise, length: Length, bit_rate: int) -> Length:
    """The length of a file that is shorter than its header says.

    Args:
        promise: what the header says.
        length: what FFmpeg says, which follows the header for some formats and the file for others.
        bit_rate: of the samples, bits per second; 0 where it is unknown.
    """
    there = length.duration
    if there is None or there <= 0 or (promise.seconds is None and not bit_rate):
        return length
    part = promise.held / promise.size
    if promise.seconds is not None:
        promised = promise.seconds
        there = min(there, promised * part)  # sound and pictures are interleaved, so this is near
        exact = False
    else:
        # Held and promised differ by a factor of 1 / part: half-way between, nothing rounded matters.
        by_header = there * bit_rate > 8 * promise.held / sqrt(part)
        there = there * part if by_header else there
        promised, exact = there / part, length.exact
    if promised * (1 - part) < VISIBLE:
        return length
    return Length(duration=there, exact=exact, warnings=(stops_early(there, promised),))
