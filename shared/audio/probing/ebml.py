"""EBML, the binary form of Matroska: elements of an id, a size and a content. Source: RFC 8794 §4 to §6."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shared.audio.files.reader import Reader

SMALL = 4096
"""Smallest read while hopping from element to element, bytes."""
MOST_ELEMENTS = 500
"""Elements looked at before the first cluster."""
SEGMENT, CLUSTER = 0x18538067, 0x1F43B675


class Element(NamedTuple):
    """Where an element stands in the file."""

    name: int
    """Its id."""
    start: int
    """First byte of the content."""
    end: int | None
    """One past the last byte; None where it does not tell, as in a live recording."""


def number(data: bytes, at: int, *, keep_marker: bool) -> tuple[int, int] | None:
    """A variable-length integer and the position after it; None where there is none.

    Args:
        data: loaded bytes.
        at: where it begins.
        keep_marker: whether the bit that tells the length belongs to the value, as in an id. Where it does
            not, the value is -1 where all other bits are set: an unknown size.
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
    data = reader.at(at, 12, block=SMALL)
    name = number(data, 0, keep_marker=True)
    size = number(data, name[1], keep_marker=False) if name else None
    if name is None or size is None:
        return None
    start = at + size[1]
    return Element(name[0], start, None if size[0] < 0 else start + size[0])


def top(reader: Reader) -> Iterator[Element]:
    """The elements up to the first cluster, which comes last; those of the segment follow the segment."""
    at = 0
    for _ in range(MOST_ELEMENTS):
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


def inner(data: bytes) -> Iterator[tuple[int, bytes]]:
    """(id, content) of the elements in loaded bytes; the last one may be cut."""
    at = 0
    while True:
        name = number(data, at, keep_marker=True)
        size = number(data, name[1], keep_marker=False) if name else None
        if name is None or size is None:
            return
        end = len(data) if size[0] < 0 else size[1] + size[0]
        yield name[0], data[size[1] : end]
        at = end
