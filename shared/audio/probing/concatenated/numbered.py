"""Flac, WavPack and mp4 in fragments: does the numbering begin anew in a file?

Each frame says which samples it holds, and each fragment its number, so two files that were concatenated show where a number is
lower than before. Sources: RFC 9639 §8.2, §9.1; WavPack 4 & 5 Binary File / Block Format, §2; ISO/IEC 14496-12 §8.8.5.
"""

from __future__ import annotations

import re
from bisect import bisect
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from shared.audio.files.reader import Reader, part_reader
from shared.audio.probing import flac, isobmff, isobmff_fragments
from shared.audio.probing.sniff import HEAD
from shared.audio.types import SHORT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


WINDOWS = {
    "flac": (16 * 1024, 64 * 1024),
    "wv": (16 * 1024, 64 * 1024, 256 * 1024),
    "mov": (16 * 1024, 64 * 1024),
}
"""Bytes that are searched for a frame: first few, then more."""
TAILS = (16 * 1024, 64 * 1024, 256 * 1024)
"""Bytes at the end that are searched for the last one; of flac, one of 8 channels at 24 bits and 4,608 samples takes 110 kB."""
BLOCK_BYTES = 16 * 1024
"""Fewest bytes of a read."""
BEFORE, BEHIND = 64 * 1024, 128 * 1024
"""Bytes before the first frame of a recording that its header takes, and behind the last one of the recording before it."""
IN_VAIN = 3
"""Places in a row without a frame, behind which no other is looked at: fragments with pictures take megabytes."""
FIRST = 32 * 1024
"""Bytes from the first frame to the first place at which a number is read; each other place is half as far again. Where a
recording ends between two places, another one with half to twice its bytes a second shows a lower number at the second."""
CHECKED, EVEN = (0.17, 0.31), 0.25
"""Where in a file the number must be in proportion, and how nearly, to take it for one recording by its length. No number
of equal recordings up to 80 passes at both places."""
HALVINGS = 10
"""Places that are looked at for the last fragment."""
EARLIER = (0.055, 0.018, 0.006, 0.002, 0.0007)
"""The same of a file that does not tell its length: that of the last recording in it stands for it."""
CLOSE = 2048
"""Bytes to which halving closes in on a place."""


class Numbered(NamedTuple):
    """A frame in the file."""

    position: int
    """Where it begins, bytes."""
    first: int
    """Its first sample, counted from 0."""
    end: int
    """One past its last sample."""


def restarts(reader: Reader, demuxer: str, most: int) -> list[int]:
    """Where the recordings begin of which a file consists, bytes: 0 alone as a rule."""
    found = [0]
    while len(found) < most:
        # The first one as it is: a reader within a reader fetches more at a time.
        fetch = partial(reader.at, block=BLOCK_BYTES)
        own = part_reader(fetch, found[-1], reader.size, header=0) if found[-1] else reader
        begin = _restart(own, demuxer)
        if begin is None:
            break
        found.append(found[-1] + begin)
    return found


def _restart(reader: Reader, demuxer: str) -> int | None:
    """Where the second recording in a file begins; None where there is one alone."""
    begin = flac.frames_from(reader) if demuxer == "flac" else 0
    if reader.size <= SHORT:
        data = reader.at(0, reader.size)
        heads = (one.start() for one in HEADS[demuxer].finditer(data, max(1, begin)))
        return next(heads if demuxer != "mov" else _with_lower_numbers(data, heads), None)
    if _is_one(reader, demuxer):
        return None
    before, at, farther = _at(reader, demuxer, begin, reader.size), begin, FIRST
    last, missing = reader.size - BEFORE, 0
    while before is not None and at < last and missing < IN_VAIN:
        at, farther = min(last, begin + farther), farther * 3 // 2
        frame = _at(reader, demuxer, at, reader.size)
        missing = missing + 1 if frame is None else 0
        if frame is not None and frame.first <= before.first and frame.position > before.position:
            return _between(reader, demuxer, before, frame.position)
        before = frame or before
    return _without_fragments(reader, before) if demuxer == "mov" and before is not None else None


def _without_fragments(reader: Reader, last: Numbered) -> int | None:
    """Where a file without fragments begins behind a fragment; None where fragments go on to the end."""
    high = reader.size
    for _ in range(HALVINGS):
        if high - last.position <= BEHIND:
            break
        middle = (last.position + high) // 2
        frame = _at(reader, "mov", middle, high)
        if frame is None:
            high = middle
        else:
            last = frame
    return isobmff.whole_file_behind(reader, last.position)


def _with_lower_numbers(data: bytes, heads: Iterator[int]) -> Iterator[int]:
    """Those beginnings of an mp4 behind which the fragments do not count on.

    Some programs repeat the header before each fragment, and a picture in the file may be an mp4 of its own.
    """
    fragments = [(one.start(), one[1]) for one in FRAGMENT.finditer(data)]
    for head in heads:
        after = bisect(fragments, (head, b""))
        if after and (after == len(fragments) or fragments[after][1] <= fragments[after - 1][1]):
            yield head


