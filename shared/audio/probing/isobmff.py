"""mp4, m4a, mov, 3gp: visits the boxes with small reads and loads no table.

The index (`moov`) of a six-hour recording takes several megabytes, nearly all of it sample tables.
A plan needs only five small boxes. Source: ISO/IEC 14496-12; Apple's QuickTime File Format.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

from shared.audio.probing.isobmff_codecs import describe
from shared.audio.probing.isobmff_fragments import first_fragment_start, last_fragment_end, read_sidx
from shared.audio.probing.notices import check_track, encrypted, falls_short, in_order, long_silence
from shared.errors import BadMedia
from shared.model import AudioInfo

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shared.audio.files.reader import Reader

MIN_READ = 2048
"""Smallest read while skipping from box to box, bytes."""
BOX = 16
"""Smallest read of a box alone, bytes."""
HEADER = 32 * 1024
"""The same while only the index is looked for: what FFmpeg reads at one time anyway."""
MAX_BOXES = 4000
"""Boxes visited before we give up: a bound on time and reads."""
FIRST_FRAGMENT = 64 * 1024
"""Bytes of the first fragment's header that are read to learn when it begins."""
CONTAINERS = {b"mdia", b"minf", b"stbl", b"edts"}
"""Boxes of a track that hold its other boxes."""
BELIEVED_SILENCE = 600.0
"""Seconds of silence at the beginning that an edit may claim although no other track fills them."""
MAX_TOP_BOXES = 64
"""Boxes of the file looked at for the index, and behind it for one that ends after the file does."""


@dataclass(slots=True)
class _Track:
    """What the header of a track says; durations in its ticks, but that of the edits, silence first, in the movie's."""

    number: int = 0
    enabled: bool = False
    handler: bytes = b""
    timescale: int = 0
    duration: int = 0
    edit_duration: int = 0
    silence: int = 0
    sample_entry: bytes = b""


@dataclass(slots=True)
class _Movie:
    """What the header of a file says; durations in ticks."""

    timescale: int = 1000
    duration: int = 0
    fragment_duration: int | None = None
    default_durations: dict[int, int] = field(default_factory=dict)
    tracks: list[_Track] = field(default_factory=list)


def probe(reader: Reader, track: int) -> AudioInfo:
    """What an ISO base media file says about its audio tracks.

    Raises:
        BadMedia: `incomplete` where the index is missing, `encrypted`, `no-audio`, `no-track`.
    """
    movie: _Movie | None = None
    warnings: list[str] = []
    sidx: tuple[int, int] | None = None
    fragment: bytes | None = None
    seen: set[bytes] = set()
    for position, (name, start, end) in enumerate(_boxes(reader, 0, reader.size)):
        seen.add(name)
        if name == b"ftyp" and reader.at(start, 4)[:3] == b"aax":
            raise encrypted("Audible's protection")
        if name == b"moov":
            movie = _read_movie(reader, start, end)
        if name == b"sidx" and sidx is None:
            sidx = read_sidx(reader.at(start, min(end - start, 200_000)), end)
        if end > reader.size:
            warnings.append(falls_short(end, reader.size))
        if name == b"moof":
            fragment = reader.at(start, min(end - start, FIRST_FRAGMENT))
        if movie is not None and (name == b"moof" or position > MAX_TOP_BOXES):
            break  # fragments follow, perhaps thousands of them
    if movie is None:
        raise _incomplete(seen)
    audio = [one for one in movie.tracks if one.handler == b"soun"]
    check_track(track, len(audio))
    chosen = audio[in_order([one.enabled for one in audio])[track]]
    sound = describe(chosen.sample_entry)
    duration, origin = _duration(movie, chosen), _origin(movie, fragment)
    if movie.fragment_duration is not None:
        duration = _fragmented_duration(reader, movie, chosen, sidx, origin)
    left_out = _unbelievable(movie, chosen)
    warnings += [long_silence(left_out)] * bool(left_out)
    return AudioInfo(
        format="mov",
        codec=sound.codec,
        sample_rate=sound.rate or chosen.timescale,
        channels=sound.channels,
        duration=None if duration is None else max(0.0, duration - left_out),
        exact=duration is not None,
        splittable_by="time",
        tracks=len(audio),
        origin=origin + left_out,
        warnings=tuple(warnings),
    )


