"""Repairs the index of an mp4 in which sizes of samples are damaged: FFmpeg's own ends at the first that cannot be.

Every group of samples has an offset of its own, so a damaged size concerns its own group only. There the bytes that
no other sample claims are given to the first one without a size: decoders go on from frame to frame, so that as a rule
nothing is lost. Source: ISO/IEC 14496-12 §8.7 (`stsz`, `stsc`, `stco`, `co64`).
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from typing import TYPE_CHECKING

from shared.audio.files.overlay import Overlay
from shared.audio.probing.isobmff import index_span, track_boxes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from shared.audio.files.reader import Reader

LARGEST = 1024 * 1024
"""Bytes; no packet of sound is larger."""
LONGEST_INDEX = 16 * 1024 * 1024
"""Bytes of an index that is repaired: a day of sound takes about as many."""


def repaired(reader: Reader) -> Overlay | None:
    """The file with an index whose sizes make sense; None where they do, or where there is no index."""
    start, end = index_span(reader) or (0, 0)
    if end - start > LONGEST_INDEX:
        return None
    index, damaged = bytearray(reader.at(start, end - start)), False
    tracks = [{name: at - start for name, at in boxes.items()} for boxes in track_boxes(reader)]
    offsets = [_offsets(index, boxes) for boxes in tracks]
    ends = sorted({start - 8, reader.size, *(one for several in offsets for one in several)})
    for boxes, begins in zip(tracks, offsets, strict=True):
        at = boxes.get(b"stsz")
        if at is None or any(index[at + 4 : at + 8]):
            continue  # all samples have one size
        sizes = list(_numbers(index, at + 8))
        for first, last, begin in _groups(index, boxes, begins):
            lost = [number for number in range(first, min(last, len(sizes))) if sizes[number] > LARGEST]
            for number in lost:
                sizes[number] = 1
            if lost:
                damaged = True
                left = (
                    ends[bisect_right(ends, begin)] - begin - sum(sizes[first:last])
                    if begin < ends[-1]
                    else 0
                )
                sizes[lost[0]] += max(0, min(left, LARGEST))
        if sizes:
            struct.pack_into(f"!{len(sizes)}I", index, at + 12, *sizes)
    return Overlay(reader, start, bytes(index)) if damaged else None


def _offsets(index: bytearray, boxes: dict[bytes, int]) -> Sequence[int]:
    """Where the groups of a track begin in the file."""
    if b"co64" in boxes:
        return _numbers(index, boxes[b"co64"] + 4, "Q")
    return _numbers(index, boxes[b"stco"] + 4) if b"stco" in boxes else ()


def _groups(
    index: bytearray, boxes: dict[bytes, int], begins: Sequence[int]
) -> Iterator[tuple[int, int, int]]:
    """First sample, one past the last, and first byte of each group of a track."""
    runs = _numbers(index, boxes[b"stsc"] + 4, "III") if b"stsc" in boxes else ()
    counts = dict(zip(runs[::3], runs[1::3], strict=False))
    sample = count = 0
    for number, begin in enumerate(begins, start=1):
        count = counts.get(number, count)
        yield sample, sample + count, begin
        sample += count


def _numbers(index: bytearray, at: int, row: str = "I") -> tuple[int, ...]:
    """The numbers of a table whose count of rows stands at a byte, as far as they are there."""
    count = int.from_bytes(index[at : at + 4], "big") * len(row)
    there = max(0, len(index) - at - 4) // struct.calcsize(f"!{row[0]}")
    return struct.unpack_from(f"!{min(count, there)}{row[0]}", index, at + 4) if there else ()
