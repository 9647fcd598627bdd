"""AMR (telephones, 3GPP): how long is a file, and which frames are a pause?

A telephone sends a few bits in place of a frame while nobody speaks (DTX). Source: RFC 4867 §4.3.2, §5.3.
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

import av
import numpy as np

from shared.audio.files.reader import Reader
from shared.audio.probing.truncation import Length
from shared.audio.types import SHORT

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from av.audio.stream import AudioStream

PLACES, WINDOW = 32, 16 * 1024
"""Where the frames of a file of more than `SHORT` bytes, ten minutes and more, are counted, and bytes at each."""
IN_A_ROW = 12
"""Frames that follow one another where one is taken to begin: any byte in eight may be that of a frame."""
FRAME = 0.02
"""Seconds of each."""
MAGIC = re.compile(rb"#!AMR(?:-WB)?\n")
"""What a file begins with."""
LONGEST_MAGIC = 9
"""Bytes."""
EMPTY = b"\x7c"
"""A frame that holds nothing: a pause."""
_SPEECH = {"amr_nb": 8, "amr_wb": 9}
"""Kinds of frames with speech in them, by codec; those that follow are pauses."""
CODECS = frozenset(_SPEECH)
"""FFmpeg's names of the codecs."""
_NARROW = (13, 14, 16, 18, 20, 21, 27, 32, 6, *[1] * 7)
_WIDE = (18, 24, 33, 37, 41, 47, 51, 59, 61, 6, *[1] * 6)
"""Bytes of each kind of frame, the first of which tells the kind."""
_PAUSES = {1, 6}
"""Bytes of those that hold none."""


def length(reader: Reader) -> Length:
    """Seconds of all frames; a guess from some of them in a long file, or where not all of it can be read."""
    sizes = _WIDE if reader.at(0, 9) == b"#!AMR-WB\n" else _NARROW
    data = reader.at(0, reader.size) if reader.size <= SHORT else b""
    if data and len(data) == reader.size:
        frames, _ = _count(data, data.find(b"\n") + 1, sizes)
        return Length(duration=frames * FRAME or None, exact=frames > 0)
    frames, counted = 0, 0
    for place in range(PLACES):
        some = reader.at(place * max(0, reader.size - WINDOW) // (PLACES - 1), WINDOW, block=WINDOW)
        begin = next((at for at in range(len(some)) if _is_frame(some, at, sizes)), None)
        if begin is not None:
            more, end = _count(some, begin, sizes)
            frames, counted = frames + more, counted + end - begin
    return Length(duration=reader.size / counted * frames * FRAME if counted else None, exact=False)


def without_magic(reader: Reader) -> Reader:
    """The file as FFmpeg is to read it, which takes the beginning of a recording that was appended for a frame.

    Pauses of as many bytes stand there, so that the frames behind it are where they are looked for.
    """
    return Reader(partial(_without_magic, reader.at), reader.size, max_read=0)


def _without_magic(fetch: Callable[[int, int], bytes], offset: int, length: int) -> bytes:
    before = min(offset, LONGEST_MAGIC - 1)
    data = fetch(offset - before, before + length + LONGEST_MAGIC - 1)
    own = 1 if offset == before else 0  # the file begins here: its own magic number stays
    pauses = MAGIC.sub(lambda found: EMPTY * len(found[0]), data[own:])
    return (data[:own] + pauses)[before : before + length]


def _count(data: bytes, at: int, sizes: Sequence[int]) -> tuple[int, int]:
    """How many frames there are from one on, and where the last one ends."""
    frames = 0
    while 0 < at < len(data):
        at += sizes[data[at] >> 3 & 15]
        frames += 1
    return frames, at


def _is_frame(data: bytes, at: int, sizes: Sequence[int]) -> bool:
    """Whether a frame begins somewhere, as far as its first byte and those of the next frames tell."""
    for _ in range(IN_A_ROW):
        # Its padding is zero, and the bit that says "not damaged" is set.
        if not 0 < at < len(data) or data[at] & 0x87 != 0x04:
            return False
        at += sizes[data[at] >> 3 & 15]
    return True


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
