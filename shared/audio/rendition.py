"""Samples as a file that every browser plays, and in which it finds each moment exactly: AAC in MP4, with an index.

The samples come out of the sandbox and are ours, so encoding them needs none. One thread, because recognition needs the
others. An hour takes seven seconds of processor time and is 22 MB.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, BinaryIO

import av
import numpy as np

from shared.audio.types import SAMPLE_RATE

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

MEDIA_TYPE = "audio/mp4"
"""Media type of the file."""
BIT_RATE = 48_000
"""Bits per second: speech at 16 kHz in mono."""
BLOCK = 10 * SAMPLE_RATE
"""Samples given to the encoder at one time."""


class Encoder:
    """Writes a file from samples that come one piece after another.

    Args:
        file: an empty one, open for writing, in which one can seek.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._container = av.open(file, "w", format="mp4")
        self._stream = self._container.add_stream("aac", rate=SAMPLE_RATE, layout="mono")
        self._stream.bit_rate = BIT_RATE
        self._stream.codec_context.thread_count = 1
        self.samples = 0
        """How many were written."""

    def write(self, samples: bytes) -> None:
        """Add samples: 16-bit signed integers in this machine's byte order, mono, 16 kHz."""
        values = np.frombuffer(samples, np.int16)
        for at in range(0, len(values), BLOCK):
            block = values[at : at + BLOCK].astype(np.float32) / 32_768
            frame = av.AudioFrame.from_ndarray(block[np.newaxis], format="fltp", layout="mono")
            frame.sample_rate = SAMPLE_RATE
            frame.time_base = Fraction(1, SAMPLE_RATE)
            # The delay of the encoder comes before it, and is skipped by players.
            frame.pts = self.samples
            self.samples += len(block)
            self._container.mux(self._stream.encode(frame))

    def silence(self, count: int) -> None:
        """Add silence, in samples."""
        for at in range(0, count, BLOCK):
            self.write(bytes(2 * min(BLOCK, count - at)))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Write the end of the file, with its index."""
        try:
            if kind is None:
                self._container.mux(self._stream.encode(None))
        finally:
            self._container.close()
