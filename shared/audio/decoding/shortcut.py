"""Spares FFmpeg what a chunk does not need of a long file, so that it is not fetched.

FFmpeg loads a whole index to seek once, and reads from the beginning where there is none. It sees the recording
through an `Overlay` instead, in which those parts are empty; what it decodes is the same to the sample.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.audio.decoding import isobmff_shortcut, matroska_shortcut
from shared.audio.files.overlay import Shortcut

if TYPE_CHECKING:
    from shared.audio.files.reader import Reader
    from shared.model import AudioInfo


def shortcut(reader: Reader, audio: AudioInfo, *, track: int, begin: float, stop: float) -> Shortcut:
    """The file that FFmpeg is to read for a stretch, and what the reader is to expect of it.

    Args:
        reader: the recording.
        audio: what the probe found.
        track: which audio track, from 0.
        begin: where the stretch begins, seconds on the player's clock.
        stop: where it ends, seconds; may be infinite.
    """
    rate = reader.size / audio.duration if audio.duration else 0.0
    if rate:
        reader.expect(int(rate * (min(stop, audio.duration or 0.0) - begin)))
    if audio.format == "mov":
        return isobmff_shortcut.shortcut(reader, track=track, begin=begin, stop=stop, rate=rate)
    if audio.format == "matroska" and rate:
        return Shortcut(file=matroska_shortcut.shortcut(reader, track=track, begin=begin, rate=rate))
    return Shortcut(file=reader)
