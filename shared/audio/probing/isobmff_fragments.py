"""The length of a fragmented mp4, from its last fragment or its segment index.

A program that writes fragments does not know the length when it writes the header. Source: ISO/IEC
14496-12 §8.8 (movie fragments), §8.16.3 (segment index).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shared.audio.files.reader import Reader

TAILS = (100_000, 400_000)
"""Bytes at the end to search for the last fragment: first few, then more, because fragments of video are large."""

TABLE_HEAD = 32
"""Bytes of a table of fragments up to its first entry."""
FRAGMENT_HEAD = 4096
"""Bytes of a fragment that are read at first: as a rule its whole header."""


def read_sidx(body: bytes, end: int) -> tuple[int, int] | None:
    """(duration in microseconds, one past the last byte covered) of a segment index."""
    timescale = int.from_bytes(body[8:12], "big")
    at = 28 if body[:1] == b"\1" else 20
    first = int.from_bytes(body[20:28] if at == 28 else body[16:20], "big")
    count = int.from_bytes(body[at + 2 : at + 4], "big")
    at += 4
    if not timescale or len(body) < at + 12 * count:
        return None
    length = sum(
        int.from_bytes(body[at + 12 * i : at + 12 * i + 4], "big") & 0x7FFFFFFF for i in range(count)
    )
    ticks = sum(int.from_bytes(body[at + 12 * i + 4 : at + 12 * i + 8], "big") for i in range(count))
    return ticks * 1_000_000 // timescale, end + first + length


def first_fragment_start(body: bytes, timescales: dict[int, int]) -> float | None:
    """When the first fragment begins, seconds; None where it does not say.

    Args:
        body: content of its `moof`.
        timescales: ticks per second of each track, by its number.
    """
    starts = [
        base / timescales[number]
        for number, base in _bases(body)
        if base is not None and timescales.get(number)
    ]
    return min(starts, default=None)


def _bases(body: bytes) -> Iterator[tuple[int, int | None]]:
    """Number and first decode time of each track in the content of a `moof`, in the track's timescale."""
    for name, start, end in _inner(body, 0, len(body)):
        if name == b"traf":
            number, base = 0, None
            for inner, at, _ in _inner(body, start, end):
                if inner == b"tfhd":
                    number = int.from_bytes(body[at + 4 : at + 8], "big")
                elif inner == b"tfdt":
                    base = int.from_bytes(body[at + 4 : at + (12 if body[at] == 1 else 8)], "big")
            yield number, base


def last_fragment_end(reader: Reader, number: int, default: int) -> int | None:
    """When the last fragment that the tail holds ends, in the track's timescale; None where there is none.

    Args:
        reader: the recording.
        number: the track's number.
        default: ticks of a sample where a fragment does not say (`trex`).
    """
    stop = reader.size - _table_length(reader)
    for length in TAILS:
        start = max(0, stop - length)
        end = _last_end(reader.at(start, stop - start), number, default)
        if end is not None:
            return end
    return None


def lists_this_file(reader: Reader) -> bool:
    """Whether the table of fragments at the end is that of the whole file: it begins where the last fragment in it ends.

    That of a file which was appended to another one counts from its own beginning (ISO/IEC 14496-12 §8.8.10).
    """
    table = reader.size - _table_length(reader)
    head = reader.at(table + 8, TABLE_HEAD - 8)
    if len(head) < TABLE_HEAD - 8 or head[4:8] != b"tfra":
        return False
    end, wide = table + 8 + int.from_bytes(head[:4], "big"), head[8] == 1
    lengths = sum((head[19] >> bit & 3) + 1 for bit in (0, 2, 4))
    count, size = int.from_bytes(head[20:24], "big"), (16 if wide else 8) + lengths
    if not count or end > reader.size or table + TABLE_HEAD + count * size > end:
        return False
    entry = reader.at(table + TABLE_HEAD + (count - 1) * size, size, block=size)
    last = int.from_bytes(entry[8:16] if wide else entry[4:8], "big")
    fragment = reader.at(last, FRAGMENT_HEAD, block=FRAGMENT_HEAD)
    content = int.from_bytes(fragment[:4], "big")
    samples = (
        fragment[content : content + 8] if content + 8 <= FRAGMENT_HEAD else reader.at(last + content, 8)
    )
    return (fragment[4:8], samples[4:8]) == (b"moof", b"mdat") and (
        last + content + int.from_bytes(samples[:4], "big") == table
    )


def _last_end(tail: bytes, number: int, default: int) -> int | None:
    at = len(tail)
    while (at := tail.rfind(b"moof", 0, at)) >= 4:
        size = int.from_bytes(tail[at - 4 : at], "big")
        if tail[at + 8 : at + 12] == b"mfhd" and at - 4 + size <= len(tail):
            end = _fragment_end(tail[at + 4 : at - 4 + size], number, default)
            if end is not None:
                return end
    return None


def _table_length(reader: Reader) -> int:
    """Bytes of the table of fragments (`mfra`) at the end: in long files it fills the tail (§8.8.9)."""
    end = reader.at(max(0, reader.size - 16), 16)
    length = int.from_bytes(end[12:16], "big")
    if end[4:8] != b"mfro" or not 16 < length <= reader.size:
        return 0
    return length if reader.at(reader.size - length, 8, block=TABLE_HEAD)[4:8] == b"mfra" else 0


def _inner(body: bytes, at: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    while at + 8 <= end:
        size = int.from_bytes(body[at : at + 4], "big")
        if size < 8 or at + size > end:
            return
        yield body[at + 4 : at + 8], at + 8, at + size
        at += size


def _fragment_end(body: bytes, number: int, default_of_track: int) -> int | None:
    """When the samples of a track in one `moof` end, in the track's timescale."""
    for name, start, end in _inner(body, 0, len(body)):
        if name != b"traf":
            continue
        base, total, found = None, 0, False
        default = 0
        for inner, at, last in _inner(body, start, end):
            flags = int.from_bytes(body[at + 1 : at + 4], "big")
            if inner == b"tfhd":
                found = int.from_bytes(body[at + 4 : at + 8], "big") == number
                default = default_of_track
                if flags & 8:
                    skip = at + 8 + 8 * (flags & 1) + 4 * (flags >> 1 & 1)
                    default = int.from_bytes(body[skip : skip + 4], "big")
            elif inner == b"tfdt":
                base = int.from_bytes(body[at + 4 : at + (12 if body[at] == 1 else 8)], "big")
            elif inner == b"trun":
                total += _run_length(body[at:last], flags, default)
        if found and base is not None:
            return base + total
    return None


def _run_length(body: bytes, flags: int, default: int) -> int:
    """Duration of the samples of one `trun`."""
    count = int.from_bytes(body[4:8], "big")
    if not flags & 0x100:
        return count * default
    at = 8 + 4 * (flags & 1) + 4 * (flags >> 2 & 1)
    step = 4 * sum(flags >> bit & 1 for bit in (8, 9, 10, 11))
    count = min(count, (len(body) - at) // step)
    return sum(int.from_bytes(body[at + i * step : at + i * step + 4], "big") for i in range(count))
