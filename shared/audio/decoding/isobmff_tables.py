"""Which parts of an mp4's sample tables a chunk does without.

The index (`moov`) of a six-hour recording takes megabytes, nearly all of it in two tables: the size of every
sample and the place of every group of them (`stsz`, `stco`). FFmpeg reads both to the end before it seeks.
What it knows of samples far from the chunk it never uses, so it may as well read zeros there.
Source: ISO/IEC 14496-12 §8.7 (sizes and places).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from struct import iter_unpack
from typing import TYPE_CHECKING, NamedTuple

from shared.audio.decoding.isobmff_samples import Span, groups, samples, shift
from shared.audio.probing.isobmff_boxes import boxes, times, track_boxes

if TYPE_CHECKING:
    from shared.audio.files.reader import Reader

WALK = 12 * 1024
"""Smallest read while hopping over the tables, bytes: it holds the first entries, too."""
HEAD = 8 * 1024
"""Bytes at the beginning of each table that are always left as they are: FFmpeg looks at the first samples."""
LARGEST = 256 * 1024
"""Largest table of times or groups that is loaded to find the samples of a chunk, bytes."""
WORTH = 512 * 1024
"""Bytes to spare below which it is not worth the requests: those tables are read faster than picked from."""
AROUND = 30.0
"""Seconds before and after the chunk whose samples are left in: FFmpeg seeks somewhat earlier and reads on where
the end is damaged."""
BESIDE = 0.5
"""Seconds before and after the chunk that are read as a rule."""
DENSE = 1.5
"""Times its own size that a stretch of samples may take to be read as one: more is a film, whose pictures lie
between."""
_LOADED = {b"elst": "edits", b"stts": "times", b"stsc": "groups"}


class _Table(NamedTuple):
    """Entries in the file."""

    start: int
    number: int
    width: int

    @property
    def end(self) -> int:
        return self.start + self.number * self.width


@dataclass(slots=True)
class _Track:
    sound: bool = False
    timescale: int = 0
    steady: bool = True  # every sample can be sought to
    edits: bytes = b""
    times: bytes = b""
    groups: bytes = b""
    sizes: _Table | None = None
    places: _Table | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Needed:
    """What a chunk needs of a file with tables."""

    blanks: list[tuple[int, int]] = field(default_factory=list)
    """Stretches of the tables that may read as zeros: (first byte, one past the last)."""
    stretch: tuple[int, int] | None = None
    """Where the samples of the chunk lie, where they lie close together: (first byte, one past the last)."""


def needed(reader: Reader, start: int, end: int, *, track: int, begin: float, stop: float) -> Needed:
    """What a stretch of a track needs; nothing is spared where the tables are small or unusual.

    Args:
        reader: the recording.
        start: where the content of `moov` begins.
        end: one past its last byte.
        track: which audio track, from 0.
        begin: seconds on the player's clock.
        stop: where the stretch ends, seconds; may be infinite.
    """
    if end - start < WORTH:
        return Needed()
    scale, tracks = _read(reader, start, end)
    sound = [one for one in tracks if one.sound]
    if not 0 <= track < len(sound):
        return Needed()
    chosen = sound[track]
    wide = _samples(chosen, scale, begin - AROUND, stop + AROUND)
    near = _samples(chosen, scale, begin - BESIDE, stop + BESIDE)
    if wide is None or near is None or chosen.sizes is None or chosen.places is None:
        return Needed()
    span = groups(chosen.groups, chosen.places.number, *wide)
    if span is None:
        return Needed()
    blanks: list[tuple[int, int]] = []
    for one in tracks:
        mine = one is chosen
        for table, low, high in (
            (one.sizes, span.first, span.end),
            (one.places, span.first_group, span.end_group),
        ):
            if table is not None:
                blanks += _spared(table, low if mine else table.number, high if mine else table.number)
    if sum(high - low for low, high in blanks) < WORTH:
        return Needed()
    return Needed(blanks=blanks, stretch=_stretch(reader, chosen, span, *near))


def _spared(table: _Table, low: int, high: int) -> list[tuple[int, int]]:
    """The bytes of a table but for its beginning and the entries [low, high)."""
    head = min(table.start + HEAD, table.end)
    parts = [
        (head, min(table.start + low * table.width, table.end)),
        (max(head, table.start + high * table.width), table.end),
    ]
    return [(one, other) for one, other in parts if one < other]


def _read(reader: Reader, start: int, end: int) -> tuple[int, list[_Track]]:
    """The movie's timescale, and its tracks."""
    scale, tracks = 0, []
    for name, first, last in boxes(reader, start, end, block=WALK):
        if name == b"mvhd":
            scale, _ = times(reader.at(first, 36))
        elif name == b"trak":
            tracks.append(_read_track(reader, first, last))
    return scale, tracks


