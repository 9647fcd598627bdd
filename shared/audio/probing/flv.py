"""Flv: what precedes the first audio and video, and how long its tags say that it is.

Source: Adobe Flash Video File Format Specification 10.1, annex E (tags); Enhanced RTMP 1.0 (its other headers of codecs).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from shared.audio.files.reader import Reader

FIRST = 13
"""Where the first tag begins, bytes."""
HEAD, TRAILER = 11, 4
"""Bytes of a tag before its content, and of its size behind it."""
SOUND, PICTURES, SCRIPT = 8, 9, 18
"""Kinds of tags."""
MOST_TAGS = 64
"""Tags that are visited at the beginning or the end; most have some hundred bytes."""
AAC, ENHANCED_SOUND = 10, 9
"""Formats of sound whose codec has a header in a tag of its own."""
AVC, HEVC, ENHANCED_PICTURES = 7, 12, 0x80
"""The same of pictures; the last one is a flag."""
BLOCK = 16 * 1024
"""Bytes of a read."""


class Tag(NamedTuple):
    """A tag of the file."""

    kind: int
    """Sound, pictures or a script."""
    start: int
    """Its first byte."""
    end: int
    """One past its last byte, that of its size behind it."""
    time: float
    """Seconds."""
    content: bytes
    """The first two bytes of its content."""


def header_length(reader: Reader) -> int:
    """Bytes before the first sound and pictures: the headers of the file and of its codecs.

    0 where these do not tell how to decode the sound behind them.
    """
    at, begin, told = FIRST, 0, False
    for _ in range(MOST_TAGS):
        tag = _tag(reader, at)
        if tag is None:
            break
        is_header = tag.kind == SCRIPT or _is_codec_header(tag)
        begin = begin or (0 if is_header else at)
        if tag.kind == SOUND:
            told = told or (is_header and not begin)
            if not is_header:
                return begin if told or tag.content[0] >> 4 not in {AAC, ENHANCED_SOUND} else 0
        at = tag.end
    return 0


def duration(reader: Reader, first: float) -> float | None:
    """Seconds by the last tags of what begins at `first`, seconds; None where the file does not end with one."""
    last = tag = _before(reader, reader.size)
    sound: list[float] = []
    for _ in range(MOST_TAGS):
        if tag is None or len(sound) == 2:
            break
        if tag.kind == SOUND:
            sound.append(tag.time)
        tag = _before(reader, tag.start)
    frame = sound[0] - sound[1] if len(sound) == 2 else 0.0
    return None if last is None else max(0.0, last.time + frame - first)


def _tag(reader: Reader, at: int) -> Tag | None:
    """The tag that begins at a byte; None where none does."""
    head = reader.at(at, HEAD + 2, block=BLOCK)
    size = int.from_bytes(head[1:4], "big")
    end = at + HEAD + size
    whole = len(head) == HEAD + 2 and head[8:HEAD] == bytes(3) and head[0] in {SOUND, PICTURES, SCRIPT}
    if not whole or reader.at(end, TRAILER, block=BLOCK) != (HEAD + size).to_bytes(TRAILER, "big"):
        return None
    time = int.from_bytes(head[7:8] + head[4:7], "big") / 1000
    return Tag(head[0], at, end + TRAILER, time, head[HEAD:])


def _before(reader: Reader, end: int) -> Tag | None:
    """The tag that ends at a byte; None where none does."""
    start = end - TRAILER - int.from_bytes(reader.at(end - TRAILER, TRAILER, block=TRAILER), "big")
    tag = _tag(reader, start) if start >= FIRST else None
    return tag if tag is not None and tag.end == end else None


def _is_codec_header(tag: Tag) -> bool:
    """Whether a tag of sound or pictures holds none, but tells how to decode those that follow."""
    first, second = tag.content
    if tag.kind == SOUND:
        return (first >> 4 == AAC and second == 0) or (first >> 4 == ENHANCED_SOUND and first & 15 == 0)
    if first & ENHANCED_PICTURES:
        return first & 15 == 0
    return first & 15 in {AVC, HEVC} and second == 0
