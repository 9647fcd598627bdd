"""AMR (telephones, 3GPP): how long is a file, and which frames are a pause?

A telephone sends a few bits in place of a frame while nobody speaks (DTX). Source: RFC 4867 §4.3.2, §5.3.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import av
import numpy as np

if TYPE_CHECKING:
    from av.audio.stream import AudioStream

    from shared.audio.files.reader import Reader

SHORT = 768 * 1024
"""Bytes up to which all frames of a file are counted: ten minutes and more."""
FRAME = 0.02
"""Seconds of each."""
_SPEECH = {"amr_nb": 8, "amr_wb": 9}
"""Kinds of frames with speech in them, by codec; those that follow are pauses."""
_NARROW = (13, 14, 16, 18, 20, 21, 27, 32, 6, *[1] * 7)
_WIDE = (18, 24, 33, 37, 41, 47, 51, 59, 61, 6, *[1] * 6)
"""Bytes of each kind of frame, the first of which tells the kind."""
_PAUSES = {1, 6}
"""Bytes of those that hold none."""


def length(reader: Reader) -> float | None:
    """Seconds of all frames of a short file; None where it is longer, or not all of it can be read."""
    data = reader.at(0, reader.size) if reader.size <= SHORT else b""
    sizes = _WIDE if data.startswith(b"#!AMR-WB") else _NARROW
    at, frames = data.find(b"\n") + 1, 0
    while 0 < at < len(data):
        at += sizes[data[at] >> 3 & 15]
        frames += 1
    return frames * FRAME if len(data) == reader.size and frames else None


def pause(context: av.AudioCodecContext, packet: av.Packet[AudioStream]) -> list[av.AudioFrame]:
    """A frame of silence for a packet that is a frame without speech, which FFmpeg does not decode; else none."""
    kinds = _SPEECH.get(context.codec.canonical_name)
    if kinds is None or packet.size not in _PAUSES or bytes(packet)[0] >> 3 & 15 < kinds:
        return []
    samples = round(FRAME * context.sample_rate)
    frame = av.AudioFrame.from_ndarray(np.zeros((1, samples), np.float32), context.format.name, "mono")
    frame.sample_rate = context.sample_rate
    frame.pts = packet.pts
    return [frame]
