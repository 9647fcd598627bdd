"""Probe a file that consists of several recordings: each of them as if it were alone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

from shared.audio.files.reader import Reader, part_reader
from shared.audio.probing import flv, ogg
from shared.audio.probing.concatenated.ends import ENDS, SEARCHED, of_another_format
from shared.audio.probing.concatenated.numbered import NUMBERS
from shared.audio.probing.concatenated.parts import beginnings, header_length
from shared.audio.probing.notices import followed_by_another
from shared.audio.probing.truncation import in_proportion
from shared.audio.types import MOST_PARTS, PART_BYTES, most_of_several
from shared.errors import BadMedia
from shared.model import AudioInfo, Part

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    ProbeOne = Callable[[Reader, str, int], AudioInfo]
    """Probes one recording: the file, FFmpeg's name of the format, and the audio track."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Recordings:
    """What lies between the cuts of a file."""

    parts: list[Part]
    """The recordings."""
    infos: list[AudioInfo]
    """What each of them says."""
    left_out: list[tuple[int, int]]
    """First byte, and one past the last, of what is no recording or has no known length."""
    lacks_track: bool
    """Whether one of them lacks the audio track."""


def probe(reader: Reader, demuxer: str, track: int, *, tags: int, one: ProbeOne) -> AudioInfo | None:
    """What a file says that consists of several recordings, or of tags and a recording; None if it is one alone.

    `tags` are bytes at the beginning of the file; `one` probes one of the recordings.

    Raises:
        BadMedia: as `one` does for the first recording.
    """
    base = 0 if demuxer == "matroska" else tags
    by_header = demuxer in ENDS or demuxer in NUMBERS
    if by_header:
        reader.allow(most_of_several(reader.size, in_full=demuxer in SEARCHED))
    file = part_reader(reader.at, base, reader.size, header=0) if base else reader
    cuts = beginnings(file, demuxer)
    foreign = of_another_format(file, demuxer) if len(cuts) == 1 else None
    if len(cuts) == 1 and foreign is None and not base:
        return None  # as `is_one` says
    if foreign is not None or len(cuts) <= MOST_PARTS:
        cuts.append(file.size if foreign is None else foreign)
    if not by_header:
        reader.allow(min(PART_BYTES * len(cuts), 2 * reader.size))
    found = _each(file, demuxer, track, cuts, one)
    several = len(found.parts) > 1 or base or demuxer in ENDS or found.lacks_track
    if not found.parts or not several:
        return None
    left_out = [*found.left_out, *([(cuts[-1], file.size)] if cuts[-1] < file.size else ())]
    return _together(
        found, [followed_by_another(base + first, base + last) for first, last in left_out], base
    )


def is_one(reader: Reader, demuxer: str) -> bool:
    """Whether a file without tags at its beginning is one recording, so that `probe` gives None.

    False also where its budget, to which nothing is added here, does not last to find out.

    Args:
        reader: the recording.
        demuxer: FFmpeg's name of the format, which must be one of `ENDS`: then nothing is parsed by FFmpeg.
    """
    assert demuxer in ENDS, "for others, FFmpeg is asked"
    alone = len(beginnings(reader, demuxer)) == 1 and of_another_format(reader, demuxer) is None
    return alone and not reader.exhausted


def _each(file: Reader, demuxer: str, track: int, cuts: Sequence[int], one: ProbeOne) -> _Recordings:
    parts: list[Part] = []
    infos: list[AudioInfo] = []
    left_out: list[tuple[int, int]] = []
    begin, lacks_track = 0.0, False
    for first, last in pairwise(cuts):
        header = header_length(file, demuxer, first) if first else 0
        own = part_reader(file.at, first, last, header=header)
        try:
            info: AudioInfo | None = in_proportion(one(own, demuxer, track), own.size)
        except BadMedia as error:
            if not parts:
                raise
            info = None
            lacks_track = lacks_track or error.code == "no-track"
        if info is None or not info.duration:
            left_out.append((first, last))
            continue
        duration = info.duration
        if demuxer == "flv":  # whose header tells the length of the whole file
            duration = flv.duration(own, info.origin or 0.0) or duration
        part = Part(
            first_byte=first,
            last_byte=last,
            header=header,
            start=begin,
            duration=duration,
            origin=info.origin or 0.0,
        )
        parts.append(part)
        infos.append(info)
        begin += duration
    return _Recordings(parts=parts, infos=infos, left_out=left_out, lacks_track=lacks_track)


def _together(found: _Recordings, warnings: Sequence[str], base: int) -> AudioInfo:
    """The description of all recordings, that of the first one as far as there can be only one."""
    parts = tuple(
        replace(part, first_byte=base + part.first_byte, last_byte=base + part.last_byte)
        for part in found.parts
    )
    infos = found.infos
    several = (
        f"the file consists of {len(parts)} recordings, one after the other: "
        f"{'these' if warnings else 'all'} are transcribed"
    )
    return replace(
        infos[0],
        duration=parts[-1].start + parts[-1].duration,
        exact=all(one.exact for one in infos),
        parts=parts,
        warnings=(
            *((several,) if len(parts) > 1 else ()),
            *warnings,
            # Radio stations begin a stream for each piece, and do not mark the end of the one before it.
            *(text for one in infos for text in one.warnings if one is infos[-1] or ogg.UNMARKED not in text),
        ),
    )
