"""What the clock of a file shows at a byte: of transport streams, program streams, Matroska, Ogg and flv.

Sources: ISO/IEC 13818-1 §2.4.3 (packets, PCR, PES), §2.5.3 (packs); RFC 9559 §5.1.3 (clusters); RFC 3533 §6 (pages);
Adobe Flash Video File Format Specification 10.1, annex E (tags).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.audio.files.reader import Reader

WINDOWS = (16 * 1024, 64 * 1024)
"""Bytes searched for a time: first few, then more."""
TICKS = 90_000
"""Ticks per second of the clocks of MPEG."""
WRAPS = {"mpegts": 2**33 / TICKS, "mpeg": 2**33 / TICKS}
"""After how many seconds a clock begins at zero again; FFmpeg knows that."""
CLUSTER_START = re.compile(
    rb"\x1f\x43\xb6\x75.{1,8}?(?:\xbf\x84.{4})?\xe7(?:[\x81-\x88]|[\x01-\x40]\0{0,6}[\x01-\x08])", re.DOTALL
)
"""How a Matroska cluster begins, up to the length of its timestamp, which some write in eight bytes."""
PACK = b"\0\0\1\xba"
"""How a pack of a program stream begins."""
TAG = re.compile(rb"(?=[\x08\x09\x12](.{3})(.{4})\0\0\0)", re.DOTALL)
"""How a tag of flv begins: its kind, size and time, of which the highest byte comes last."""
LONGEST_PAUSE = 1024 * 1024
"""Bytes in which each clock of a transport stream shows its time: 0.1 s of all that a transmitter sends."""
IN_A_ROW = 5
"""Transport packets that must follow one another to be taken for some."""


class Reading(NamedTuple):
    """A time in the file."""

    position: int
    """Where the packet, pack or cluster begins."""
    time: float
    """Seconds, of a Matroska cluster in thousands of its ticks, of an Ogg page as if it were Opus: only their order counts."""
    clock: int = 0
    """Which one of several: each program of a transport stream has a clock of its own, in packets of one number (PID)."""


def reading(reader: Reader, demuxer: str, start: int, end: int) -> Reading | None:
    """The first time that stands between two bytes; None where there is none near the first."""
    find = FORMATS[demuxer]
    for window in WINDOWS:
        data = reader.at(start, min(window, end - start), block=window)
        found = find(data)
        if found is not None:
            return found._replace(position=start + found.position)
        if start + window >= end:
            break
    return None


def _transport(data: bytes, clock: int | None = None) -> Reading | None:
    for size in (188, 192, 204):
        for first in range(min(size, len(data))):
            if data[first] == 0x47 and all(
                data[at] == 0x47 for at in range(first, min(len(data), first + IN_A_ROW * size), size)
            ):
                return _packets(data, first, size, clock)
    return None


def of_clock(reader: Reader, clock: int, start: int) -> Reading | None:
    """The next time that a clock of a transport stream shows from a byte on; None where it shows none near it."""
    found = _transport(reader.at(start, LONGEST_PAUSE), clock)
    return None if found is None else found._replace(position=start + found.position)


def _packets(data: bytes, first: int, size: int, clock: int | None) -> Reading | None:
    """The first PCR, of one clock where it is given."""
    for at in range(first, len(data) - 188, size):
        if data[at] != 0x47:
            return None
        control, length, flags = data[at + 3] >> 4 & 3, data[at + 4], data[at + 5]
        if control & 2 and length >= 7 and flags & 0x10:
            own = int.from_bytes(data[at + 1 : at + 3], "big") & 0x1FFF
            if clock in {None, own}:
                return Reading(at, (int.from_bytes(data[at + 6 : at + 11], "big") >> 7) / TICKS, own)
    return None


def _program(data: bytes) -> Reading | None:
    at = data.find(PACK)
    while 0 <= at <= len(data) - 10:
        body = int.from_bytes(data[at + 4 : at + 10], "big")
        if body >> 46 == 1:  # MPEG-2: 2 bits, then 3, 15 and 15 of the clock with a marker after each
            clock = (body >> 43 & 7) << 30 | (body >> 27 & 0x7FFF) << 15 | body >> 11 & 0x7FFF
            return Reading(at, clock / TICKS)
        if body >> 44 == 2:  # MPEG-1: 4 bits, then the same
            clock = (body >> 41 & 7) << 30 | (body >> 25 & 0x7FFF) << 15 | body >> 9 & 0x7FFF
            return Reading(at, clock / TICKS)
        at = data.find(PACK, at + 1)
    return None


def _cluster(data: bytes) -> Reading | None:
    found = CLUSTER_START.search(data)
    if found is None:
        return None
    length = found[0][-1] & 0x0F
    value = data[found.end() : found.end() + length]
    return Reading(found.start(), int.from_bytes(value, "big") / 1000) if len(value) == length else None


def _page(data: bytes) -> Reading | None:
    """The first page in which a packet ends."""
    at = -1
    while 0 <= (at := data.find(b"OggS", at + 1)) <= len(data) - 14:
        position = int.from_bytes(data[at + 6 : at + 14], "little", signed=True)
        if data[at + 4] == 0 and data[at + 5] <= 7 and position >= 0:
            return Reading(at, position / 48_000)
    return None


def _tag(data: bytes) -> Reading | None:
    """The first tag that the size of the tag behind it confirms."""
    for found in TAG.finditer(data):
        size = int.from_bytes(found[1], "big")
        end = found.start() + 11 + size
        if data[end : end + 4] == (11 + size).to_bytes(4, "big"):
            time = found[2]
            return Reading(found.start(), int.from_bytes(time[3:] + time[:3], "big") / 1000)
    return None


FORMATS: dict[str, Callable[[bytes], Reading | None]] = {
    "mpegts": _transport,
    "mpeg": _program,
    "matroska": _cluster,
    "ogg": _page,
    "flv": _tag,
}
"""How to find a time, by FFmpeg's name of the demuxer."""
