"""Walks the boxes of an ISO base media file with few and small reads. Source: ISO/IEC 14496-12 §4.2."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shared.audio.reader import Reader

SMALL = 2048
"""Smallest read while hopping from box to box, bytes."""
MOST_BOXES = 4000
"""Boxes looked at before we give up: a bound on time and reads."""


def boxes(reader: Reader, at: int, end: int, *, block: int = SMALL) -> Iterator[tuple[bytes, int, int]]:
    """(name, first byte of the content, one past the last byte) of the boxes of a stretch.

    Args:
        reader: the recording.
        at: where the first box begins.
        end: one past the last byte of the stretch.
        block: smallest read, bytes.
    """
    for _ in range(MOST_BOXES):
        header = reader.at(at, 16, block=block)
        if len(header) < 8 or at + 8 > end:
            return
        size, name, start = int.from_bytes(header[:4], "big"), header[4:8], at + 8
        if size == 1 and len(header) == 16:
            size, start = int.from_bytes(header[8:], "big"), at + 16
        elif size == 0:
            size = end - at
        if size < start - at:
            return
        yield name, start, at + size
        at += size
