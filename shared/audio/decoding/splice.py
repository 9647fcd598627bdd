"""Hides from FFmpeg what lies before a chunk in a long file whose index does not lead there.

A live recording has no index, and that of a film often lists its pictures only: FFmpeg then reads every cluster
(Matroska) or fragment (mp4) from the beginning. Here it sees the first one, and those from the chunk on, with one
element to skip in between. No offset changes, and every time is one that FFmpeg has read.
Sources: RFC 9559 §5.1.3 (`Cluster`), RFC 8794 §11.3.2 (`Void`); ISO/IEC 14496-12 §8.8 (`moof`), §8.1.2 (`free`).
"""

from __future__ import annotations

import math
import re
import struct
from typing import TYPE_CHECKING

import av

from shared.audio.files.overlay import Overlay
from shared.audio.probing.concatenated.clock import CLUSTER_START
from shared.audio.probing.ffmpeg import open_container
from shared.audio.probing.isobmff import is_fragmented
from shared.errors import BadMedia

if TYPE_CHECKING:
    from collections.abc import Callable

    from av.audio.stream import AudioStream
    from av.container import InputContainer

    from shared.audio.files.reader import Reader
    from shared.model import AudioInfo

MARKERS = {
    "matroska": CLUSTER_START,
    "mov": re.compile(rb".{4}moof\0\0\0\x10mfhd.{12}traf.{4}tfhd.{8,36}tfdt", re.DOTALL),
}
"""How a cluster or fragment begins, up to its timestamp. Without one, its time depends on all before it."""
LONGEST_MARKER = 80
"""Bytes."""
NEAR = 15.0
"""Seconds from the end of the index to the chunk that FFmpeg may as well read."""
BEFORE = 2.0
"""Seconds before the chunk that stay visible: FFmpeg seeks a little earlier, and the blocks of one track lie a little
apart from those of another."""
MARGIN = 32 * 1024
"""Bytes to guess too early, beside the length of a cluster: then what is read belongs to the chunk, as a rule."""
HOP = 1024 * 1024
"""Bytes from a cluster to the chunk up to which to close in on it; beyond, guess again."""
WORTH = 256 * 1024
"""Bytes to hide below which a splice is not worth its requests."""
WINDOW = 64 * 1024
"""Bytes searched at one time."""
FARTHEST = 16 * 1024 * 1024
"""Bytes searched for the next cluster: that of a film takes a few megabytes."""
MAX_LOOKS = 100
"""Clusters looked at before we take the best so far."""


def splice(
    reader: Reader,
    audio: AudioInfo,
    container: InputContainer,
    stream: AudioStream,
    *,
    begin: float,
    origin: float,
) -> Overlay | None:
    """Hide what lies before a chunk.

    Args:
        reader: the file.
        audio: what the probe found.
        container: the file as FFmpeg has opened it; it may have been read or sought in since.
        stream: its audio track.
        begin: where the chunk begins on the player's clock, seconds.
        origin: the zero of that clock by the file's own timestamps, seconds.

    Returns:
        The file to open instead; None if FFmpeg needs no help, or too little would be hidden.
    """
    demuxer, wanted = audio.format, begin + origin
    if demuxer not in MARKERS or not audio.duration or begin <= NEAR:
        return None
    if _is_indexed(demuxer, container, stream, wanted) or (demuxer == "mov" and not is_fragmented(reader)):
        return None
    first = _find(reader, demuxer, 0, reader.size)
    second = None if first is None else _find(reader, demuxer, first + 1, reader.size)
    if first is None or second is None:
        return None
    track, position = container.streams.audio.index(stream), reader.tell()
    rate, low = reader.size / audio.duration, second + WORTH
    wanted -= BEFORE
    at = last_before(
        wanted,
        lambda low, high: _find(reader, demuxer, low, high),
        lambda at: _time(_hide(reader, demuxer, first, at), demuxer, track, at, wanted),
        start=(low, origin + low / rate),
        end=reader.size,
        rate=rate,
        margin=MARGIN + second - first,
    )
    reader.seek(position)  # where the container goes on to read
    return _hide(reader, demuxer, second, at) if at > low else None


