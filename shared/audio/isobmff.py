"""mp4, m4a, mov, 3gp: walks the boxes with small reads and loads no table.

The index (`moov`) of a six-hour recording takes several megabytes, nearly all of it sample tables.
What a plan needs are five small boxes. Source: ISO/IEC 14496-12; Apple's QuickTime File Format.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from shared.audio.sniff import check_track, encrypted, falls_short
from shared.errors import BadMedia
from shared.model import AudioInfo

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shared.audio.reader import Reader

SMALL = 2048
"""Smallest read while hopping from box to box, bytes."""
MOST_BOXES = 4000
"""Boxes looked at before we give up: a bound on time and reads."""
MOST_TOP = 64
"""Boxes looked at behind the index, for one that ends after the file does."""
TAIL = 400_000
"""Bytes at the end in which the last fragment is looked for."""

_CODECS = {
    b"mp4a": "aac", b"alac": "alac", b"Opus": "opus", b"fLaC": "flac", b"ac-3": "ac3", b"ec-3": "eac3",
    b"samr": "amr_nb", b"sawb": "amr_wb", b"sowt": "pcm_s16le", b"twos": "pcm_s16be", b"lpcm": "pcm",
    b"raw ": "pcm_u8", b"in24": "pcm_s24be", b"in32": "pcm_s32be", b"fl32": "pcm_f32be",
    b"fl64": "pcm_f64be", b"ulaw": "pcm_mulaw", b"alaw": "pcm_alaw", b".mp3": "mp3", b"ipcm": "pcm",
    b"fpcm": "pcm", b"ima4": "adpcm_ima_qt", b"dtsc": "dts",
}  # fmt: skip
_OBJECT_TYPES = {
    0x69: "mp3",
    0x6B: "mp3",
    0xA5: "ac3",
    0xA6: "eac3",
    0xA9: "dts",
    0xAD: "opus",
    0xDD: "vorbis",
}
_AAC_RATES = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350)


@dataclass(slots=True)
class _Track:
    number: int = 0
    handler: bytes = b""
    timescale: int = 0
    duration: int = 0
    edited: int = 0
    entry: bytes = b""


@dataclass(slots=True)
class _Movie:
    timescale: int = 1000
    duration: int = 0
    fragments: int | None = None
    defaults: dict[int, int] = field(default_factory=dict)
    tracks: list[_Track] = field(default_factory=list)


def probe(reader: Reader, track: int) -> AudioInfo:
    """What an ISO base media file says about its audio tracks.

    Raises:
        BadMedia: `incomplete` where the index is missing, `encrypted`, `no-audio`, `no-track`.
    """
    movie: _Movie | None = None
    warnings: list[str] = []
    sidx: tuple[int, int] | None = None
    seen: set[bytes] = set()
    for position, (name, start, end) in enumerate(_boxes(reader, 0, reader.size)):
        seen.add(name)
        if name == b"ftyp" and reader.at(start, 4)[:3] == b"aax":
            raise encrypted("Audible's protection")
        if name == b"moov":
            movie = _read_movie(reader, start, end)
        elif name == b"sidx" and sidx is None:
            sidx = _read_sidx(reader.at(start, min(end - start, 200_000)), end)
        if end > reader.size:
            warnings.append(falls_short(end, reader.size))
        if movie is not None and (name == b"moof" or position > MOST_TOP):
            break  # fragments follow, perhaps thousands of them
    if movie is None:
        raise _incomplete(seen)
    audio = [one for one in movie.tracks if one.handler == b"soun"]
    check_track(track, len(audio))
    chosen = audio[track]
    codec, rate, channels = _describe(chosen.entry)
    duration = _duration(movie, chosen)
    exact = True
    if movie.fragments is not None:
        duration, exact = _fragmented_duration(reader, movie, chosen, sidx)
    return AudioInfo(
        format="mov",
        codec=codec,
        sample_rate=rate or chosen.timescale,
        channels=channels,
        duration=duration,
        exact=exact and duration is not None,
        splittable_by="time",
        tracks=len(audio),
        warnings=tuple(warnings),
    )


def _incomplete(seen: set[bytes]) -> BadMedia:
    if b"mdat" in seen or b"ftyp" in seen:
        return BadMedia(
            "incomplete",
            "This recording was never finished, or the upload was cut: its index (moov) is missing, and without "
            "it the sound cannot be read. Upload it again from the device that recorded it; if it is broken "
            "there too, a repair tool that takes an intact recording of the same device may save it.",
        )
    return BadMedia(
        "not-media",
        "This file begins like an MP4 but holds no recording. Export it again and upload the new file.",
    )


def _boxes(reader: Reader, at: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """(name, first byte of the content, one past the last byte) of the boxes of a stretch."""
    for _ in range(MOST_BOXES):
        header = reader.at(at, 16, block=SMALL)
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


def _read_movie(reader: Reader, start: int, end: int) -> _Movie:
    movie = _Movie()
    for name, first, last in _boxes(reader, start, end):
        if name == b"mvhd":
            movie.timescale, movie.duration = _times(reader.at(first, 36))
        elif name == b"trak":
            movie.tracks.append(_read_track(reader, first, last))
        elif name == b"pssh":
            raise encrypted("MPEG common encryption")
        elif name == b"mvex":
            movie.fragments = 0
            for inner, at, _ in _boxes(reader, first, last):
                body = reader.at(at, 24)
                if inner == b"mehd":
                    movie.fragments = int.from_bytes(body[4:12] if body[:1] == b"\1" else body[4:8], "big")
                elif inner == b"trex":
                    movie.defaults[int.from_bytes(body[4:8], "big")] = int.from_bytes(body[12:16], "big")
    return movie


def _times(body: bytes) -> tuple[int, int]:
    """Timescale and duration of a movie or media header; 0 where the duration is unknown."""
    if body[:1] == b"\1":
        duration = int.from_bytes(body[24:32], "big")
        return int.from_bytes(body[20:24], "big"), 0 if duration == 2**64 - 1 else duration
    duration = int.from_bytes(body[16:20], "big")
    return int.from_bytes(body[12:16], "big"), 0 if duration == 2**32 - 1 else duration


def _read_track(reader: Reader, start: int, end: int) -> _Track:
    track = _Track()
    inside = {b"mdia", b"minf", b"stbl", b"edts"}
    pending = [(start, end)]
    while pending:
        for name, first, last in _boxes(reader, *pending.pop()):
            if name in inside:
                pending.append((first, last))
            elif name == b"tkhd":
                body = reader.at(first, 24)
                track.number = int.from_bytes(body[20:24] if body[:1] == b"\1" else body[12:16], "big")
            elif name == b"mdhd":
                track.timescale, track.duration = _times(reader.at(first, 36))
            elif name == b"hdlr" and not track.handler:
                track.handler = reader.at(first, 12)[8:12]
            elif name == b"elst":
                track.edited = _edited(reader.at(first, min(last - first, 20_000)))
            elif name == b"stsd":
                track.entry = reader.at(first + 8, min(last - first - 8, 4096))
    return track


def _edited(body: bytes) -> int:
    """Length of all edits, in the movie's timescale."""
    wide = body[:1] == b"\1"
    step, size = (20, 8) if wide else (12, 4)
    count = int.from_bytes(body[4:8], "big")
    stop = min(8 + count * step, len(body) - step + 1)
    return sum(int.from_bytes(body[at : at + size], "big") for at in range(8, stop, step))


