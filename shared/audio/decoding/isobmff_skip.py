"""Past the fragments of an mp4 that a chunk does not need.

Without an index, FFmpeg visits every fragment of a file to its end before it seeks. Here it is told to seek no
index, and sees the header, the first fragment (which sets the clock) and those from the chunk on, with nothing
in between. Source: ISO/IEC 14496-12 §8.8 (movie fragments).
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from shared.audio.decoding.landmarks import Mark, last_before, scan
from shared.audio.files.overlay import Overlay
from shared.audio.probing.isobmff_boxes import boxes
from shared.audio.probing.isobmff_fragments import fragment_start

if TYPE_CHECKING:
    from shared.audio.files.reader import Reader

BEFORE = 1.0
"""Seconds before the wanted start from which on fragments are left in: FFmpeg seeks a little earlier."""
LONGEST_HEADER = 4 * 1024 * 1024
"""No header of a fragment is longer, bytes."""
WORTH = 256 * 1024
"""Bytes to pass over below which it is not worth the requests."""
HOPPING = 4096
"""Smallest read while hopping from fragment to fragment, bytes."""
MOST_APART = 100
"""Boxes from a fragment of a track to its next."""


class Fragments:
    """The fragments of one track as landmarks.

    Args:
        reader: the recording.
        number: the track's number.
        timescale: ticks per second.
    """

    def __init__(self, reader: Reader, number: int, timescale: int) -> None:
        self._reader = reader
        self._number = number
        self._timescale = timescale

    def find(self, at: int) -> Mark | None:
        """The first fragment of the track at or after a byte."""
        return scan(self._reader, b"moof", at, self._check)

    def following(self, mark: Mark) -> Mark | None:
        """The next fragment of the track, by the sizes of the boxes."""
        return self.walk(self.end_of(mark))

    def walk(self, at: int) -> Mark | None:
        """The first fragment of the track from a box on."""
        reader = self._reader
        for index, (name, start, end) in enumerate(boxes(reader, at, reader.size, block=HOPPING)):
            if name == b"moof":
                time = self._time(start, end)
                if time is not None:
                    return Mark(start - 8, time)
            if index >= MOST_APART:
                break
        return None

    def end_of(self, mark: Mark) -> int:
        """Where the header of a fragment ends."""
        return mark.at + int.from_bytes(self._reader.at(mark.at, 4, block=HOPPING), "big")

    def _time(self, start: int, end: int) -> float | None:
        if end - start > LONGEST_HEADER:
            return None
        ticks = fragment_start(self._reader.at(start, end - start, block=HOPPING), self._number)
        return None if ticks is None else ticks / self._timescale

    def _check(self, name_at: int) -> Mark | None:
        """The fragment whose name stands at a byte, or the next of the track; None where chance put it there."""
        at = name_at - 4
        head = self._reader.at(max(0, at), 16, block=HOPPING)
        size = int.from_bytes(head[:4], "big")
        if at < 0 or head[12:16] != b"mfhd" or not 16 < size <= LONGEST_HEADER:
            return None
        return self.walk(at)


def skip(reader: Reader, fragments: Fragments, first: int, *, begin: float, rate: float) -> Overlay | None:
    """The file without the fragments between its first and the wanted start; None where that spares little.

    Args:
        reader: the recording.
        fragments: those of the track.
        first: where the first `moof` begins.
        begin: seconds on the player's clock.
        rate: average bytes per second of the file.
    """
    origin = fragments.walk(first)
    if origin is None:
        return None
    hole = _after(reader, fragments.end_of(origin))
    time = begin + origin.time - BEFORE
    mark = last_before(fragments, time, first=origin, end=reader.size, rate=rate)
    if mark.at - hole < WORTH:
        return None
    return Overlay(reader, patches=[(hole, struct.pack("!I4sQ", 1, b"free", mark.at - hole))])


def _after(reader: Reader, at: int) -> int:
    """Where the box with the samples of a fragment ends, whose header ends at a byte."""
    for name, _, end in boxes(reader, at, reader.size, block=HOPPING):
        if name == b"mdat":
            return end
        if name == b"moof":
            break
    return at
