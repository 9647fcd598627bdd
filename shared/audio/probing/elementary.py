"""mp3 and raw aac: frames without a container, between tags.

Source of the tags: id3.org, ID3v2.4 §3.1; APEv2; Lyrics3 2.00.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.audio.probing.mpeg_frames import KINDS, PARSERS, Frame, InfoTag, Kind, Walk, info_tag, synchronise
from shared.audio.probing.notices import not_media, stops_early
from shared.audio.probing.sniff import HEAD, sniff
from shared.model import AudioInfo

if TYPE_CHECKING:
    from shared.audio.files.reader import Reader

SEARCH = 64 * 1024
"""Bytes after the tags in which the first mp3 or aac frame must lie."""
PLACES = 8
"""Places in an mp3 or aac file at which frames are read to estimate its duration."""
PLACE_BYTES = 24 * 1024
"""Bytes read at each."""
READ_IN_FULL = 400_000
"""Bytes up to which a file is read in full: then even a variable bit rate gives an exact duration."""


def probe(reader: Reader, first: int, name: str) -> AudioInfo:
    """What an mp3 or raw aac file says; neither has a magic number, so its frames are looked for.

    `first` is the first byte after the tags at the start; `name` is what its owner calls it, for messages.

    Raises:
        BadMedia: `not-media`.
    """
    data = reader.at(first, SEARCH)
    whole = first + len(data) >= reader.size
    sound = data[: skip_trailing_tags(reader, first) - first] if whole else data
    offset, kind = None, KINDS[0]
    # The kind that begins at once comes first: what the other one finds counts only before it.
    for one in sorted(KINDS, key=lambda kind: PARSERS[kind](sound, 0) is None):
        at = synchronise(one, sound, 0, last=whole, before=offset)
        if at is not None:
            offset, kind = at, one
    if offset is None:
        raise not_media(reader.at(0, HEAD), name)
    first += offset
    last = skip_trailing_tags(reader, first)
    frame = PARSERS[kind](data, offset)
    assert frame is not None
    tag = info_tag(data, offset, frame)
    duration, exact, warnings = _length(reader, kind, first, last, frame, tag)
    return AudioInfo(
        format="mp3" if kind == "mpeg" else "aac",
        codec=frame.codec,
        sample_rate=frame.rate,
        channels=frame.channels,
        duration=duration,
        exact=exact,
        splittable_by="bytes",
        first_byte=first,
        last_byte=last,
        warnings=warnings,
    )


def _length(
    reader: Reader, kind: Kind, first: int, last: int, frame: Frame, tag: InfoTag | None
) -> tuple[float, bool, tuple[str, ...]]:
    """Duration in seconds, whether it is exact, and warnings."""
    skip = tag.skip / frame.rate if tag else 0.0
    present = last - first
    if tag is not None and tag.frames:
        declared_seconds = max(0.0, tag.frames * frame.samples / frame.rate - skip)
        if not tag.length or abs(present - tag.length) <= 2 * frame.size + 4096:
            return declared_seconds, True, ()
        if present < tag.length:
            there = declared_seconds * present / tag.length
            return there, False, (stops_early(there, declared_seconds),)
        # More than the header says: several recordings in one file, and this header is that of the first.
    header_bytes = frame.size if tag is not None else 0
    if present <= READ_IN_FULL:
        seconds = 0.0
        walk = Walk(kind, reader.at(first + header_bytes, present - header_bytes), last=True)
        for _, one in walk:
            seconds += one.samples / one.rate
        return max(0.0, seconds - skip), True, ()
    bits: set[int] = set()
    size, seconds = 0, 0.0
    for place in range(PLACES):
        start = first + header_bytes + (present - header_bytes - PLACE_BYTES) * place // (PLACES - 1)
        for _, one in Walk(kind, reader.at(start, PLACE_BYTES)):
            bits.add(one.bitrate)
            size += one.size
            seconds += one.samples / one.rate
    if not seconds:
        return 0.0, False, ()
    constant = len(bits) == 1 and 0 not in bits
    per_second = bits.pop() / 8 if constant else size / seconds
    return max(0.0, (present - header_bytes) / per_second - skip), constant, ()


def skip_id3(reader: Reader) -> int:
    """First byte after the ID3v2 tags at the start (id3.org, ID3v2.4 §3.1); cover art can take megabytes."""
    at = 0
    for _ in range(10):
        head = reader.at(at, 10)
        if head[:3] != b"ID3" or len(head) < 10:
            break
        at = _behind_tag(reader, at, head)
    return min(at, reader.size)


def _behind_tag(reader: Reader, at: int, head: bytes) -> int:
    """First byte after an ID3v2 tag; some programs write its size as a plain number instead of seven bits a byte."""
    footer = 10 if head[5] & 0x10 else 0
    plain = at + 10 + int.from_bytes(head[6:10], "big") + footer
    if max(head[6:10]) > 0x7F:
        return plain
    proper = at + 10 + (head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9]) + footer
    if plain > proper and not _sound_begins(reader, proper) and _sound_begins(reader, plain):
        return plain
    return proper


def behind_tags(reader: Reader, at: int) -> int:
    """First byte after the tags at a byte in the middle of a file, where recordings were concatenated.

    It is behind the end of the file where a tag is cut, or none.
    """
    for _ in range(10):
        head = reader.at(at, 32)
        if head[:3] == b"ID3" and len(head) >= 10:
            at = _behind_tag(reader, at, head)
        elif head[:3] == b"TAG":
            at += 128
        elif head[:8] == b"APETAGEX" and len(head) == 32:
            at += 32 + int.from_bytes(head[12:16], "little")
        else:
            break
    return at


def _sound_begins(reader: Reader, at: int) -> bool:
    """Whether sound, or another tag, begins near a byte; many programs pad a tag with zeros."""
    data = reader.at(at, SEARCH)
    return (
        data[:3] == b"ID3"
        or sniff(data[:HEAD]) is not None
        or any(synchronise(kind, data, 0, last=at + len(data) >= reader.size) is not None for kind in KINDS)
    )


def skip_trailing_tags(reader: Reader, first: int) -> int:
    """One past the last byte of audio, before ID3v1, APE and Lyrics3 tags at the end."""
    end = reader.size
    for _ in range(4):
        tail = reader.at(max(first, end - 160), min(160, end - first))
        if tail[-128:-125] == b"TAG":
            end -= 128
        elif tail[-32:-24] == b"APETAGEX":
            size = int.from_bytes(tail[-20:-16], "little")
            has_header = int.from_bytes(tail[-12:-8], "little") >> 31
            end -= size + 32 * has_header
        elif tail[-9:] == b"LYRICS200" and tail[-15:-9].isdigit():
            end -= int(tail[-15:-9]) + 15
        else:
            break
    return max(first, end)
