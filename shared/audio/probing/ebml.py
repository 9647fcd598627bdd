"""EBML, the binary format of Matroska: elements of an ID, a size and content. Source: RFC 8794 §4 to §6."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shared.audio.files.reader import Reader

MIN_READ = 4096
"""Smallest read while skipping from element to element, bytes."""
MAX_ELEMENTS = 500
"""Elements visited before the first cluster."""
SEGMENT, CLUSTER = 0x18538067, 0x1F43B675


class Element(NamedTuple):
    """Where an element stands in the file."""

    name: int
    """Its ID."""
    start: int
    """First byte of the content."""
    end: int | None
    """One past the last byte; None if the size is unknown, as in a live recording."""


def vint(data: bytes, at: int, *, keep_marker: bool) -> tuple[int, int] | None:
    """A variable-size integer and the position after it; None where there is none.

    Args:
        data: loaded bytes.
        at: where it begins.
        keep_marker: whether the bit that marks the length belongs to the value, as in an ID. If not, the value
            is -1 where all other bits are set: an unknown size.
    """
    if at >= len(data) or data[at] == 0:
        return None
    length = 9 - data[at].bit_length()
    if at + length > len(data):
        return None
    value = int.from_bytes(data[at : at + length], "big")
    if not keep_marker:
        value &= (1 << 7 * length) - 1
        if value == (1 << 7 * length) - 1:
            value = -1
    return value, at + length


def _element(reader: Reader, at: int) -> Element | None:
    """The element that begins at a byte, or None where there is none."""
    data = reader.at(at, 12, block=MIN_READ)
    name = vint(data, 0, keep_marker=True)
    size = vint(data, name[1], keep_marker=False) if name else None
    if name is None or size is None:
        return None
    start = at + size[1]
    return Element(name[0], start, None if size[0] < 0 else start + size[0])


def top_level(reader: Reader, at: int = 0) -> Iterator[Element]:
    """The elements from a byte up to the first cluster, which comes last; those of the segment follow the segment."""
    for _ in range(MAX_ELEMENTS):
        one = _element(reader, at)
        if one is None:
            return
        yield one
        if one.name == SEGMENT:
            at = one.start
        elif one.name == CLUSTER or one.end is None:
            return
        else:
            at = one.end


def children(data: bytes) -> Iterator[tuple[int, bytes]]:
    """(ID, content) of the elements in loaded bytes; the last one may be truncated."""
    at = 0
    while True:
        name = vint(data, at, keep_marker=True)
        size = vint(data, name[1], keep_marker=False) if name else None
        if name is None or size is None:
            return
        end = len(data) if size[0] < 0 else size[1] + size[0]
        yield name[0], data[size[1] : end]
        at = end
