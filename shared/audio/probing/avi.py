"""AVI: does the file hold what its header promises? And its probe, without its index.

Sources: Microsoft, AVI RIFF File Reference; OpenDML AVI File Format Extensions 1.02 (several RIFF chunks).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.audio.files.overlay import Overlay
from shared.audio.probing.riff import MOST_CHUNKS, UNKNOWN
from shared.audio.probing.truncation import Promise

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shared.audio.files.reader import Reader

HEADERS = 64 * 1024
"""Bytes at the beginning in which the headers of the streams lie."""
MOST_PARTS = 64
"""RIFF chunks looked at; programs begin another one each gigabyte."""


def shortage(reader: Reader, track: int) -> Promise | None:
    """What the header promises of an audio track, or None where the file is whole or it does not tell.

    Args:
        reader: the recording.
        track: which audio track, from 0.
    """
    part, begin = 0, None
    for _ in range(MOST_PARTS):
        head = reader.at(part, 12, block=4096)
        size = int.from_bytes(head[4:8], "little")
        if head[:4] != b"RIFF" or size in UNKNOWN:
            return None
        start, end = _content(reader, part + 12)
        begin = start if begin is None else begin
        if end > reader.size > begin:
            seconds = _promised(reader.at(0, HEADERS), track)
            return Promise(size=end - begin, held=reader.size - begin, seconds=seconds) if seconds else None
        part += 8 + size + (size & 1)
    return None


def without_index(reader: Reader) -> Reader | Overlay:
    """The file as a probe is to see it: FFmpeg loads the index (`idx1`) of a file in full, for hours megabytes.

    Args:
        reader: the recording.
    """
    _, end = _content(reader, 12)
    at = end + (end & 1)
    return Overlay(reader, at, b"JUNK") if reader.at(at, 4, block=4096) == b"idx1" else reader


def _content(reader: Reader, at: int) -> tuple[int, int]:
    """Where sound and pictures of a RIFF chunk begin and end (what is after them is only an index)."""
    for _ in range(MOST_CHUNKS):
        head = reader.at(at, 12, block=4096)
        size = int.from_bytes(head[4:8], "little")
        if len(head) < 12:
            break
        if head[:4] == b"LIST" and head[8:] == b"movi":
            return at + 8, at if size in UNKNOWN else at + 8 + size
        at += 8 + size + (size & 1)
    return at, at


def _promised(head: bytes, track: int) -> float:
    """Duration of an audio track by its stream header, seconds; 0 where it is not known."""
    for name, start, end in _chunks(head, 12, len(head)):
        if name != b"LIST" or head[start : start + 4] != b"hdrl":
            continue
        for inner, at, last in _chunks(head, start + 4, end):
            # A stream's list begins with its header: `strl`, `strh`, size, then the fields.
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
    """(name, start of the content, its end) of the chunks in a stretch."""
    while at + 8 <= end:
        size = int.from_bytes(data[at + 4 : at + 8], "little")
        yield data[at : at + 4], at + 8, min(end, at + 8 + size)
        at += 8 + size + (size & 1)
