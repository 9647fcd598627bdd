"""How loud the two channels of a recording are, fifty times a second: what tells which channel a word is on.

The sound comes with three channels: what is transcribed, and both channels before they were mixed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from shared.audio.types import SAMPLE_RATE
from shared.results import LEVEL_RATE

if TYPE_CHECKING:
    from numpy.typing import NDArray

STEP = SAMPLE_RATE // LEVEL_RATE
"""Samples of one level."""
SILENT = 255
"""The level of digital silence, and of what is quieter than can be told: 127.5 dB below full scale."""
LEAD = 12
"""Half decibels by which a channel is louder where it leads."""
QUIET, QUIETEST = 60, 140
"""Half decibels below the loudest moments, and below full scale, from which on nobody speaks."""
LOUDEST = 1.0
"""Percent of the time that counts as the loudest moments."""
POWER = 10.0 ** (-np.arange(256) / 20)
"""Power of each level, relative to full scale."""


class LevelMeter:
    """Takes the samples of three channels in any pieces, and gives back those of the first.

    Args:
        sound: whether those of the other two are kept.
    """

    def __init__(self, *, sound: bool = False) -> None:
        self._rest = b""
        self._channels = np.zeros((0, 2), np.int16)
        self._levels = bytearray()
        self._sound = (bytearray(), bytearray()) if sound else None

    def take(self, data: bytes | memoryview) -> bytes:
        """The samples of the mix in a piece of sound.

        Args:
            data: 16-bit signed integers in this machine's byte order, three channels in turn, 16 kHz; a piece may end
                within a sample.
        """
        data = self._rest + bytes(data)
        whole = len(data) // 6 * 6
        self._rest = data[whole:]
        samples = np.frombuffer(data[:whole], np.int16).reshape(-1, 3)
        if self._sound is not None:
            self._sound[0].extend(samples[:, 1].tobytes())
            self._sound[1].extend(samples[:, 2].tobytes())
        self._channels = np.concatenate([self._channels, samples[:, 1:]])
        full = len(self._channels) // STEP * STEP
        self._levels += _levels(self._channels[:full].reshape(-1, STEP, 2))
        self._channels = self._channels[full:]
        return samples[:, 0].tobytes()

    def finish(self) -> bytes:
        """Two bytes for each fiftieth of a second from the first sample on, left and right; the last may be of less.

        A level is in half decibels below full scale, 0 to 255: the root of the mean square.
        """
        if len(self._channels):
            self._levels += _levels(self._channels[None])
            self._channels = self._channels[:0]
        return bytes(self._levels)

    @property
    def sound(self) -> tuple[bytes, bytes] | None:
        """The samples of the left and of the right channel, if they are kept."""
        return None if self._sound is None else (bytes(self._sound[0]), bytes(self._sound[1]))


def _levels(channels: NDArray[np.int16]) -> bytes:
    """Levels of `(times, samples, 2)`."""
    power = np.square(channels, dtype=np.float32).mean(axis=1) / 32768.0**2
    decibels = 10 * np.log10(np.maximum(power, 1e-20))
    found: bytes = np.clip(np.round(-2 * decibels), 0, SILENT).astype(np.uint8).tobytes()
    return found


def differ(levels: bytes) -> bool:
    """Whether both channels are more than one sound, perhaps louder on one of them."""
    lead = lead_of(np.frombuffer(levels, np.uint8).reshape(-1, 2))
    if not len(lead):
        return False
    low, high = np.percentile(lead, (5, 95))
    return bool(high - low >= LEAD)


def lead_of(levels: NDArray[np.uint8]) -> NDArray[np.int16]:
    """By how many half decibels the left channel leads, at each time at which somebody speaks.

    Args:
        levels: `(times, 2)`.
    """
    spoken = levels[spoken_at(levels)].astype(np.int16)
    return spoken[:, 1] - spoken[:, 0]


def spoken_at(levels: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Whether somebody speaks at each time of `(times, 2)` levels."""
    louder = levels.min(axis=1)
    sound = louder[louder < QUIETEST]
    active: NDArray[np.bool_] = louder < min(
        QUIETEST, (np.percentile(sound, LOUDEST) if len(sound) else 0) + QUIET
    )
    return active


def powers(levels: NDArray[np.uint8], start: float, end: float) -> tuple[float, float]:
    """Mean power of the left and of the right channel in a stretch of at least one level; 0 where there are none.

    Args:
        levels: `(times, 2)`.
        start: of the stretch, seconds from the first level on.
        end: of it.
    """
    first = min(round(start * LEVEL_RATE), max(0, len(levels) - 1))
    during = levels[first : max(first + 1, round(end * LEVEL_RATE))]
    left, right = POWER[during].mean(axis=0) if len(during) else (0.0, 0.0)
    return float(left), float(right)


def of_chunk(levels: bytes, start: float, owned: float) -> bytes:
    """The levels between a chunk's own bounds, to half a step.

    Args:
        levels: from the first sample on.
        start: seconds of the first sample from the chunk's nominal start.
        owned: seconds between the chunk's own bounds.
    """
    first = max(0, round(-start * LEVEL_RATE))
    return levels[2 * first : 2 * max(first, round((owned - start) * LEVEL_RATE))]