def _is_one(reader: Reader, demuxer: str) -> bool:
    """Whether a file ends as its header says, if it does, and holds as many bytes for each stretch as it should.

    Of fragments: whether it ends with a table of them all.
    """
    if demuxer == "mov":
        return isobmff_fragments.lists_this_file(reader)
    declared, end = DECLARED[demuxer](reader), last_end(reader, demuxer)
    if end is None or declared not in {None, end}:
        return False
    for part in CHECKED if declared else (*CHECKED, *EARLIER):
        frame = _at(reader, demuxer, int(part * reader.size), reader.size)
        if frame is None or abs(frame.first - part * end) > EVEN * part * end:
            return False
    return True


def last_end(reader: Reader, demuxer: str) -> int | None:
    """One past the last sample of the last frame, from the tail of the file; None where there is none."""
    for window in TAILS:
        *_, last = (None, *_frames(reader, demuxer, max(0, reader.size - window), window))
        if last is not None:
            return last.end
    return None


def _between(reader: Reader, demuxer: str, low: Numbered, high: int) -> int | None:
    """Where a recording begins between a frame of the one before it and a frame of its own."""
    begin, turn = low.first, high
    while high - low.position > CLOSE:
        middle = (low.position + high) // 2
        frame = _at(reader, demuxer, middle, high)
        if frame is None or frame.position >= high:
            high = middle
        elif frame.first >= begin:
            low = frame
        else:
            high = turn = frame.position
    # The header lies behind the last frame of the recording before it; fragments are long, but their header is short.
    start = low.position + 1 if demuxer != "mov" else max(low.position + 1, turn - BEFORE)
    found = HEADS[demuxer].search(reader.at(start, min(BEHIND, turn + HEAD - start), block=BLOCK_BYTES))
    return None if found is None else start + found.start()


def _at(reader: Reader, demuxer: str, start: int, end: int) -> Numbered | None:
    """The first frame between two bytes; None where there is none near the first."""
    for window in WINDOWS[demuxer]:
        found = next(_frames(reader, demuxer, start, min(window, end - start)), None)
        if found is not None or start + window >= end:
            return found
    return None


def _frames(reader: Reader, demuxer: str, start: int, length: int) -> Iterator[Numbered]:
    """The frames in so many bytes from one on."""
    fixed = int.from_bytes(reader.at(8, 2), "big") if demuxer == "flac" else 0
    for position, first, end in NUMBERS[demuxer](reader.at(start, length, block=BLOCK_BYTES), fixed):
        yield Numbered(start + position, first, end)


def _blocks(data: bytes, _: int) -> Iterator[tuple[int, int, int]]:
    """The blocks of WavPack that hold samples."""
    for found in BLOCK.finditer(data):
        first = found[1][0] << 32 | int.from_bytes(found[2], "little")
        samples = int.from_bytes(found[3], "little")
        if samples:
            yield found.start(), first, first + samples


def _fragments(data: bytes, _: int) -> Iterator[tuple[int, int, int]]:
    for found in FRAGMENT.finditer(data):
        number = int.from_bytes(found[1], "big")
        yield found.start(), number, number + 1


def _declared_by_wavpack(reader: Reader) -> int | None:
    samples = int.from_bytes(reader.at(12, 4), "little")
    return None if samples == UNKNOWN else samples


UNKNOWN = 2**32 - 1
"""Samples in a WavPack file of unknown length."""
INITIAL = b"[" + b"".join(rb"\x%02x" % one for one in range(256) if one & 8) + b"]"
"""The second byte of the flags of a block that is the first, as a rule the only one, of its samples."""
BLOCK = re.compile(rb"wvpk.{5}\x04(.).{5}(.{4})(.{4})." + INITIAL, re.DOTALL)
"""A block of WavPack: the fifth byte of its first sample, the other four, and how many samples it holds."""
FRAGMENT = re.compile(rb".{4}moof\0\0\0\x10mfhd\0{4}(.{4})", re.DOTALL)
"""A fragment of an mp4, up to its number."""
NUMBERS: dict[str, Callable[[bytes, int], Iterator[tuple[int, int, int]]]] = {
    "flac": flac.frames,
    "wv": _blocks,
    "mov": _fragments,
}
"""How to find the frames in some bytes, by FFmpeg's name of the demuxer: their positions and samples."""
DECLARED: dict[str, Callable[[Reader], int | None]] = {
    "flac": flac.declared_samples,
    "wv": _declared_by_wavpack,
}
"""How many samples the header says there are; None where it does not."""
HEADS = {
    "flac": re.compile(rb"fLaC[\x00\x80]\0\0\x22"),
    "wv": re.compile(rb"wvpk.{5}\x04\0.{5}\0{4}(?!\0{4}).{5}" + INITIAL, re.DOTALL),
    "mov": re.compile(rb"\0{3}.ftyp[ -~]{4}", re.DOTALL),
}
"""What a file begins with: of WavPack, the block of sample 0."""
