"""A chunk between its message and its result: decoded, cut into windows, and partly recognised."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from gpu_job.pipeline import both_channels
from gpu_job.speech import windowing
from shared import concurrency
from shared.audio import Pcm
from shared.engines import PARAKEET_CPU
from shared.flow import chunk
from shared.messages import ChunkMessage
from shared.planning import plan
from shared.ports import Delivery, Ports
from shared.recovery import poison
from shared.results import LedgerRow, Voice, Word
from shared.telemetry import measure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from shared.model import Engine
    from shared.settings import Settings

SMALLEST_SHARE = 1 / 16
"""What the shortest chunk counts for: bounds how many of them are in flight."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Diarized:
    """Who speaks in a chunk."""

    voices: tuple[Voice, ...]
    """As `ChunkResult` keeps them."""
    revision: str
    """Exact versions of the networks that found them."""


@dataclass(kw_only=True, slots=True, eq=False)
class ChunkJob:
    """A chunk that is ready for the engine."""

    delivery: Delivery
    """Its message, under lease."""
    message: ChunkMessage
    """What to do."""
    pcm: Pcm
    """Its samples."""
    windows: list[windowing.Window]
    """Where to cut them, or both channels one by one."""
    channels: tuple[int, ...] = ()
    """The channel of each window, 0 or 1, where both are recognised; empty where their mix is."""
    attempt: str = field(default_factory=lambda: f"a-{concurrency.new_id()}")
    """Name of the attempt, which no other has."""
    share: float = 1.0
    """How much of a whole chunk it counts for, see `share_of`."""
    words: dict[int, tuple[Word, ...]] = field(default_factory=dict)
    """Words by the index of their window, as the engine gives them."""
    decode_seconds: float = 0.0
    """Wall time of fetching and decoding."""
    busy_seconds: float = 0.0
    """Its share of the engine's wall time."""
    diarized: concurrency.Future[Diarized] | None = None
    """Who speaks in it, once diarization has begun."""
    diarize_seconds: float = 0.0
    """Wall time that this took."""
    since: float = math.inf
    """When it became ready, on the monotonic clock."""
    row: LedgerRow | None = None
    """Its row, if it was written before the engine began."""
    is_copy: bool = False
    """Whether another delivery of it may have been at work when its engine began: then it has no row in advance."""
    died: int = 0
    """How many workers died with it alone, see `shared/recovery/poison.py`."""
    settled: bool = False
    """True once the committer has it: all its windows are recognised, it has failed, or is no longer wanted."""

    def __str__(self) -> str:
        return f"chunk {self.message.chunk.index} of {self.message.recording}"

    def samples(self, index: int) -> NDArray[np.float32]:
        """One window as float32 in [-1, 1], mono at 16 kHz."""
        window, data = self.windows[index], self.pcm.samples
        if self.channels:
            assert self.pcm.sound is not None, "it was cut into these windows"
            data = self.pcm.sound[self.channels[index]]
        samples = np.frombuffer(data, np.int16, count=window.length, offset=2 * window.start)
        return windowing.floats(samples)

    @property
    def isolated(self) -> bool:
        """True if it was tried before, or its worker was killed: it runs alone, and takes no others down."""
        return _came_again(self.delivery, self.message)

    @property
    def on_cpu(self) -> bool:
        """True if it was handed to the CPU, because the other engines gave it up."""
        return _on_cpu(self.message)


def message_of(job: ChunkJob) -> str:
    """Id of its message."""
    return job.delivery.message_id


def share_of(message: ChunkMessage, seconds: float) -> float:
    """How much of a whole chunk of `seconds` a chunk counts for, at most 1.

    Many short files are in flight, and are recognised together, where one long chunk would be.
    """
    if message.chunk.end is None:
        return 1.0
    return min(1.0, max(SMALLEST_SHARE, (message.chunk.end - message.chunk.start) / seconds))


def next_group(waiting: Sequence[ChunkJob], max_chunks: float) -> list[ChunkJob]:
    """Which of the jobs that wait are recognised together next. Pure.

    The first of them, and those after it that want the same weights, up to `max_chunks` whole chunks. An isolated one
    runs alone; of several the one with which the fewest workers died. They wait in order of arrival; the first one is
    taken whatever it counts for.
    """
    if not waiting:
        return []
    if waiting[0].isolated:
        return [min((one for one in waiting if one.isolated), key=lambda one: one.died)]
    chosen: list[ChunkJob] = []
    total = 0.0
    for one in waiting:
        if one.isolated or (one.message.model, one.on_cpu) != (waiting[0].message.model, waiting[0].on_cpu):
            continue
        total += one.share
        if chosen and total > max_chunks:
            break
        chosen.append(one)
    return chosen


def engine_of(message: ChunkMessage, settings: Settings) -> Engine:
    """The engine with which a worker of this deployment transcribes a chunk."""
    return PARAKEET_CPU.name if _on_cpu(message) else plan.worker_engine(settings)


def _came_again(delivery: Delivery, message: ChunkMessage) -> bool:
    return delivery.attempt > 1 or message.again > 0


def _on_cpu(message: ChunkMessage) -> bool:
    return message.turn > 0 and message.chunk.engine == PARAKEET_CPU.name


def prepare(delivery: Delivery, message: ChunkMessage, ports: Ports, *, share: float) -> ChunkJob:
    """Decode a chunk and cut it into windows; see `shared.flow.chunk.fetch`.

    It is begun again only while its result could be stored.

    Raises:
        BadMedia: decoding broke a limit, or the file is gone.
        EngineLimit: it has killed its workers; see `shared.recovery.poison`.
    """
    died = 0
    if _came_again(delivery, message):
        died = poison.times_alone(message, engine_of(message, ports.settings), ports)
        chunk.check_place(message, ports, f"{delivery.message_id}-{delivery.attempt}")
    started = concurrency.perf_counter()
    pcm = chunk.fetch(message, ports)
    decode_seconds = concurrency.perf_counter() - started + pcm.seconds_ahead
    measure("worker_decode_seconds", decode_seconds)
    windows, channels = both_channels.cut(both_channels.tracks(pcm))
    return ChunkJob(
        delivery=delivery,
        message=message,
        pcm=pcm,
        windows=windows,
        channels=channels,
        attempt=f"{delivery.message_id}-{concurrency.new_id()[:8]}-{delivery.attempt}",
        share=share,
        died=died,
        decode_seconds=decode_seconds,
        since=concurrency.monotonic(),
    )