def ends(reader: Reader) -> tuple[int, ...]:
    """Where another file begins that was appended to this one, which FFmpeg does not play; empty as a rule.

    Files in fragments have too many boxes to look at.
    """
    seen: set[bytes] = set()
    for name, start, _ in islice(_boxes(reader, 0, reader.size), 2 * MAX_TOP_BOXES):
        if name == b"moof":
            break
        if name == b"ftyp" and {b"moov", b"mdat"} <= seen:
            return (start - 8,)
        seen.add(name)
    return ()


def whole_file_behind(reader: Reader, fragment: int) -> int | None:
    """Where a file without fragments begins behind the last one of a file in fragments; None where none does.

    Args:
        reader: the recording.
        fragment: where one of the last fragments begins, bytes.
    """
    begin, seen = None, set()
    for name, start, _ in islice(_boxes(reader, fragment, reader.size, block=BOX), MAX_TOP_BOXES):
        if name == b"ftyp" and begin is None:
            begin = start - 8
        elif begin is not None:
            seen.add(name)
    return begin if b"moov" in seen and b"moof" not in seen else None


def index_span(reader: Reader) -> tuple[int, int] | None:
    """Where the content of the index (`moov`) stands: first byte, one past the last. None where it is not found."""
    for name, start, end in islice(_boxes(reader, 0, reader.size, block=HEADER), MAX_TOP_BOXES):
        if name == b"moov":
            return start, end
    return None


def track_boxes(reader: Reader) -> Iterator[dict[bytes, int]]:
    """Where the content of the boxes of each track begins, by their names."""
    index = index_span(reader)
    for name, start, end in _boxes(reader, *index, block=HEADER) if index else ():
        if name == b"trak":
            yield {inner: first for inner, first, _ in _inner_boxes(reader, start, end)}


def is_fragmented(reader: Reader) -> bool:
    """Whether the index announces fragments (`mvex`)."""
    index = index_span(reader)
    return index is not None and any(name == b"mvex" for name, _, _ in _boxes(reader, *index))


def _incomplete(seen: set[bytes]) -> BadMedia:
    if b"mdat" in seen or b"ftyp" in seen:
        return BadMedia(
            "incomplete",
            "This recording was never finished, or its copy was cut off: its index (moov) is missing, and "
            "without it the sound cannot be read. Copy it again from the device that recorded it; if it is "
            "broken there too, a repair tool that uses an intact recording of the same device may recover it.",
        )
    return BadMedia(
        "not-media",
        "This file begins like an MP4 but contains no recording. Export it again and use the new file.",
    )


def _read_movie(reader: Reader, start: int, end: int) -> _Movie:
    """What the index says, without its tables; raises BadMedia `encrypted`."""
    movie = _Movie()
    for name, first, last in _boxes(reader, start, end):
        if name == b"mvhd":
            movie.timescale, movie.duration = _times(reader.at(first, 36))
        elif name == b"trak":
            movie.tracks.append(_read_track(reader, first, last))
        elif name == b"pssh":
            raise encrypted("MPEG common encryption")
        elif name == b"mvex":
            movie.fragment_duration = 0
            for inner, at, _ in _boxes(reader, first, last):
                body = reader.at(at, 24)
                if inner == b"mehd":
                    movie.fragment_duration = int.from_bytes(
                        body[4:12] if body[:1] == b"\1" else body[4:8], "big"
                    )
                elif inner == b"trex":
                    movie.default_durations[int.from_bytes(body[4:8], "big")] = int.from_bytes(
                        body[12:16], "big"
                    )
    return movie


def _read_track(reader: Reader, start: int, end: int) -> _Track:
    track = _Track()
    for name, first, last in _inner_boxes(reader, start, end):
        if name == b"tkhd":
            body = reader.at(first, 24)
            track.enabled = bool(body[3:4] and body[3] & 1)
            track.number = int.from_bytes(body[20:24] if body[:1] == b"\1" else body[12:16], "big")
        elif name == b"mdhd":
            track.timescale, track.duration = _times(reader.at(first, 36))
        elif name == b"hdlr" and not track.handler:
            track.handler = reader.at(first, 12)[8:12]
        elif name == b"elst":
            track.edit_duration, track.silence = _edits(reader.at(first, min(last - first, 20_000)))
        elif name == b"stsd":
            track.sample_entry = reader.at(first + 8, min(last - first - 8, 4096))
    return track