def _duration(movie: _Movie, track: _Track) -> float | None:
    if track.edited and movie.timescale:
        return track.edited / movie.timescale
    if track.duration and track.timescale:
        return track.duration / track.timescale
    return movie.duration / movie.timescale if movie.duration and movie.timescale else None


def _describe(entry: bytes) -> tuple[str, int, int]:
    """Codec, rate and channels of a sample entry. Raises BadMedia `encrypted`."""
    kind = entry[4:8]
    if kind in {b"enca", b"drms", b"aavd", b"aavs"} or b"sinf" in entry[:600]:
        raise encrypted("the file carries a copy protection")
    channels = int.from_bytes(entry[24:26], "big")
    rate = int.from_bytes(entry[32:34], "big")
    if int.from_bytes(entry[16:18], "big") == 2:  # QuickTime's third sound description
        rate = int(_double(entry[40:48]))
        channels = int.from_bytes(entry[48:52], "big")
    codec = _CODECS.get(kind, kind.decode("latin-1").strip() or "unknown")
    at = entry.find(b"esds")
    if kind == b"mp4a" and at > 0:
        codec, rate, channels = _elementary(entry[at + 8 :], rate, channels)
    return codec, rate, max(1, channels)


def _double(data: bytes) -> float:
    value: float = struct.unpack("!d", data)[0] if len(data) == 8 else 0.0
    return value if 0 < value < 1e7 else 0.0


