"""Where a recording ends by its own header, and whether another one of the same format follows it.

Of recordings that are concatenated, as with `cat`, or appended to a file, players play the first one only. Sources: as in `riff`, `avi`, `asf` and `isobmff`; Sun's .snd (au); NIST SPHERE 2.6; TTA1 and Monkey's
Audio 3.98 (the tables of their frames); Creative's VOC 1.20 (blocks up to a terminator); RFC 4867 §5 (AMR).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from shared.audio.containers import BY_NAME
from shared.audio.files.reader import Reader, part_reader
from shared.audio.probing import asf, avi, elementary, isobmff, riff
from shared.audio.probing.sniff import HEAD, sniff
from shared.audio.types import DAMAGED, SHORT

if TYPE_CHECKING:
    from collections.abc import Callable


GAP = 64 * 1024
"""Bytes behind an end, and behind the tags there, in which the next recording is looked for."""
STEP = 1024 * 1024
"""Bytes that are searched at a time."""
LONGEST_MAGIC = 32
"""Bytes; more than any of `MAGIC`."""
MOST_BLOCKS = 256
"""Blocks of a voc file that are visited, where it is longer than `ALL_BLOCKS` bytes: some programs write long blocks."""
ALL_BLOCKS = 8 * 1024 * 1024
"""Bytes up to which all its blocks are visited: FFmpeg writes short ones."""
UNKNOWN_SIZES = {0, 2**32 - 1}
"""What stands in an au file for an unknown size."""
SUMMED_APE = 3980
"""Version of Monkey's Audio, in thousandths, from which on the header tells how long all its parts are."""
SPHERE_NUMBER = re.compile(rb"^(\w+) -i (\d{1,18})", re.MULTILINE)
"""A number in the header of a NIST SPHERE file."""


def following(reader: Reader, demuxer: str, most: int) -> list[int]:
    """Where each recording in a file begins, bytes: usually 0 alone."""
    found = [0]
    while len(found) < most:
        # The first one as it is: a reader within a reader fetches more at a time.
        own = part_reader(reader.at, found[-1], reader.size, header=0) if found[-1] else reader
        ends = ENDS[demuxer](own)
        begin = _next(own, demuxer, ends)
        if begin is None and demuxer in SEARCHED and not _ends_at(own, ends):
            begin = _searched(own, demuxer, ends)
        if begin is None:
            break
        found.append(found[-1] + begin)
    return found


def of_another_format(reader: Reader, demuxer: str | None) -> int | None:
    """Where a recording of another format begins at the very end of a file by its own header; None as a rule."""
    find = ENDS.get(demuxer or "")
    for end in find(reader) if find is not None else ():
        at = elementary.behind_tags(reader, end)
        if 0 < at < reader.size and sniff(reader.at(at, HEAD)) is not None:
            return at
    return None


def _next(reader: Reader, demuxer: str, ends: tuple[int, ...]) -> int | None:
    """Where the next recording of the same format begins behind an end; tags may stand between them."""
    for end in ends:
        if not 0 < end < reader.size:
            continue
        if sniff(reader.at(end, HEAD)) == demuxer:
            return end
        behind = elementary.behind_tags(reader, end)
        for at in (end, behind) if behind > reader.size else (behind,):
            data = reader.at(at, GAP + HEAD)
            for found in MAGIC[demuxer].finditer(data, 0, GAP):
                if sniff(data[found.start() : found.start() + HEAD]) == demuxer:
                    return at + found.start()
    return None


def _ends_at(reader: Reader, ends: tuple[int, ...]) -> bool:
    """Whether a file ends where its header says, perhaps behind tags, or chunks that its size does not count."""
    return riff.leads_to(reader, reader.size) or any(
        abs(end - reader.size) <= PADDING or elementary.behind_tags(reader, end) == reader.size
        for end in ends
        if end <= reader.size + PADDING
    )


def _searched(reader: Reader, demuxer: str, ends: tuple[int, ...]) -> int | None:
    """Where the next recording of the same format begins, by reading the file; None where it is too long for that.

    Of one that goes on a little behind its end, the last part is read: what was appended to a recording that had been cut
    is seldom much longer than that.
    """
    size, first = reader.size, 1
    if any(0 <= size - end <= GAP for end in ends):
        first = max(1, size - SHORT)
    elif size > (DAMAGED if ends else SHORT):
        return None
    for at in range(first, size, STEP):
        data = reader.at(at, STEP + LONGEST_MAGIC, block=STEP + LONGEST_MAGIC)
        for found in MAGIC[demuxer].finditer(data):
            if sniff(reader.at(at + found.start(), HEAD)) == demuxer:
                return at + found.start()
    return None


