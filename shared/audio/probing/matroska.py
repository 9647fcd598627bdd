"""mkv and webm: header elements before the first cluster, and the last cluster where there is no duration.

A browser writes webm without a duration and without an index: then only the last block, found in the tail,
tells the length. Source: RFC 8794 (EBML), RFC 9559 (Matroska).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from shared.audio.probing.ebml import CLUSTER, SEGMENT, Element, children, top_level, vint
from shared.audio.probing.notices import check_track, codec_name, encrypted, falls_short, in_order
from shared.model import AudioInfo

if TYPE_CHECKING:
    from shared.audio.files.reader import Reader

LARGEST = 200_000
"""Largest header element that is loaded, bytes."""
TAILS = (150_000, 600_000)
"""Bytes at the end to search for the last cluster: first few, then more, because clusters of video are large."""

INFO, TRACKS = 0x1549A966, 0x1654AE6B
TIMESCALE, DURATION = 0x2AD7B1, 0x4489
ENTRY, NUMBER, TYPE, CODEC, AUDIO = 0xAE, 0xD7, 0x83, 0x86, 0xE1
DEFAULT = 0x88
RATE, CHANNELS = 0xB5, 0x9F
ENCODINGS, ENCODING, ENCRYPTION = 0x6D80, 0x6240, 0x5035
TIMESTAMP, SIMPLE_BLOCK, GROUP, BLOCK = 0xE7, 0xA3, 0xA0, 0xA1
VIDEO_TYPE, AUDIO_TYPE = 1, 2
FIRST_CLUSTERS = 4096
"""Bytes from the first cluster on that are read to learn when the recording begins: its first block lies no farther."""
LATE = 1.0
"""Seconds; a recording whose timestamps begin later was cut out of a longer one."""

_CODECS = {
    "A_OPUS": "opus", "A_VORBIS": "vorbis", "A_MPEG/L3": "mp3", "A_MPEG/L2": "mp2", "A_FLAC": "flac",
    "A_AC3": "ac3", "A_EAC3": "eac3", "A_DTS": "dts", "A_ALAC": "alac", "A_PCM/INT/LIT": "pcm_s16le",
    "A_PCM/INT/BIG": "pcm_s16be", "A_PCM/FLOAT/IEEE": "pcm_f32le", "A_TTA1": "tta", "A_WAVPACK4": "wavpack",
}  # fmt: skip


@dataclass(slots=True)
class _Track:
    """What the header says about a track."""

    number: int = 0
    kind: int = 0
    codec: str = ""
    rate: float = 8000.0
    channels: int = 1
    protected: bool = False
    default: bool = True


@dataclass(slots=True)
class _Header:
    """What the header says about a file: nanoseconds of a tick, duration in ticks."""

    timestamp_scale: int = 1_000_000
    duration: float = 0.0
    tracks: list[_Track] = field(default_factory=list)


def probe(reader: Reader, track: int) -> AudioInfo:
    """What a Matroska file says about its audio tracks.

    Raises:
        BadMedia: `encrypted`, `no-audio`, `no-track`.
    """
    header, warnings, first = _Header(), [], b""
    for one in top_level(reader):
        if one.name == SEGMENT and one.end is not None and one.end > reader.size:
            warnings.append(falls_short(one.end, reader.size))
        elif one.name == INFO:
            _read_info(_content(reader, one), header)
        elif one.name == TRACKS:
            header.tracks += [
                _read_track(entry) for name, entry in children(_content(reader, one)) if name == ENTRY
            ]
        elif one.name == CLUSTER:
            first = reader.at(one.start, FIRST_CLUSTERS, block=FIRST_CLUSTERS)
    audio = [one for one in header.tracks if one.kind == AUDIO_TYPE]
    check_track(track, len(audio))
    chosen = audio[in_order([one.default for one in audio])[track]]
    if chosen.protected:
        raise encrypted("Matroska content encryption")
    tick = header.timestamp_scale / 1e9
    origin = _first_tick(first, header.tracks) * tick
    duration = header.duration * tick or None
    if duration is None or origin > LATE:  # then programs do not agree on what the header counts from
        ticks = _last_tick(reader, chosen.number)
        duration = max(0.0, ticks * tick - origin) if ticks is not None else duration
    return AudioInfo(
        format="matroska",
        codec=chosen.codec,
        sample_rate=round(chosen.rate),
        channels=chosen.channels,
        duration=duration,
        exact=duration is not None,
        splittable_by="time",
        tracks=len(audio),
        origin=origin,
        warnings=tuple(warnings),
    )


def _float(data: bytes) -> float:
    if len(data) not in {4, 8}:
        return 0.0
    value: float = struct.unpack("!f" if len(data) == 4 else "!d", data)[0]
    return value if 0 < value < 1e15 else 0.0


def _content(reader: Reader, one: Element) -> bytes:
    """The content of an element of the header; empty where its size is unknown."""
    return b"" if one.end is None else reader.at(one.start, min(one.end - one.start, LARGEST))


def _read_info(data: bytes, header: _Header) -> None:
    """Note what the content of an `Info` element says."""
    for name, body in children(data):
        if name == TIMESCALE:
            header.timestamp_scale = int.from_bytes(body, "big") or header.timestamp_scale
        elif name == DURATION:
            header.duration = _float(body)


def _read_track(entry: bytes) -> _Track:
    track = _Track()
    for name, body in children(entry):
        if name == NUMBER:
            track.number = int.from_bytes(body, "big")
        elif name == TYPE:
            track.kind = int.from_bytes(body, "big")
        elif name == CODEC:
            text = codec_name(body)
            track.codec = "aac" if text.startswith("A_AAC") else _CODECS.get(text, text)
        elif name == AUDIO:
            values = dict(children(body))
            track.rate = _float(values.get(RATE, b"")) or track.rate
            track.channels = int.from_bytes(values.get(CHANNELS, b""), "big") or 1
        elif name == DEFAULT:
            track.default = body.strip(b"\0") != b""
        elif name == ENCODINGS:
            encodings = [value for one, value in children(body) if one == ENCODING]
            track.protected = any(ENCRYPTION in dict(children(value)) for value in encodings)
    return track


def _first_tick(data: bytes, tracks: list[_Track]) -> int:
    """When the first block of sound or pictures begins, in the file's ticks.

    Args:
        data: from the content of the first cluster on; where a later cluster in it is earlier, the first is wrong.
        tracks: of the file.
    """
    wanted = [one.number for one in tracks if one.kind in {VIDEO_TYPE, AUDIO_TYPE}]
    starts: list[int | None] = []
    for cluster in data.split(CLUSTER.to_bytes(4, "big")):
        size = vint(cluster, 0, keep_marker=False) if starts else (0, 0)
        times = [
            times[0] for number in wanted if size and (times := _block_times(cluster[size[1] :], number))
        ]
        starts.append(min(times, default=None))
    known = [one for one in starts if one is not None]
    return max(0, min(known[:3], default=0))


def _last_tick(reader: Reader, track: int) -> int | None:
    """When the last block of a track ends, in the file's ticks; None where the tail holds no cluster."""
    marker = CLUSTER.to_bytes(4, "big")
    for length in TAILS:
        start = max(0, reader.size - length)
        tail = reader.at(start, reader.size - start)
        at = len(tail)
        while (at := tail.rfind(marker, 0, at)) >= 0:
            size = vint(tail, at + 4, keep_marker=False)
            times = _block_times(tail[size[1] :], track) if size else []
            if times:
                step = times[-1] - times[-2] if len(times) > 1 else 0
                return times[-1] + max(0, step)
        if start == 0:
            break
    return None


def _block_times(cluster: bytes, track: int) -> list[int]:
    """Times of the blocks of one track in the content of a cluster, in ticks."""
    base: int | None = None
    times = []
    for name, body in children(cluster):
        if name == TIMESTAMP:
            base = int.from_bytes(body, "big")
        elif name == CLUSTER:
            break
        elif name in {SIMPLE_BLOCK, GROUP} and base is not None:
            block = body if name == SIMPLE_BLOCK else next((b for n, b in children(body) if n == BLOCK), b"")
            owner = vint(block, 0, keep_marker=False)
            if owner and owner[0] == track and len(block) >= owner[1] + 2:
                times.append(base + int.from_bytes(block[owner[1] : owner[1] + 2], "big", signed=True))
    return times
