"""Walks the boxes of an ISO base media file with few and small reads. Source: ISO/IEC 14496-12 §4.2."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shared.audio.files.reader import Reader

SMALL = 2048
"""Smallest read while hopping from box to box, bytes."""
MOST_BOXES = 4000
"""Boxes looked at before we give up: a bound on time and reads."""
INSIDE = {b"mdia", b"minf", b"stbl", b"edts"}
"""Boxes of a track that hold what is told of it."""


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


def track_boxes(
    reader: Reader, start: int, end: int, *, block: int = SMALL
) -> Iterator[tuple[bytes, int, int]]:
    """As `boxes`, those of a track (`trak`) and in place of its boxes of boxes what they hold.

    Args:
        reader: the recording.
        start: where the content of `trak` begins.
        end: one past its last byte.
        block: smallest read, bytes.
    """
    pending = [(start, end)]
    while pending:
        for name, first, last in boxes(reader, *pending.pop(), block=block):
            if name in INSIDE:
                pending.append((first, last))
            else:
                yield name, first, last


def times(body: bytes) -> tuple[int, int]:
    """Timescale and duration of a movie or media header; 0 where the duration is unknown."""
    if body[:1] == b"\1":
        duration = int.from_bytes(body[24:32], "big")
        return int.from_bytes(body[20:24], "big"), 0 if duration == 2**64 - 1 else duration
    duration = int.from_bytes(body[16:20], "big")
    return int.from_bytes(body[12:16], "big"), 0 if duration == 2**32 - 1 else duration