def _inner_boxes(reader: Reader, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """The boxes of a track, also those in other boxes: as `_boxes`."""
    pending = [(start, end)]
    while pending:
        for name, first, last in _boxes(reader, *pending.pop()):
            if name in CONTAINERS:
                pending.append((first, last))
            else:
                yield name, first, last


def _edits(body: bytes) -> tuple[int, int]:
    """Length of all edits, and of the empty ones with which they begin, in ticks of the movie."""
    size = 8 if body[:1] == b"\1" else 4
    step = 2 * size + 4
    count = int.from_bytes(body[4:8], "big")
    total, silence = 0, 0
    for at in range(8, min(8 + count * step, len(body) - step + 1), step):
        length = int.from_bytes(body[at : at + size], "big")
        is_empty = body[at + size : at + 2 * size] == b"\xff" * size
        silence += length if is_empty and total == silence else 0
        total += length
    return total, silence


def _unbelievable(movie: _Movie, chosen: _Track) -> float:
    """Seconds of silence at the beginning, by the edits, that are left out: so many that no pictures or sounds fill.

    A track that begins late has others before it. An edit of hours without them is a clock that was taken for a length.
    """
    begins = chosen.silence / movie.timescale if movie.timescale else 0.0
    if begins <= BELIEVED_SILENCE:
        return 0.0
    others = [one for one in movie.tracks if one.handler in {b"soun", b"vide"}]
    for one in others:
        starts, ends = one.silence / movie.timescale, _duration(movie, one) or 0.0
        if starts <= BELIEVED_SILENCE and ends >= begins - BELIEVED_SILENCE:
            return 0.0
    first = min(one.silence for one in others) / movie.timescale
    return first if begins - first <= BELIEVED_SILENCE < first else begins


def _duration(movie: _Movie, track: _Track) -> float | None:
    if track.edit_duration and movie.timescale:
        return track.edit_duration / movie.timescale
    if track.duration and track.timescale:
        return track.duration / track.timescale
    return movie.duration / movie.timescale if movie.duration and movie.timescale else None


def _origin(movie: _Movie, fragment: bytes | None) -> float:
    """What timestamps show at time zero, seconds: 0 but in a file of fragments alone, which may begin anywhere."""
    if movie.fragment_duration is None or fragment is None or any(one.duration for one in movie.tracks):
        return 0.0
    return first_fragment_start(fragment, {one.number: one.timescale for one in movie.tracks}) or 0.0


def _fragmented_duration(
    reader: Reader, movie: _Movie, track: _Track, sidx: tuple[int, int] | None, origin: float
) -> float | None:
    """Duration of a fragmented file that begins at `origin`: from its last fragment, else its index, else its header."""
    end = last_fragment_end(reader, track.number, movie.default_durations.get(track.number, 0))
    if end is not None and track.timescale:
        silence = track.silence / movie.timescale if movie.timescale else 0.0
        return max(0.0, end / track.timescale - origin + silence)
    if sidx is not None and sidx[1] >= reader.size * 0.98:
        return sidx[0] / 1e6
    if movie.fragment_duration and movie.timescale:
        return movie.fragment_duration / movie.timescale
    return _duration(movie, track)


def _boxes(reader: Reader, at: int, end: int, *, block: int = MIN_READ) -> Iterator[tuple[bytes, int, int]]:
    """(name, first byte of the content, one past the last byte) of the boxes between two bytes."""
    for _ in range(MAX_BOXES):
        header = reader.at(at, 16, block=block)
        if len(header) < 8 or at + 8 > end:
            return
        size, name, start = int.from_bytes(header[:4], "big"), header[4:8], at + 8
        if size == 1 and len(header) == 16:
            size, start = int.from_bytes(header[8:], "big"), at + 16
        elif size == 0:
            size = end - at
        if size < start - at:
            return
        yield name, start, at + size
        at += size


def _times(body: bytes) -> tuple[int, int]:
    """Timescale and duration of a movie or media header; 0 where the duration is unknown."""
    if body[:1] == b"\1":
        duration = int.from_bytes(body[24:32], "big")
        return int.from_bytes(body[20:24], "big"), 0 if duration == 2**64 - 1 else duration
    duration = int.from_bytes(body[16:20], "big")
    return int.from_bytes(body[12:16], "big"), 0 if duration == 2**32 - 1 else duration