def indexed_until(stream: AudioStream) -> float:
    """Where the index of a track ends, as far as FFmpeg has loaded it: seconds by the file's own timestamps."""
    assert stream.time_base is not None
    index = stream.index_entries
    return float(index[-1].timestamp * stream.time_base) if len(index) else -math.inf


def last_before(
    wanted: float,
    find: Callable[[int, int], int | None],
    time_of: Callable[[int], float | None],
    *,
    start: tuple[int, float],
    end: int,
    rate: float,
    margin: int,
) -> int:
    """Where the last cluster begins that is no later than wanted; an earlier one where the search takes too long.

    Args:
        wanted: seconds by the file's own timestamps.
        find: the first cluster that begins in a stretch (first byte, one past the last); None where none does.
        time_of: seconds of a cluster; None where nothing can be read from there.
        start: the byte after which to search, and about its time; it is returned where no cluster is early enough.
        end: one past the last byte of the file.
        rate: average bytes per second.
        margin: bytes to guess too early.
    """
    low, high, back = start[0], end, margin
    guess = low + int((wanted - start[1]) * rate) - margin
    for _ in range(MAX_LOOKS):
        guess = max(low + 1, min(guess, high - 1))
        at = find(guess, high)
        time = None if at is None else time_of(at)
        if at is not None and time is not None and time <= wanted:
            ahead = int((wanted - time) * rate)
            low = at
            guess = min(low + (ahead - margin if ahead > HOP else ahead // 2), (low + high) // 2)
        elif guess == low + 1:
            break
        else:
            # Each step back is longer: where the bit rate varies, the average says little.
            high = guess
            guess -= back + (0 if time is None else int((time - wanted) * rate))
            back *= 2
    return low


def _is_indexed(demuxer: str, container: InputContainer, stream: AudioStream, wanted: float) -> bool:
    """Whether the index that FFmpeg has, or loads to seek, leads near a time."""
    assert stream.time_base is not None
    try:
        if demuxer == "matroska":
            container.seek(0)  # a seek to the chunk would read all before it where there is no index
        elif stream.index_entries:
            container.seek(int(wanted / stream.time_base), stream=stream)
    except av.error.FFmpegError as error:
        if isinstance(error, MemoryError):
            raise
    return indexed_until(stream) > wanted - NEAR


def _find(reader: Reader, demuxer: str, low: int, high: int) -> int | None:
    """The first cluster that begins in a stretch of bytes."""
    end = min(high + LONGEST_MARKER, low + FARTHEST, reader.size)
    while low < min(high, end):
        data = reader.at(low, min(WINDOW, end - low), block=WINDOW)
        found = MARKERS[demuxer].search(data)
        if found is not None:
            return low + found.start() if low + found.start() < high else None
        if len(data) <= LONGEST_MARKER:
            return None
        low += len(data) - LONGEST_MARKER
    return None


def _hide(reader: Reader, demuxer: str, start: int, end: int) -> Overlay:
    """The file with an element to skip in place of a stretch of bytes."""
    if demuxer == "matroska":
        patch = b"\xec\x01" + (end - start - 9).to_bytes(7, "big")
    else:
        patch = struct.pack("!I4sQ", 1, b"free", end - start)
    return Overlay(reader, start, patch)


def _time(file: Overlay, demuxer: str, track: int, at: int, wanted: float) -> float | None:
    """When the first packet from a byte on begins: of the track, whose fragments may be apart from those of others.

    One of another track tells as well that all that follows is later than wanted.
    """
    try:
        with open_container(file, demuxer, probing=False) as container:
            own = container.streams.audio[track].index
            for packet in container.demux():
                if packet.pts is not None and packet.pos is not None and packet.pos >= at:
                    time = float(packet.pts * packet.time_base)
                    if packet.stream.index == own or demuxer == "matroska" or time > wanted:
                        return time
    except (BadMedia, av.error.FFmpegError) as error:
        if isinstance(error, MemoryError):
            raise
    return None
