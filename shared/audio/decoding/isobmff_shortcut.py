"""The shortcut through an mp4, m4a or mov: by its tables, or past its fragments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.audio.decoding.isobmff_skip import Fragments, skip
from shared.audio.decoding.isobmff_tables import needed
from shared.audio.files.overlay import Overlay, Shortcut
from shared.audio.probing.isobmff import MOST_TOP, read_movie
from shared.audio.probing.isobmff_boxes import boxes
from shared.audio.probing.isobmff_fragments import read_sidx

if TYPE_CHECKING:
    from shared.audio.files.reader import Reader

HEADER = 32 * 1024
"""Smallest read at the beginning of the index, bytes: what comes before its tables is small."""


def shortcut(reader: Reader, *, track: int, begin: float, stop: float, rate: float) -> Shortcut:
    """See `shared.audio.decoding.shortcut`.

    Args:
        reader: the recording.
        track: which audio track, from 0.
        begin: where the stretch begins, seconds on the player's clock.
        stop: where it ends, seconds; may be infinite.
        rate: average bytes per second of the file; 0 where it is not known.
    """
    index: tuple[int, int] | None = None
    for position, (name, start, end) in enumerate(boxes(reader, 0, reader.size, block=HEADER)):
        if name == b"moov":
            index = start, end
        elif name == b"sidx" and _complete(reader, start, end):
            return Shortcut(file=reader)
        elif name == b"moof" and index is not None:
            return _past_fragments(reader, index, start - 8, track, begin, rate)
        if position > MOST_TOP or (name == b"mdat" and index is not None):
            break
    return Shortcut(file=reader if index is None else _by_tables(reader, index, track, begin, stop))


def _complete(reader: Reader, start: int, end: int) -> bool:
    """Whether a segment index knows the whole file: then FFmpeg finds its way by itself."""
    covered = read_sidx(reader.at(start, end - start), end)
    return covered is not None and covered[1] >= reader.size * 0.98


def _by_tables(
    reader: Reader, index: tuple[int, int], track: int, begin: float, stop: float
) -> Reader | Overlay:
    found = needed(reader, *index, track=track, begin=begin, stop=stop)
    if not found.blanks:
        return reader
    if found.stretch is not None:
        low, high = found.stretch
        reader.expect(high - low, start=low)
    return Overlay(reader, blanks=found.blanks)


def _past_fragments(
    reader: Reader, index: tuple[int, int], first: int, track: int, begin: float, rate: float
) -> Shortcut:
    sound = [one for one in read_movie(reader, *index).tracks if one.handler == b"soun"]
    file: Overlay | None = None
    if rate and 0 <= track < len(sound) and sound[track].timescale:
        fragments = Fragments(reader, sound[track].number, sound[track].timescale)
        file = skip(reader, fragments, first, begin=begin, rate=rate)
    return Shortcut(file=file or reader, indexed=False)