def _elementary(body: bytes, rate: int, channels: int) -> tuple[str, int, int]:
    """Codec, rate and channels of an elementary stream descriptor (ISO/IEC 14496-1 §7.2.6)."""
    codec = "aac"
    at = 0
    while at + 2 < len(body):
        tag = body[at]
        at += 1
        size = 0
        while at < len(body):
            size = size << 7 | body[at] & 0x7F
            at += 1
            if body[at - 1] < 0x80:
                break
        if tag == 3:
            at += 3
        elif tag == 4:
            codec = _OBJECT_TYPES.get(body[at], "aac") if at < len(body) else codec
            at += 13
        elif tag == 5:
            bits = int.from_bytes(body[at : at + 2], "big")
            index, layout = bits >> 7 & 15, bits >> 3 & 15
            if codec == "aac" and bits >> 11 != 31 and index < len(_AAC_RATES):
                rate = _AAC_RATES[index]
                channels = {0: channels, 7: 8}.get(layout, layout)
            break
        else:
            at += size
    return codec, rate, channels


def _read_sidx(body: bytes, end: int) -> tuple[int, int] | None:
    """(duration in microseconds, one past the last byte covered) of a segment index."""
    timescale = int.from_bytes(body[8:12], "big")
    at = 28 if body[:1] == b"\1" else 20
    first = int.from_bytes(body[20:28] if at == 28 else body[16:20], "big")
    count = int.from_bytes(body[at + 2 : at + 4], "big")
    at += 4
    if not timescale or len(body) < at + 12 * count:
        return None
    length = sum(
        int.from_bytes(body[at + 12 * i : at + 12 * i + 4], "big") & 0x7FFFFFFF for i in range(count)
    )
    ticks = sum(int.from_bytes(body[at + 12 * i + 4 : at + 12 * i + 8], "big") for i in range(count))
    return ticks * 1_000_000 // timescale, end + first + length


def _fragmented_duration(
    reader: Reader, movie: _Movie, track: _Track, sidx: tuple[int, int] | None
) -> tuple[float | None, bool]:
    """Duration of a fragmented file and whether it is exact: from its last fragment, else its index."""
    start = max(0, reader.size - TAIL)
    tail = reader.at(start, reader.size - start)
    at = len(tail)
    while (at := tail.rfind(b"moof", 0, at)) >= 4:
        size = int.from_bytes(tail[at - 4 : at], "big")
        if tail[at + 8 : at + 12] == b"mfhd" and at - 4 + size <= len(tail):
            ends = _fragment_end(tail[at + 4 : at - 4 + size], movie, track.number)
            if ends is not None and track.timescale:
                return ends / track.timescale, True
    if sidx is not None and sidx[1] >= reader.size * 0.98:
        return sidx[0] / 1e6, True
    if movie.fragments and movie.timescale:
        return movie.fragments / movie.timescale, True
    known = _duration(movie, track)
    return known, known is not None


def _inner(body: bytes, at: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    while at + 8 <= end:
        size = int.from_bytes(body[at : at + 4], "big")
        if size < 8 or at + size > end:
            return
        yield body[at + 4 : at + 8], at + 8, at + size
        at += size


def _fragment_end(body: bytes, movie: _Movie, number: int) -> int | None:
    """When the samples of a track in one `moof` end, in the track's timescale."""
    for name, start, end in _inner(body, 0, len(body)):
        if name != b"traf":
            continue
        base, total, found = None, 0, False
        default = 0
        for inner, at, last in _inner(body, start, end):
            flags = int.from_bytes(body[at + 1 : at + 4], "big")
            if inner == b"tfhd":
                found = int.from_bytes(body[at + 4 : at + 8], "big") == number
                default = movie.defaults.get(number, 0)
                if flags & 8:
                    skip = at + 8 + 8 * (flags & 1) + 4 * (flags >> 1 & 1)
                    default = int.from_bytes(body[skip : skip + 4], "big")
            elif inner == b"tfdt":
                base = int.from_bytes(body[at + 4 : at + (12 if body[at] == 1 else 8)], "big")
            elif inner == b"trun":
                total += _run_length(body[at:last], flags, default)
        if found and base is not None:
            return base + total
    return None


def _run_length(body: bytes, flags: int, default: int) -> int:
    """Duration of the samples of one `trun`."""
    count = int.from_bytes(body[4:8], "big")
    if not flags & 0x100:
        return count * default
    at = 8 + 4 * (flags & 1) + 4 * (flags >> 2 & 1)
    step = 4 * sum(flags >> bit & 1 for bit in (8, 9, 10, 11))
    count = min(count, (len(body) - at) // step)
    return sum(int.from_bytes(body[at + i * step : at + i * step + 4], "big") for i in range(count))
