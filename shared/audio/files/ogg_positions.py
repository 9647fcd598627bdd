"""Ogg whose positions begin below zero, rewritten for FFmpeg, which takes such a position for damage.

What was cut out of a running stream, or counts in 32 bits, has them. Source: RFC 3533 §6 (pages and their checksums).
"""

from __future__ import annotations

from functools import cache, partial
from typing import TYPE_CHECKING

from shared.audio.files.reader import Reader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PAGE, PAGE_HEADER = b"OggS\0", 27
"""How a page begins, and bytes of its header before the sizes of its segments."""
BEGINNING = 32 * 1024
"""Bytes in which the first pages of sound begin."""
LONGEST_HEADER = PAGE_HEADER + 255
"""Bytes of the header of a page, with the sizes of its segments."""
PAGE_SAMPLES = 48_000
"""Samples of a page, where nothing tells: FFmpeg's have a second."""
NO_PACKET = -1
"""Position of a page in which no packet ends; that of headers is zero."""
POLYNOMIAL = 0x1_04C1_1DB7
"""Polynomial of the checksum, which begins with zero and does not turn its bits around, and so is linear."""


def counted_from_zero(reader: Reader) -> Reader:
    """A file that begins about at zero, if it begins below; else the same one."""
    data = reader.at(0, BEGINNING)
    ends = [(at, one) for at, _ in _pages(data) if (one := _position(data, at)) != NO_PACKET]
    sound = [(at, one) for number, (at, one) in enumerate(ends) if any(end for _, end in ends[: number + 1])]
    if not sound or sound[0][1] > 0:
        return reader
    begin, first = sound[0]
    # The first page ends where it would if it were as long as the second: FFmpeg lets those of flac begin at zero.
    samples = sound[1][1] - first if len(sound) > 1 else PAGE_SAMPLES
    return Reader(partial(_moved, reader.at, begin, samples - first), reader.size, max_read=0)


def _moved(fetch: Callable[[int, int], bytes], begin: int, by: int, offset: int, length: int) -> bytes:
    """Bytes of the file, whose pages from one on are so many samples later."""
    before = min(offset, LONGEST_HEADER)
    data = bytearray(fetch(offset - before, before + length + LONGEST_HEADER))
    for at, size in list(_pages(data)):
        position = _position(data, at)
        if offset - before + at >= begin and position != NO_PACKET:
            moved = (position + by).to_bytes(8, "little", signed=True)
            change = int.from_bytes(data[at + 6 : at + 14], "big") ^ int.from_bytes(moved, "big")
            checksum = int.from_bytes(data[at + 22 : at + 26], "little") ^ _checksum(change, size - 14)
            data[at + 6 : at + 14] = moved
            data[at + 22 : at + 26] = checksum.to_bytes(4, "little")
    return bytes(data[before : before + length])


def _pages(data: bytes | bytearray) -> Iterator[tuple[int, int]]:
    """Where the pages begin whose headers are complete, and their bytes."""
    at = -1
    while (at := data.find(PAGE, at + 1)) >= 0:
        head = data[at : at + LONGEST_HEADER]
        segments = head[PAGE_HEADER - 1] if len(head) >= PAGE_HEADER else len(head)
        if len(head) >= PAGE_HEADER + segments and head[5] <= 7:
            yield at, PAGE_HEADER + segments + sum(head[PAGE_HEADER : PAGE_HEADER + segments])


def _position(data: bytes | bytearray, at: int) -> int:
    return int.from_bytes(data[at + 6 : at + 14], "little", signed=True)


def _checksum(change: int, zeros: int) -> int:
    """The checksum of eight bytes and so many zeros."""
    return _product(change >> 32, _power(zeros + 8)) ^ _product(change & 2**32 - 1, _power(zeros + 4))


@cache
def _power(count: int) -> int:
    """X to the power of 8 times so many, modulo the polynomial."""
    if count < 4:
        return 1 << 8 * count
    half = _product(_power(count // 2), _power(count // 2))
    return _product(half, 1 << 8) if count % 2 else half


def _product(one: int, other: int) -> int:
    """Product of polynomials over the field of two elements, modulo that of the checksum."""
    found = 0
    for bit in range(31, -1, -1):
        found <<= 1
        if found >> 32:
            found ^= POLYNOMIAL
        if other >> bit & 1:
            found ^= one
    return found
