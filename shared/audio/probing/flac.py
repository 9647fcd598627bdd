"""Flac: its blocks of metadata, and its frames.

Every frame starts with its own number, protected by a checksum. Source: RFC 9639 §8, §9.1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.audio.files.overlay import Overlay

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shared.audio.files.reader import Reader

PADDING, PICTURE = 1, 6
"""Kinds of metadata."""
LONGEST_BLOCK = 2**24
"""A block of metadata is shorter, bytes."""
MOST_BLOCKS = 128
"""Blocks of metadata that are visited."""
_SIZES = {1: 192, 2: 576, 3: 1152, 4: 2304, 5: 4608} | {code: 256 << code - 8 for code in range(8, 16)}


def declared_samples(reader: Reader) -> int | None:
    """Samples per channel by the header, in which a file that was written to a pipe has none."""
    return (int.from_bytes(reader.at(18, 8), "big") & 0xFFFFFFFFF) or None


def frames_from(reader: Reader) -> int:
    """Where the first frame is, behind the blocks of metadata, bytes."""
    return max((end for _, _, end in _blocks(reader)), default=0)


def without_pictures(reader: Reader) -> Reader | Overlay:
    """The file as FFmpeg is to read it, which loads pictures of any size: they are called padding, and skipped."""
    first, last, flag = 0, 0, 0
    for kind, start, end in _blocks(reader):
        if kind & 0x7F == PICTURE and (not first or start == last):
            first, last, flag = first or start, end, kind & 0x80
    length = last - first - 4
    if not 0 < length < LONGEST_BLOCK:
        return reader
    return Overlay(reader, first, bytes((flag | PADDING,)) + length.to_bytes(3, "big"))


def _blocks(reader: Reader) -> Iterator[tuple[int, int, int]]:
    """The blocks of metadata: kind (with the flag of the last one), first byte, one past the last."""
    at, head = 4, b"\0"
    for _ in range(MOST_BLOCKS):
        if head[0] & 0x80:
            break
        head = reader.at(at, 4, block=4096)
        if len(head) < 4:
            break
        end = at + 4 + int.from_bytes(head[1:], "big")
        yield head[0], at, end
        at = end


def frames(data: bytes, fixed: int) -> Iterator[tuple[int, int, int]]:
    """The frames in these bytes: where each is, and its first sample and one past its last, counted from 0.

    Args:
        data: part of the file.
        fixed: samples of a frame where all have as many, from the header.
    """
    at = -1
    while (at := data.find(b"\xff", at + 1)) >= 0:
        head = data[at : at + 16]
        found = _numbers(head)
        if found is not None:
            first = found[0] if head[1] & 1 else found[0] * fixed
            yield at, first, first + found[1]


def _numbers(head: bytes) -> tuple[int, int] | None:
    """The coded number of a frame, and its samples per channel."""
    if len(head) < 16 or head[1] & 0xFE != 0xF8 or head[3] & 1 or head[2] >> 4 == 0 or head[2] & 15 == 15:
        return None
    ones = 8 - (head[4] ^ 0xFF).bit_length()  # as in UTF-8: how many bytes the number takes
    if ones in {1, 8}:
        return None
    number = head[4] & (0x7F >> ones)
    at = 5
    for byte in head[5 : 4 + max(1, ones)]:
        if byte >> 6 != 2:
            return None
        number = number << 6 | byte & 0x3F
        at += 1
    code = head[2] >> 4
    size = _SIZES.get(code, 0)
    if code in {6, 7}:
        size = int.from_bytes(head[at : at + code - 5], "big") + 1
        at += code - 5
    at += {12: 1, 13: 2, 14: 2}.get(head[2] & 15, 0)
    if at >= len(head) or _crc8(head[:at]) != head[at]:
        return None
    return number, size


def _crc8(data: bytes) -> int:
    """The checksum of frame headers: polynomial x^8 + x^2 + x + 1, started with 0."""
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc << 1 ^ 0x07 if crc & 0x80 else crc << 1) & 0xFF
    return crc
