"""The shortcut through a Matroska file whose index (Cues) does not know the track, or that has none.

What a browser records has no index, and that of a film knows its pictures only. FFmpeg then reads every cluster
from the beginning. Here it sees the first cluster, which sets the clock, and those from the chunk on, with nothing
in between. Source: RFC 9559 §5.1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.audio.decoding.landmarks import Mark, last_before, scan
from shared.audio.files.overlay import Overlay
from shared.audio.probing.ebml import CLUSTER, SEGMENT, Element, element, inner, top
from shared.audio.probing.matroska import (
    AUDIO_TYPE,
    INFO,
    TIMESTAMP,
    TRACKS,
    Header,
    content,
    read_info,
    read_tracks,
)

if TYPE_CHECKING:
    from shared.audio.files.reader import Reader

SEEK_HEAD, SEEK, SEEK_ID, SEEK_POSITION = 0x114D9B74, 0x4DBB, 0x53AB, 0x53AC
CUES, CUE_POINT, CUE_POSITIONS, CUE_TRACK = 0x1C53BB6B, 0xBB, 0xB7, 0xF7
BEFORE = 2.0
"""Seconds before the wanted start from which on clusters are left in: FFmpeg seeks a little earlier, and the
blocks of one track lie a little apart from those of another."""
WORTH = 256 * 1024
"""Bytes to pass over below which it is not worth the requests."""
HEADER = 32 * 1024
"""Smallest read of header and index, bytes."""
VOID = b"\xec\x01"
"""Id of an element to pass over, and the mark of a size of seven bytes."""


class Clusters:
    """The clusters of a file as landmarks.

    Args:
        reader: the recording.
        scale: nanoseconds per tick.
    """

    def __init__(self, reader: Reader, scale: int) -> None:
        self._reader = reader
        self._scale = scale

    def find(self, at: int) -> Mark | None:
        """The first cluster at or after a byte."""
        return scan(self._reader, CLUSTER.to_bytes(4, "big"), at, self.look)

    def following(self, mark: Mark) -> Mark | None:
        """The cluster after one: by its size, where it tells."""
        one = element(self._reader, mark.at)
        if one is None:
            return None
        return self.find(one.start if one.end is None else one.end)

    def look(self, at: int) -> Mark | None:
        """The cluster that begins at a byte, or None where chance put its name there."""
        one = element(self._reader, at)
        if one is None or one.name != CLUSTER:
            return None
        # A time stamp comes first, behind a checksum at most.
        for name, body in inner(self._reader.at(one.start, 32)):
            if name == TIMESTAMP:
                return Mark(at, int.from_bytes(body, "big") * self._scale / 1e9)
        return None


def shortcut(reader: Reader, *, track: int, begin: float, rate: float) -> Reader | Overlay:
    """See `shared.audio.decoding.shortcut`.

    Args:
        reader: the recording.
        track: which audio track, from 0.
        begin: where the stretch begins, seconds on the player's clock.
        rate: average bytes per second of the file.
    """
    parts = {one.name: one for one in top(reader, block=HEADER)}
    first, tracks = parts.get(CLUSTER), parts.get(TRACKS)
    if begin <= BEFORE or first is None or tracks is None:
        return reader
    sound = [one for one in read_tracks(content(reader, tracks)) if one.kind == AUDIO_TYPE]
    if not 0 <= track < len(sound) or _is_indexed(reader, parts, sound[track].number):
        return reader
    header = Header()
    if INFO in parts:
        read_info(content(reader, parts[INFO]), header)
    clusters = Clusters(reader, header.scale)
    origin = clusters.look(first.at)
    second = clusters.following(origin) if origin else None
    if origin is None or second is None:
        return reader
    mark = last_before(clusters, begin + origin.time - BEFORE, first=second, end=reader.size, rate=rate)
    if mark.at - second.at < WORTH:
        return reader
    size = mark.at - second.at - len(VOID) - 7
    return Overlay(reader, patches=[(second.at, VOID + size.to_bytes(7, "big"))])


def _is_indexed(reader: Reader, parts: dict[int, Element], track: int) -> bool:
    """Whether the index has entries of a track, by its beginning."""
    cues = parts.get(CUES)
    if cues is None and SEEK_HEAD in parts and SEGMENT in parts:
        for name, body in inner(content(reader, parts[SEEK_HEAD])):
            entry = dict(inner(body)) if name == SEEK else {}
            if int.from_bytes(entry.get(SEEK_ID, b""), "big") == CUES:
                at = parts[SEGMENT].start + int.from_bytes(entry.get(SEEK_POSITION, b""), "big")
                cues = element(reader, at, block=HEADER)
    if cues is None or cues.name != CUES or cues.end is None or cues.end > reader.size:
        return False
    beginning = reader.at(cues.start, min(cues.end - cues.start, HEADER // 2))
    for name, point in inner(beginning):
        for inside, positions in inner(point) if name == CUE_POINT else ():
            owner = dict(inner(positions)).get(CUE_TRACK, b"") if inside == CUE_POSITIONS else b""
            if owner and int.from_bytes(owner, "big") == track:
                return True
    return False
