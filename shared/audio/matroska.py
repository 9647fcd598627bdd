"""mkv and webm: header elements before the first cluster, and the last cluster where there is no duration.

A browser's recorder writes webm without duration and without index: the time of the last block, found
in the tail, is then the only record of the length. Source: RFC 8794 (EBML), RFC 9559 (Matroska).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from shared.audio.sniff import check_track, encrypted, falls_short
from shared.model import AudioInfo

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shared.audio.reader import Reader

SMALL = 4096
"""Smallest read while hopping from element to element, bytes."""
MOST_ELEMENTS = 500
"""Elements looked at before the first cluster."""
LARGEST = 200_000
"""Largest header element that is loaded, bytes."""
TAILS = (150_000, 600_000)
"""How many bytes at the end to search for the last cluster: first few, then more (video is dense)."""

SEGMENT, INFO, TRACKS, CLUSTER = 0x18538067, 0x1549A966, 0x1654AE6B, 0x1F43B675
TIMESCALE, DURATION = 0x2AD7B1, 0x4489
ENTRY, NUMBER, TYPE, CODEC, AUDIO = 0xAE, 0xD7, 0x83, 0x86, 0xE1
RATE, CHANNELS = 0xB5, 0x9F
ENCODINGS, ENCODING, ENCRYPTION = 0x6D80, 0x6240, 0x5035
TIMESTAMP, SIMPLE_BLOCK, GROUP, BLOCK = 0xE7, 0xA3, 0xA0, 0xA1
AUDIO_TYPE = 2

_CODECS = {
    "A_OPUS": "opus", "A_VORBIS": "vorbis", "A_MPEG/L3": "mp3", "A_MPEG/L2": "mp2", "A_FLAC": "flac",
    "A_AC3": "ac3", "A_EAC3": "eac3", "A_DTS": "dts", "A_ALAC": "alac", "A_PCM/INT/LIT": "pcm_s16le",
    "A_PCM/INT/BIG": "pcm_s16be", "A_PCM/FLOAT/IEEE": "pcm_f32le", "A_TTA1": "tta", "A_WAVPACK4": "wavpack",
}  # fmt: skip


@dataclass(slots=True)
class _Track:
    number: int = 0
    kind: int = 0
    codec: str = ""
    rate: float = 8000.0
    channels: int = 1
    protected: bool = False


@dataclass(slots=True)
class _Header:
    scale: int = 1_000_000
    ticks: float = 0.0
    tracks: list[_Track] = field(default_factory=list)


def probe(reader: Reader, track: int) -> AudioInfo:
    """What a Matroska file says about its audio tracks.

    Raises:
        BadMedia: `encrypted`, `no-audio`, `no-track`.
    """
    header, warnings = _Header(), []
    for name, start, end in _top(reader):
        if name == SEGMENT and end is not None and end > reader.size:
            warnings.append(falls_short(end, reader.size))
        elif name == INFO and end is not None:
            _read_info(reader.at(start, min(end - start, LARGEST)), header)
        elif name == TRACKS and end is not None:
            _read_tracks(reader.at(start, min(end - start, LARGEST)), header)
    audio = [one for one in header.tracks if one.kind == AUDIO_TYPE]
    check_track(track, len(audio))
    chosen = audio[track]
    if chosen.protected:
        raise encrypted("Matroska content encryption")
    duration = header.ticks * header.scale / 1e9 or None
    if duration is None:
        ticks = _last_tick(reader, chosen.number)
        duration = ticks * header.scale / 1e9 if ticks is not None else None
    return AudioInfo(
        format="matroska",
        codec=chosen.codec,
        sample_rate=round(chosen.rate),
        channels=chosen.channels,
        duration=duration,
        exact=duration is not None,
        splittable_by="time",
        tracks=len(audio),
        warnings=tuple(warnings),
    )


def _number(data: bytes, at: int, *, keep_marker: bool) -> tuple[int, int] | None:
    """A variable-length integer and the position after it; the value is -1 where all bits are set."""
    if at >= len(data) or data[at] == 0:
        return None
    length = 9 - data[at].bit_length()
    if at + length > len(data):
        return None
    value = int.from_bytes(data[at : at + length], "big")
    if not keep_marker:
        value &= (1 << 7 * length) - 1
        if value == (1 << 7 * length) - 1:
            value = -1
    return value, at + length


def _top(reader: Reader) -> Iterator[tuple[int, int, int | None]]:
    """(id, first byte of the content, one past the last) of the elements up to the first cluster."""
    at = 0
    for _ in range(MOST_ELEMENTS):
        data = reader.at(at, 12, block=SMALL)
        name = _number(data, 0, keep_marker=True)
        size = _number(data, name[1], keep_marker=False) if name else None
        if name is None or size is None or name[0] == CLUSTER:
            return
        start = at + size[1]
        end = None if size[0] < 0 else start + size[0]
        yield name[0], start, end
        if name[0] == SEGMENT:
            at = start
        elif end is None:
            return
        else:
            at = end


def _inner(data: bytes, at: int = 0) -> Iterator[tuple[int, bytes]]:
    """(id, content) of the elements in loaded bytes; the last one may be cut."""
    while True:
        name = _number(data, at, keep_marker=True)
        size = _number(data, name[1], keep_marker=False) if name else None
        if name is None or size is None:
            return
        end = len(data) if size[0] < 0 else size[1] + size[0]
        yield name[0], data[size[1] : end]
        at = end


def _float(data: bytes) -> float:
    if len(data) not in {4, 8}:
        return 0.0
    value: float = struct.unpack("!f" if len(data) == 4 else "!d", data)[0]
    return value if 0 < value < 1e15 else 0.0


def _read_info(data: bytes, header: _Header) -> None:
    for name, body in _inner(data):
        if name == TIMESCALE:
            header.scale = int.from_bytes(body, "big") or header.scale
        elif name == DURATION:
            header.ticks = _float(body)


def _read_tracks(data: bytes, header: _Header) -> None:
    header.tracks += [_read_track(entry) for name, entry in _inner(data) if name == ENTRY]


def _read_track(entry: bytes) -> _Track:
    track = _Track()
    for name, body in _inner(entry):
        if name == NUMBER:
            track.number = int.from_bytes(body, "big")
        elif name == TYPE:
            track.kind = int.from_bytes(body, "big")
        elif name == CODEC:
            text = body.rstrip(b"\0").decode("ascii", "replace")
            track.codec = "aac" if text.startswith("A_AAC") else _CODECS.get(text, text)
        elif name == AUDIO:
            values = dict(_inner(body))
            track.rate = _float(values.get(RATE, b"")) or track.rate
            track.channels = int.from_bytes(values.get(CHANNELS, b""), "big") or 1
        elif name == ENCODINGS:
            encodings = [value for one, value in _inner(body) if one == ENCODING]
            track.protected = any(ENCRYPTION in dict(_inner(value)) for value in encodings)
    return track


def _last_tick(reader: Reader, number: int) -> int | None:
    """When the last block of a track ends, in the file's ticks; None where the tail holds no cluster."""
    marker = CLUSTER.to_bytes(4, "big")
    for length in TAILS:
        start = max(0, reader.size - length)
        tail = reader.at(start, reader.size - start)
        at = len(tail)
        while (at := tail.rfind(marker, 0, at)) >= 0:
            size = _number(tail, at + 4, keep_marker=False)
            times = _block_times(tail[size[1] :], number) if size else []
            if times:
                step = times[-1] - times[-2] if len(times) > 1 else 0
                return times[-1] + max(0, step)
        if start == 0:
            break
    return None


def _block_times(cluster: bytes, number: int) -> list[int]:
    """Times of the blocks of one track in the content of a cluster, in ticks."""
    base: int | None = None
    times = []
    for name, body in _inner(cluster):
        if name == TIMESTAMP:
            base = int.from_bytes(body, "big")
        elif name == CLUSTER:
            break
        elif name in {SIMPLE_BLOCK, GROUP} and base is not None:
            block = body if name == SIMPLE_BLOCK else next((b for n, b in _inner(body) if n == BLOCK), b"")
            track = _number(block, 0, keep_marker=False)
            if track and track[0] == number and len(block) >= track[1] + 2:
                times.append(base + int.from_bytes(block[track[1] : track[1] + 2], "big", signed=True))
    return times
