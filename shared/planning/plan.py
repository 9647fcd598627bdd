"""Step 4. Cut the recording into chunks. Pure arithmetic.

The length of a chunk depends on its engine and on the length of the recording (`chunk_seconds`).
Neighbouring chunks share some audio, so that a word on the boundary is whole in at least one of them;
the merge decides there. There are two ways to cut:

- by time, if the container can seek;
- by byte range, for streams of self-contained frames without an index (mp3, raw aac). Minute ten cannot
  be found without reading the ten minutes before it, but any range of bytes can be decoded, and its frames
  say how long it is. The times of later chunks follow from the sum (`merge.pieces`).

An unknown or wrong length is not a problem: as long as the last chunk heard audio after its own end,
`extend` continues the plan.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from shared.engines import ChunkSize, own_specs, spec
from shared.model import AudioInfo, ByteSpan, Chunk, Engine

if TYPE_CHECKING:
    from shared.results import ChunkResult
    from shared.settings import Settings

OVERLAP_PART, MIN_OVERLAP, MAX_OVERLAP = 10, 8.0, 30.0
"""Neighbours share a tenth of a chunk, within these bounds in seconds. What an engine hears in the first
and last second or two of a piece is unreliable, so a shorter overlap leaves nothing to agree on."""


SHORT, LONG = 30 * 60.0, 4 * 3600.0
"""Seconds. The chunks of a shorter recording than `SHORT` are half as long, so that several are transcribed in
parallel; those of a longer one than `LONG` are half as long again, so that there are fewer seams."""

STRETCH = 1.1
"""A chunk may be this many times the wanted length before another one is made."""

UNKNOWN_BITRATE = 128_000
"""Bits per second, for a first guess if the container does not state its length."""

HEARD_BEYOND = 1.0
"""Seconds to decode after the end of a one-chunk recording, to notice that it is longer than its header says."""

BRIEF = 60.0
"""Seconds. A recording up to this long may be decoded with its probe: that is faster than a second call."""

HEARD_ALL = 0.9
"""If the last chunk heard this share of its tail, audio goes on after it."""


MOST_CHUNKS = 20_000
"""Chunks of one recording, the most that DROPSCRIBE_MAX_CHUNKS allows."""


def sizes(engine: Engine, settings: Settings) -> ChunkSize:
    """Chunk size for an engine; `CHUNK_DURATION_MINUTES` and `GPU_BATCH_SIZE` take precedence if set."""
    fitting = next(one for one in spec(engine).chunks if settings.gpu_memory_limit_gb >= one.from_gb)
    return replace(
        fitting,
        seconds=fitting.seconds if settings.chunk_minutes is None else settings.chunk_minutes * 60,
        together=fitting.together if settings.batch_size is None else settings.batch_size,
    )


def chunk_seconds(audio: AudioInfo, engine: Engine, settings: Settings) -> float:
    """Wanted length of a recording's chunks, seconds, without overlap.

    A length set in the settings applies to every recording.
    """
    usual = sizes(engine, settings).seconds
    if settings.chunk_minutes is not None or audio.duration is None:
        return usual
    if audio.duration < SHORT and spec(engine).shorter_when_short:
        return 0.5 * usual
    return 1.5 * usual if audio.duration > LONG and spec(engine).longer_when_long else usual


def worker_engine(settings: Settings) -> Engine:
    """The engine that the deployment's workers run."""
    ours = own_specs()
    return next((one.name for one in ours if one.name in settings.engine_set), ours[-1].name)


def max_inflight_chunks(settings: Settings, engine: Engine | None = None) -> int:
    """Chunks that a worker holds at one time: those being recognised, and as many decoded ahead of them.

    A number set in the settings takes precedence. An engine of None is that of the deployment's workers.
    """
    if settings.max_chunks is not None:
        return settings.max_chunks
    return 2 * sizes(engine or worker_engine(settings), settings).together


def split(audio: AudioInfo, size: int, chunk_seconds: float, engine: Engine) -> tuple[Chunk, ...]:
    """The chunks of a recording, in order; of more than a recording may have, one more than that.

    So what a file says of its length costs half a second at most, whatever it says. The object has `size` bytes;
    `chunk_seconds` is the length of a chunk without overlap.
    """
    duration = audio.duration or max(1.0, size * 8 / UNKNOWN_BITRATE)
    count = min(MOST_CHUNKS + 1, max(1, math.ceil(duration / chunk_seconds / STRETCH)))
    length = duration / count
    side = _side(length) if count > 1 else HEARD_BEYOND
    chunks = [
        Chunk(
            index=index,
            start=round(index * length, 3),
            end=round((index + 1) * length, 3),
            lead=side if index else 0.0,
            tail=side,
            engine=engine,
        )
        for index in range(count)
    ]
    if audio.splittable_by == "bytes":
        chunks = _by_bytes(chunks, audio, length, side)
    return tuple(chunks)


def whole(audio: AudioInfo, size: int, settings: Settings) -> Chunk | None:
    """The one chunk of a recording of at most `BRIEF` for this deployment's workers; None for all others."""
    if audio.duration is None or audio.duration > BRIEF:
        return None
    engine = worker_engine(settings)
    chunks = split(audio, size, chunk_seconds(audio, engine, settings), engine)
    return chunks[0] if len(chunks) == 1 else None


def goes_on(chunks: tuple[Chunk, ...], last: ChunkResult) -> bool:
    """Whether audio goes on after the last chunk of a plan, because it heard all of its tail."""
    return chunks[-1].span is None and last.tail >= HEARD_ALL * chunks[-1].tail


def extend(chunks: tuple[Chunk, ...]) -> tuple[Chunk, ...]:
    """The plan, doubled, for a recording that is longer than its header says."""
    end, count = chunks[-1].end, len(chunks)
    assert end is not None, "only the plans of `split` are extended"
    side = chunks[-1].tail
    return chunks + tuple(
        replace(
            chunk,
            index=chunk.index + count,
            start=round(chunk.start + end, 3),
            end=None if chunk.end is None else round(chunk.end + end, 3),
            lead=side,
        )
        for chunk in chunks
    )


def _side(length: float) -> float:
    """Overlap on one side of a boundary, seconds: half of what neighbours share, at most half a chunk."""
    return round(min(max(length / OVERLAP_PART, MIN_OVERLAP), MAX_OVERLAP, length) / 2, 3)


def _by_bytes(chunks: list[Chunk], audio: AudioInfo, length: float, side: float) -> list[Chunk]:
    """The same chunks as byte ranges; their times become estimates."""
    first, last, count = audio.first_byte, audio.last_byte, len(chunks)
    bounds = [first + (last - first) * index // count for index in range(count + 1)]
    overlap = math.ceil((last - first) / count * side / length)
    return [
        replace(
            chunk,
            span=ByteSpan(
                read_from=max(first, bounds[index] - overlap) if index else first,
                own_from=bounds[index],
                own_to=bounds[index + 1],
                read_to=min(last, bounds[index + 1] + overlap),
            ),
        )
        for index, chunk in enumerate(chunks)
    ]
