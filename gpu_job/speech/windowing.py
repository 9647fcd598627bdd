"""Cut decoded audio into windows at silences.

    1. Compute the level of every 10 ms, smoothed to 50 ms.
    2. Leave out what holds no sound at all, and long stretches of mere background noise.
    3. Cut what remains at the best pause near the target length. If nobody pauses for 30 s, cut anyway, and let the
       two windows overlap: the words are merged later by text and time.

Leaving out is careful, because a word lost here is lost for good; cutting need not be, because everything on both sides
of a cut is still heard.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

SAMPLE_RATE = 16_000
"""Hertz."""
HOP = 160
"""Samples between two levels: 10 ms."""
FRAMES = SAMPLE_RATE // HOP
"""Levels a second."""

TARGET = 10.0
"""Seconds. Measured with the small model, at the same word error rate: 8 s are a tenth faster, 28 s a quarter slower.
A little more context than the fastest, because a model may stumble at every cut."""
LONGEST = 30.0
"""Seconds: in longer ones the encoder's full attention gets slow, and quantised weights get worse."""
OVERLAP = 2.0
"""Seconds that two windows of one chunk share if no pause allowed a clean cut."""
PAUSE = 0.2
"""Seconds of quiet that count as a pause between words; stops inside a word are shorter."""

NOTHING = -84.0
"""dBFS, 2 of 32,768 steps: below it there is no sound, whatever the recording."""
SILENCE = 3.0
"""Seconds of silence that are left out; to keep a shorter one costs less than losing context."""
EDGE = 0.3
"""Seconds of silence kept on both sides of sound."""


class Window(NamedTuple):
    """A stretch of samples to recognise in one piece."""

    start: int
    """First sample."""
    end: int
    """One past the last sample."""

    @property
    def length(self) -> int:
        """Samples."""
        return self.end - self.start


def cut(samples: NDArray[np.int16], *, target: float = TARGET) -> list[Window]:
    """Windows that cover everything but silence.

    Args:
        samples: mono, 16 kHz, `(samples,)`.
        target: length of a window to aim for, seconds.

    Returns:
        Windows of at most 30 s in order of time. Neighbours touch in a pause, overlap if there was none, or have
        left-out silence between them. Equal input gives equal output.
    """
    level = levels(samples)
    windows: list[Window] = []
    for start, end in _sound(level):
        for first, last in _divide(level, start, end, round(target * FRAMES)):
            windows.append(Window(first * HOP, min(last * HOP, len(samples))))
    return windows


def waveforms(samples: NDArray[np.int16]) -> list[NDArray[np.float32]]:
    """The windows of `cut` as an engine takes them."""
    return [floats(samples[one.start : one.end]) for one in cut(samples)]


def floats(samples: NDArray[np.int16]) -> NDArray[np.float32]:
    """The same samples in [-1, 1]."""
    return samples.astype(np.float32) / np.float32(32768.0)


def levels(samples: NDArray[np.int16]) -> NDArray[np.float32]:
    """Level of every 10 ms in dBFS; silence is -120.

    The mean of each stretch does not count (a recorder's DC offset is no sound), and the last one may be shorter than
    10 ms.
    """
    count = -(-len(samples) // HOP)
    energy = np.zeros(count, dtype=np.float32)
    step = 60 * FRAMES
    for first in range(0, count, step):
        part = samples[first * HOP : (first + step) * HOP].astype(np.float32)
        whole = len(part) // HOP
        body = part[: whole * HOP].reshape(whole, HOP)
        energy[first : first + whole] = body.var(axis=1)
        if whole * HOP < len(part):
            energy[first + whole] = part[whole * HOP :].var()
    decibels: NDArray[np.float32] = 10.0 * np.log10(energy / np.float32(32768.0**2) + np.float32(1e-12))
    return decibels


def _sound(level: NDArray[np.float32]) -> list[tuple[int, int]]:
    """Stretches, in frames, that are not silence, with a little silence on both sides."""
    if not len(level) or level.max() < NOTHING:
        return []
    floor, loud = np.percentile(_smooth(level), (10, 99))
    # Background noise is near the floor, far below the speech, and quiet in itself: one of these alone may be a voice.
    noise = max(NOTHING, min(floor + 5.0, loud - 30.0, -50.0))
    left_out = _runs(level < noise, round(SILENCE * FRAMES))
    kept = np.ones(len(level), dtype=bool)
    edge = round(EDGE * FRAMES)
    for start, end in left_out:
        first = start + edge if start else 0
        last = end - edge if end < len(level) else end
        kept[first:last] = False
    return _runs(kept, 1)


def _divide(level: NDArray[np.float32], start: int, end: int, target: int) -> list[tuple[int, int]]:
    """Cut one stretch into windows, in frames."""
    longest, overlap = round(LONGEST * FRAMES), round(OVERLAP * FRAMES)
    target = min(target, longest)
    windows = []
    shared = 0  # frames that the window to come shares with the one before
    while end - start > min(longest, target * 3 // 2):
        at = _pause(level[start : min(start + longest, end)], target, after=shared)
        if at is not None:
            windows.append((start, start + at))
            start, shared = start + at, 0
        elif end - start > longest:
            windows.append((start, start + longest))
            start, shared = start + longest - overlap, overlap
        else:
            break
    windows.append((start, end))
    return windows


def _pause(level: NDArray[np.float32], target: int, *, after: int) -> int | None:
    """The frame to cut at, past `after`: the middle of a long pause near the target; None if there is no pause.

    Quiet is relative to this stretch: up to a third of the way from its quietest to its loudest parts.
    """
    smooth = np.maximum(_smooth(level), NOTHING)
    low, high = np.percentile(smooth, (5, 95))
    if high - low < 6.0:
        return None  # steady, such as music or noise: its dips are no pauses
    pauses = _runs(smooth < low + (high - low) / 3.0, round(PAUSE * FRAMES))
    best, best_score = None, -np.inf
    for first, last in pauses:
        middle = (first + last) // 2
        if middle < target // 2 or middle <= after or middle > len(level) - FRAMES // 2:
            continue
        score = min(last - first, FRAMES) / FRAMES - abs(middle - target) / target
        if score > best_score:
            best, best_score = middle, score
    return best


def _smooth(level: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mean level over 50 ms."""
    padded = np.pad(level, 2, mode="edge")
    total = np.cumsum(np.concatenate((np.zeros(1), padded)), dtype=np.float64)
    return ((total[5:] - total[:-5]) / 5.0).astype(np.float32)


def _runs(mask: NDArray[np.bool_], shortest: int) -> list[tuple[int, int]]:
    """Where the mask is true for at least `shortest` frames in a row: first, one past the last."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], mask, [False])).astype(np.int8)))
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2) if b - a >= shortest]
