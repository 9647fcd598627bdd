"""Samples as FLAC, for a hosted engine.

Ten minutes at 16 kHz are 19.2 MB as they are, and 11 to 14 MB as FLAC for 0.2 s of processor time (measured
with PyAV 18): that saves a tenth of a cent of egress at $0.12 a GB, without loss. The samples are ours, so this
needs no sandbox.
"""

from __future__ import annotations

import io

import av
import numpy as np

from shared.audio.types import SAMPLE_RATE

BLOCK = 10 * SAMPLE_RATE
"""Samples given to the encoder at one time."""


def flac(samples: bytes) -> bytes:
    """A FLAC file of 16-bit signed integers in this machine's byte order, mono, 16 kHz."""
    values = np.frombuffer(samples, np.int16)[np.newaxis]
    file = io.BytesIO()
    with av.open(file, "w", format="flac") as container:
        stream = container.add_stream("flac", rate=SAMPLE_RATE, layout="mono", format="s16")
        for at in range(0, values.shape[1], BLOCK):
            frame = av.AudioFrame.from_ndarray(
                np.ascontiguousarray(values[:, at : at + BLOCK]), format="s16", layout="mono"
            )
            frame.sample_rate = SAMPLE_RATE
            frame.pts = at
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return file.getvalue()