def _read_track(reader: Reader, start: int, end: int) -> _Track:
    track = _Track()
    for name, first, last in track_boxes(reader, start, end, block=WALK):
        if name == b"mdhd":
            track.timescale, _ = times(reader.at(first, 36))
        elif name == b"hdlr":
            track.sound = track.sound or reader.at(first, 12)[8:12] == b"soun"
        elif name in _LOADED:
            setattr(track, _LOADED[name], _load(reader, first, last))
        elif name in {b"stss", b"ctts"}:
            track.steady = False
        elif name in {b"stsz", b"stco", b"co64"}:
            _note(track, name, reader.at(first, 12, block=WALK), first, last)
    return track


def _note(track: _Track, name: bytes, head: bytes, first: int, last: int) -> None:
    if name == b"stsz":
        table = _Table(first + 12, int.from_bytes(head[8:12], "big"), 4)
        if not any(head[4:8]) and table.end <= last:  # else all samples are of one size
            track.sizes = table
    else:
        table = _Table(first + 8, int.from_bytes(head[4:8], "big"), 4 if name == b"stco" else 8)
        if table.end <= last:
            track.places = table


def _load(reader: Reader, first: int, last: int) -> bytes:
    """A table without its version and count; nothing where it is too long or not whole."""
    if last - first > LARGEST:
        return b""
    body = reader.at(first, last - first)
    count = int.from_bytes(body[4:8], "big")
    return body if 0 < count <= LARGEST else b""


def _samples(track: _Track, scale: int, begin: float, stop: float) -> tuple[int, int] | None:
    """The samples of a stretch; None where time does not simply follow the samples."""
    moved = shift(track.edits, scale, track.timescale)
    if moved is None or not track.timescale or not track.steady:
        return None
    empty, skipped = moved
    # The clock begins at the first sound of any track, which is not known here: at the latest with this one.
    low, high = begin - empty + skipped, stop + skipped
    return samples(track.times, low * track.timescale, high * track.timescale)


def _stretch(reader: Reader, track: _Track, span: Span, first: int, end: int) -> tuple[int, int] | None:
    """Where samples within a span lie, if little else lies between them.

    Loads the entries of the whole span, for FFmpeg will ask for them.
    """
    assert track.sizes is not None
    assert track.places is not None
    lengths = _entries(reader, track.sizes, span.first, span.end)
    starts = _entries(reader, track.places, span.first_group, span.end_group)

    def place(sample: int) -> int | None:
        assert track.places is not None
        own = groups(track.groups, track.places.number, sample, sample + 1)
        index = -1 if own is None else own.first_group - span.first_group
        if own is None or not 0 <= index < len(starts):
            return None
        return starts[index] + sum(lengths[own.first - span.first : sample - span.first])

    low, last = place(first), place(end - 1)
    if low is None or last is None or end - span.first > len(lengths):
        return None
    high = last + lengths[end - 1 - span.first]
    total = sum(lengths[first - span.first : end - span.first])
    return (low, high) if low < high <= low + DENSE * total else None


def _entries(reader: Reader, table: _Table, low: int, high: int) -> list[int]:
    """The entries [low, high) of a table, as far as they are there."""
    width = table.width
    body = reader.at(table.start + width * low, width * (high - low), block=width)
    form = "!I" if width == 4 else "!Q"
    return [value for (value,) in iter_unpack(form, body[: len(body) // width * width])]
