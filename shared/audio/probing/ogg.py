"""Ogg (opus, vorbis, speex, flac): was the stream brought to its end?

Source: RFC 3533 §6: every page tells its own size, and the last one of a stream is marked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shared.audio.files.reader import Reader

LONGEST_PAGE = 27 + 255 + 255 * 255
"""No page is longer, bytes."""
PAGE_HEADER = 27
"""Bytes of a page before its segment table."""
_LAST = 4


def truncation_warning(reader: Reader, duration: float) -> str | None:
    """The warning for a stream that stops before its end, or None.

    A file that ends inside a page is cut. One that ends after a page that is not marked as the last may be cut, or
    the program that wrote it, such as a live recorder, was stopped: then sound may be missing as well.

    Args:
        reader: the recording.
        duration: where it stops, seconds.
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
        return f"the audio stops at {duration:.1f} s without the mark of its end: it may be cut short"
    return None


def _last_page(tail: bytes) -> int | None:
    """Where the last page in these bytes begins; its header need not be complete."""
    at = len(tail)
    while (at := tail.rfind(b"OggS", 0, at)) >= 0:
        if tail[at + 4 : at + 5] in {b"", b"\0"} and tail[at + 5 : at + 6] <= b"\7":  # version 0, three flags
            return at
    return None
