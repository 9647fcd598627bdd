"""Ogg (opus, vorbis, speex, flac): was the stream brought to its end?

Source: RFC 3533 §6: every page tells its own size, and the last one of a stream is marked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.audio.files.ogg_positions import LONGEST_HEADER, PAGE, PAGE_HEADER
from shared.audio.types import SHORT

if TYPE_CHECKING:
    from shared.audio.files.reader import Reader

LONGEST_PAGE = LONGEST_HEADER + 255 * 255
"""No page is longer, bytes."""
WINDOW = 64 * 1024
"""Bytes that are searched for a page: a few more than it may have, and at the end as many as are read there for the clock."""
SEARCH = 64 * 1024
"""Bytes in which the first page must begin."""
MOST_STREAMS = 64
"""Streams that may begin together."""
UNMARKED = "without the mark of its end"
"""In the warning for a stream that may not be complete."""
_FIRST, _LAST = 2, 4


def truncation_warning(reader: Reader, duration: float) -> str | None:
    """The warning for a stream that stops before its end, at `duration` seconds, or None.

    A file that ends inside a page is cut. One that ends after a page that is not marked as the last may be cut, or
    the program that wrote it, such as a live recorder, was stopped: then sound may be missing as well.
    """
    start = max(0, reader.size - LONGEST_PAGE)
    tail = reader.at(start, reader.size - start)
    if start + len(tail) < reader.size:
        return None  # the budget of the probe is spent
    at = _last_page(tail)
    if at is None:
        return None
    segments = tail[at + 26] if at + PAGE_HEADER <= len(tail) else 255
    table = tail[at + PAGE_HEADER : at + PAGE_HEADER + segments]
    if len(table) < segments or at + PAGE_HEADER + segments + sum(table) > len(tail):
        return f"the audio breaks off at {duration:.1f} s: the file is cut, and what came after is missing"
    if not tail[at + 5] & _LAST:
        return f"the audio stops at {duration:.1f} s {UNMARKED}: it may be cut short"
    return None


def links(reader: Reader, most: int) -> list[int]:
    """Where the streams begin that follow one another in a file (RFC 3533 §4, "chaining"), bytes; 0 is the first."""
    found = [0]
    last = _page_after(reader, max(0, reader.size - WINDOW), reader.size, last=True)
    while last is not None and len(found) < most:
        own, low = _serials(reader, found[-1])
        if last[1] in own or low >= last[0]:
            break
        high = last[0]
        while high - low > LONGEST_PAGE:
            middle = _page_after(reader, (low + high) // 2, high)
            if middle is None:
                high = (low + high) // 2
            elif middle[1] in own:
                low = middle[0] + 1
            else:
                high = middle[0]
        while (page := _page_after(reader, low, high)) is not None and page[1] in own:
            low = page[0] + 1
        found.append(page[0] if page is not None else high)
    return found


def first_beginning(reader: Reader, at: int) -> int | None:
    """Where the first stream begins in a file that begins in the middle of a page, bytes; None where it holds none."""
    page = reader.at(at, SEARCH).find(PAGE)
    if page < 0:
        return None
    begin = reader.at(at, SHORT).find(PAGE + bytes((_FIRST,)), page)
    return None if begin < 0 else at + begin


def is_lone(reader: Reader) -> bool:
    """Whether one stream begins a file: of several the pages do not count alike."""
    return len(_serials(reader, 0)[0]) == 1


def _serials(reader: Reader, at: int) -> tuple[set[int], int]:
    """Serial numbers of the streams that begin together at a byte, and one past the first byte of their last page."""
    serials: set[int] = set()
    while (
        (head := reader.at(at, LONGEST_HEADER))[:4] == b"OggS"
        and len(head) > PAGE_HEADER
        and head[5] & _FIRST
    ):
        serials.add(int.from_bytes(head[14:18], "little"))
        if len(serials) > MOST_STREAMS:
            break
        at += PAGE_HEADER + head[26] + sum(head[PAGE_HEADER : PAGE_HEADER + head[26]])
    return serials, at


def _page_after(reader: Reader, low: int, high: int, *, last: bool = False) -> tuple[int, int] | None:
    """Where the first page (or the last) between two bytes begins, and its serial number; None where there is none."""
    data = reader.at(low, min(high - low + PAGE_HEADER, WINDOW))
    at = len(data) if last else -1
    while (at := data.rfind(PAGE, 0, at) if last else data.find(PAGE, at + 1)) >= 0:
        head = data[at : at + PAGE_HEADER]
        if len(head) == PAGE_HEADER and head[5] <= 7 and low + at < high:
            return low + at, int.from_bytes(head[14:18], "little")
    return None


def _last_page(tail: bytes) -> int | None:
    """Where the last page in these bytes begins; its header need not be complete."""
    at = len(tail)
    while (at := tail.rfind(b"OggS", 0, at)) >= 0:
        if tail[at + 4 : at + 5] in {b"", b"\0"} and tail[at + 5 : at + 6] <= b"\7":  # version 0, three flags
            return at
    return None
