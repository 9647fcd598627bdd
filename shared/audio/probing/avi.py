"""AVI: does the file hold what its header declares? And a view of it without its index.

Sources: Microsoft, AVI RIFF File Reference; OpenDML AVI File Format Extensions 1.02 (several RIFF chunks).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.audio.files.overlay import Overlay
from shared.audio.probing.riff import MAX_CHUNKS, is_unknown
from shared.audio.probing.truncation import DeclaredSize

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shared.audio.files.reader import Reader

HEADERS = 64 * 1024
"""Bytes at the beginning that contain the headers of the streams."""
UNKNOWN_LENGTH = 2**30
"""Frames that FFmpeg writes into the header of a stream while it does not know how many will come."""
MAX_PARTS = 64
"""RIFF chunks visited; programs begin another one every gigabyte."""


def declared_size(reader: Reader, track: int) -> DeclaredSize | None:
    """What the header declares of an audio track; None if the file is whole, or if it does not say."""
    part, begin = 0, None
    for _ in range(MAX_PARTS):
        head = reader.at(part, 12, block=4096)
        size = int.from_bytes(head[4:8], "little")
        if head[:4] != b"RIFF" or is_unknown(size):
            return None
        start, end = _content(reader, part + 12)
        begin = start if begin is None else begin
        if end > reader.size > begin:
            seconds = _declared_seconds(reader.at(0, HEADERS), track)
            return (
                DeclaredSize(size=end - begin, present=reader.size - begin, seconds=seconds)
                if seconds
                else None
            )
        part += 8 + size + (size & 1)
    return None


def ends(reader: Reader) -> tuple[int, ...]:
    """Where the file ends by its own header: behind all RIFF chunks of one recording. Empty where it does not say."""
    at = 0
    for _ in range(MAX_PARTS):
        head = reader.at(at, 12, block=4096)
        size = int.from_bytes(head[4:8], "little")
        if at and (head[:4] != b"RIFF" or head[8:] != b"AVIX"):
            return (at,)
        if is_unknown(size):
            break
        at += 8 + size + (size & 1)
    return ()


def without_index(reader: Reader) -> Reader | Overlay:
    """The file as the probe shows it to FFmpeg, which would load the whole index (`idx1`): megabytes for hours of sound."""
    _, end = _content(reader, 12)
    at = end + (end & 1)
    return Overlay(reader, at, b"JUNK") if reader.at(at, 4, block=4096) == b"idx1" else reader


def _content(reader: Reader, at: int) -> tuple[int, int]:
    """Where sound and pictures of a RIFF chunk begin and end (only an index comes after them)."""
    for _ in range(MAX_CHUNKS):
        head = reader.at(at, 12, block=4096)
        size = int.from_bytes(head[4:8], "little")
        if len(head) < 12:
            break
        if head[:4] == b"LIST" and head[8:] == b"movi":
            return at + 8, at if is_unknown(size) else at + 8 + size
        at += 8 + size + (size & 1)
    return at, at


def _declared_seconds(head: bytes, track: int) -> float:
    """Duration of an audio track by its stream header, seconds; 0 where it is not known."""
    for name, start, end in _chunks(head, 12, len(head)):
        if name != b"LIST" or head[start : start + 4] != b"hdrl":
            continue
        for inner, at, last in _chunks(head, start + 4, end):
            # The list of a stream begins with its header: `strl`, `strh`, size, then the fields.
            fields = head[at + 12 : last]
            if inner == b"LIST" and head[at : at + 8] == b"strlstrh" and fields[:4] == b"auds":
                if track == 0:
                    scale, rate, _, length = (
                        int.from_bytes(fields[i : i + 4], "little") for i in (20, 24, 28, 32)
                    )
                    return length * scale / rate if rate else 0.0
                track -= 1
    return 0.0


def _chunks(data: bytes, at: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """(name, first byte of the content, one past the last) of the chunks in loaded bytes."""
    while at + 8 <= end:
        size = int.from_bytes(data[at + 4 : at + 8], "little")
        yield data[at : at + 4], at + 8, min(end, at + 8 + size)
        at += 8 + size + (size & 1)
