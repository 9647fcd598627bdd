"""How loud the samples of a chunk are, ten times a second, for those who draw a waveform.

Ten minutes take 2 ms and are 6 kB.
"""

from __future__ import annotations

import numpy as np

from shared.audio.types import SAMPLE_RATE
from shared.results import PEAK_RATE

STEP = SAMPLE_RATE // PEAK_RATE
"""Samples of one peak."""
BLOCK = 64
"""Peaks at one time: as many samples as stay in a processor's cache."""
LOUDEST = 32_768
"""The loudest of 16-bit samples."""


def of_samples(samples: bytes, start: float, owned: float) -> bytes:
    """The greatest distance from zero in each tenth of a second of a chunk, without its overlap.

    Args:
        samples: 16-bit signed integers in this machine's byte order, mono, 16 kHz.
        start: seconds of the first sample from the chunk's nominal start.
        owned: seconds between the chunk's own bounds.

    Returns:
        One byte for each tenth of a second from the nominal start, 0 for silence to 255; the last one may be of less.
    """
    first = max(0, round(-start * SAMPLE_RATE))
    stop = max(first, round((owned - start) * SAMPLE_RATE))
    values = np.frombuffer(samples, np.int16)[first:stop]
    found = np.empty(-(-len(values) // STEP), np.uint16)
    for at in range(0, len(found), BLOCK):
        # The lowest number has no positive one of 16 bits with a sign; without a sign it has.
        loud = np.abs(values[at * STEP : (at + BLOCK) * STEP]).view(np.uint16)
        found[at : at + BLOCK] = np.maximum.reduceat(loud, np.arange(0, len(loud), STEP))
    # Rounded up: only silence is 0.
    return (-(-found.astype(np.int32) * 255 // LOUDEST)).astype(np.uint8).tobytes()
