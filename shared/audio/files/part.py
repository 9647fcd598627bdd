"""One of several recordings in a file, as a file of its own."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from shared.audio.files.reader import Reader

if TYPE_CHECKING:
    from collections.abc import Callable


def part_reader(fetch: Callable[[int, int], bytes], first: int, last: int, *, header: int) -> Reader:
    """A reader of some of the bytes of a file.

    Args:
        fetch: returns the bytes of (offset, length) of the whole file.
        first: where the part begins.
        last: one past its last byte.
        header: bytes at the beginning of the file that come before it.
    """
    return Reader(partial(_fetch, fetch, first - header, header), header + last - first)


def _fetch(fetch: Callable[[int, int], bytes], shift: int, header: int, offset: int, length: int) -> bytes:
    before = fetch(offset, min(length, header - offset)) if offset < header else b""
    rest = length - len(before)
    return before + fetch(max(offset, header) + shift, rest) if rest else before