def _riff(reader: Reader) -> tuple[int, ...]:
    """Where the samples end, and the file by its own size: either may be wrong, unless chunks lead from one to the other.

    What the chunks between hold (tags with a recording attached, the header that was there before) is no other recording.
    """
    samples, declared = riff.samples_end(reader), riff.declared_end(reader)
    if declared is not None and samples != declared and riff.leads_to(reader, declared):
        return (declared,)
    return tuple(one for one in (samples, declared) if one is not None)


def _au(reader: Reader) -> tuple[int, ...]:
    head = reader.at(0, 12)
    first, size = int.from_bytes(head[4:8], "big"), int.from_bytes(head[8:12], "big")
    return () if size in UNKNOWN_SIZES else (first + size,)


def _sphere(reader: Reader) -> tuple[int, ...]:
    head = reader.at(0, HEAD)
    words = head[:64].split()
    if len(words) < 2 or not words[1].isdigit() or b"shorten" in head:
        return ()
    fields = dict(SPHERE_NUMBER.findall(head[: int(words[1])]))
    if not {b"sample_count", b"sample_n_bytes"} <= fields.keys():
        return ()
    channels = int(fields.get(b"channel_count", 1))
    return (int(words[1]) + int(fields[b"sample_count"]) * int(fields[b"sample_n_bytes"]) * channels,)


def _tta(reader: Reader) -> tuple[int, ...]:
    head = reader.at(0, 22)
    rate, samples = int.from_bytes(head[10:14], "little"), int.from_bytes(head[14:18], "little")
    length = 256 * rate // 245
    frames = -(-samples // length) if length else 0
    if not 0 < frames <= reader.size // 4:
        return ()
    table = reader.at(22, 4 * frames)
    sizes = (int.from_bytes(table[at : at + 4], "little") for at in range(0, len(table), 4))
    return (22 + 4 * frames + 4 + sum(sizes),)


def _ape(reader: Reader) -> tuple[int, ...]:
    head = reader.at(0, 36)
    if int.from_bytes(head[4:6], "little") < SUMMED_APE:
        return ()
    # Bytes of descriptor, header, table of frames, header of the wave file, frames (in two halves), and its end.
    *sizes, high, last = (int.from_bytes(head[at : at + 4], "little") for at in range(8, 36, 4))
    return (sum(sizes) + (high << 32) + last,)


def _voc(reader: Reader) -> tuple[int, ...]:
    at = int.from_bytes(reader.at(20, 2), "little")
    for _ in range(ALL_BLOCKS // 4 if reader.size <= ALL_BLOCKS else MOST_BLOCKS):
        head = reader.at(at, 4)
        if head[:1] == b"\0":
            return (at + 1,)
        if len(head) < 4:
            break
        at += 4 + int.from_bytes(head[1:], "little")
    return ()


ENDS: dict[str, Callable[[Reader], tuple[int, ...]]] = {
    "wav": _riff,
    "aiff": _riff,
    "caf": _riff,
    "w64": _riff,
    "avi": avi.ends,
    "asf": asf.ends,
    "mov": isobmff.ends,
    "au": _au,
    "nistsphere": _sphere,
    "tta": _tta,
    "ape": _ape,
    "voc": _voc,
    "amr": lambda _: (),
}
"""How to find where a file may end by its header, by FFmpeg's name of the demuxer; nowhere where it does not say."""
SEARCHED = ENDS.keys() - {"mov", "ape"}
"""Formats of which short files are searched where they do not end as they say, or do not say it."""
PADDING = 1
"""Bytes by which a file may be longer or shorter than it says."""
MAGIC = {
    "mov": re.compile(rb"\0\0..ftyp", re.DOTALL),
    "au": re.compile(rb"\.snd\0\0.{6}\0\0\0[\x01-\x1b]", re.DOTALL),
    "tta": re.compile(rb"TTA1\x01\x00"),
    "ape": re.compile(rb"MAC .[\x0c-\x10]", re.DOTALL),
}
MAGIC |= {one: BY_NAME[one].magic for one in ENDS.keys() - MAGIC.keys()}
"""How a file begins; the first bytes of the four above stand in sound too often."""
