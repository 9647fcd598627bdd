"""The waveform of a recording, from the peaks that the worker computes with each chunk.

The merger keeps them, because the results of chunks are deleted after a week. A chunk that a hosted engine read from a
URL was never decoded here, so it has none; it is decoded when a viewer needs them (`decoded`).
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from shared.flow import chunk
from shared.messages import decode, encode
from shared.results import PEAK_RATE, ChunkResult

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from shared.audio import Pcm
    from shared.model import Chunk, Recording
    from shared.ports import Ports

MERGED, DECODED = "merged", "decoded"
"""Names of what the merger kept, and of what was decoded because that has gaps."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Peaks:
    """The waveform of a recording."""

    levels: bytes
    """One byte for each tenth of a second from the start of the recording, 0 for silence to 255; 0 in gaps."""
    gaps: tuple[tuple[float, float], ...]
    """Where there are none yet, start and end in seconds, in order."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Kept:
    """The stored form."""

    levels: str
    """In Base64."""
    gaps: tuple[tuple[float, float], ...]


def of_chunk(pcm: Pcm) -> bytes:
    """The peaks of a chunk, without its overlap; see `shared.audio.peaks`."""
    from shared.audio import peaks as audio_peaks  # noqa: PLC0415 - loads numpy, which a merger does without

    return audio_peaks.of_samples(pcm.samples, pcm.start, pcm.owned)


def merged(recording: Recording, results: Mapping[int, ChunkResult]) -> Peaks:
    """The peaks of the chunks that are there. Pure."""
    placed = [
        (start, end, levels) for start, end, levels in _places(recording.chunks, results) if end > start
    ]
    length = round(max((end for _, end, _ in placed), default=0.0) * PEAK_RATE)
    found = bytearray(length)
    for start, end, levels in placed:
        first = min(round(start * PEAK_RATE), length)
        count = max(0, min(round(end * PEAK_RATE), length) - first)
        # A chunk may have one peak more or fewer than its length has tenths.
        found[first : first + count] = levels[:count].ljust(count, levels[-1:] or b"\0")
    gaps = []
    for missing, some in groupby(placed, key=lambda one: not one[2]):
        if missing:
            stretch = list(some)
            gaps.append((stretch[0][0], stretch[-1][1]))
    return Peaks(levels=bytes(found), gaps=tuple(gaps))


def keep(recording: Recording, results: Sequence[ChunkResult], ports: Ports) -> None:
    """Keep the peaks of a recording whose chunks are all there, if any has some; the first ones stand.

    Raises:
        Permanent: the store refuses them.
    """
    if any(one.peaks for one in results):
        _store(_name(recording, MERGED), merged(recording, {one.index: one for one in results}), ports)


def kept(recording: Recording, ports: Ports) -> Peaks | None:
    """The peaks that were kept; None if there are none."""
    merged = _load(_name(recording, MERGED), ports)
    if merged is not None and not merged.gaps:
        return merged
    return _load(_name(recording, DECODED), ports) or merged


def decoded(recording: Recording, ports: Ports) -> Peaks:
    """The peaks of a recording from its audio, chunk after chunk; kept for the next time.

    An hour takes some seconds of processor time.

    Raises:
        BadMedia: the file is gone, or decoding broke a limit.
    """
    found = bytearray()
    for one, pcm in chunk.decoded(recording, ports):
        if one.span is None:
            found[round(one.start * PEAK_RATE) :] = b""
            found.extend(bytes(round(one.start * PEAK_RATE) - len(found)))
        found += of_chunk(pcm)
    made = Peaks(levels=bytes(found), gaps=())
    _store(_name(recording, DECODED), made, ports)
    return made


def _places(chunks: Sequence[Chunk], results: Mapping[int, ChunkResult]) -> list[tuple[float, float, bytes]]:
    """Start, end and peaks of each chunk; those that are missing have none."""
    found, at = [], 0.0
    for one in chunks:
        result = results.get(one.index)
        start = one.start if one.span is None else at
        nominal = 0.0 if one.end is None else one.end - one.start
        at = start + (nominal if result is None else result.owned)
        found.append((start, at, b"" if result is None else result.peaks))
    return found


def _store(name: str, found: Peaks, ports: Ports) -> None:
    text = base64.b64encode(found.levels).decode()
    data = encode(_Kept(levels=text, gaps=found.gaps))
    ports.store.create(ports.settings.work_bucket, name, data, "application/json")


def _load(name: str, ports: Ports) -> Peaks | None:
    data = ports.store.load(ports.settings.work_bucket, name)
    if data is None:
        return None
    found = decode(data, _Kept)
    return Peaks(levels=base64.b64decode(found.levels), gaps=found.gaps)


def _name(recording: Recording, what: str) -> str:
    return f"peaks/{recording.id}/{what}.json"
