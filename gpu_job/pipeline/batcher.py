"""The second step of the pipeline: form the next batch while the engine computes the one before.

The windows of a group of jobs are packed together (`gpu_job/speech/packing.py`, memory.py). The thread here forms a
batch only when the engine has taken the one before. So each group is made of what is ready by then, the engine finds a
batch whenever it looks, and no more than two batches of samples are in memory as floats.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gpu_job.pipeline import memory
from gpu_job.pipeline.chunk_job import ChunkJob, message_of, next_group
from gpu_job.pipeline.inflight import CALL
from gpu_job.pipeline.loaded_engines import LOADING, LoadedEngines
from gpu_job.speech import packing
from gpu_job.speech.transcriber import SAMPLE_RATE, Transcriber
from shared import concurrency
from shared.machine.watchdog import Watchdog

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gpu_job.pipeline.committer import Committer
    from shared.results import Word

LINGER, ENOUGH = 0.1, 120.0
"""Seconds that jobs with few seconds of audio wait for others: many short files come one by one, and a call of the
engine takes almost as long for one as for several. Seconds of audio from which on it does not wait."""

STALE = 10.0
"""Seconds after which a job that waited is asked for again: its recording may have been cancelled, or it is done."""

FEWEST_CALLS = 1e12
"""Price of a call, in samples, for an engine that packs again: as few calls as its `batch` allows."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Batch:
    """Windows for one call of an engine."""

    engine: Transcriber
    """Who recognises them."""
    items: tuple[tuple[ChunkJob, int], ...]
    """Job and index of the window of each."""
    waveforms: list[NDArray[np.float32]]
    """Their samples."""

    @property
    def seconds(self) -> float:
        """Audio in them."""
        return sum(len(one) for one in self.waveforms) / SAMPLE_RATE

    @property
    def padded_seconds(self) -> float:
        """What is computed; an engine with a `batch` of its own pads for itself."""
        if self.engine.batch is not None:
            return self.seconds
        return len(self.waveforms) * max(len(one) for one in self.waveforms) / SAMPLE_RATE

    @property
    def units(self) -> float:
        """What it takes of the memory, see `memory.py`."""
        return len(self.waveforms) * memory.units(float(max(len(one) for one in self.waveforms)))

    def recognise(self) -> list[tuple[Word, ...]]:
        """The words of each window. Raises what the engine raises."""
        options = [job.message.options for job, _ in self.items]
        phrases = [one.phrases for one in options]
        # Weights of one language write one alphabet.
        languages = [one.language for one in options] if self.engine.language is None else []
        return self.engine.transcribe(
            self.waveforms, phrases if any(phrases) else (), languages if any(languages) else ()
        )

    def jobs(self) -> list[ChunkJob]:
        """The jobs that have windows in it, each once."""
        return list(dict.fromkeys(job for job, _ in self.items))

    def of(self, job: ChunkJob) -> Batch:
        """The windows of one job only."""
        return self._of([at for at, (one, _) in enumerate(self.items) if one is job])

    def unsettled(self) -> Batch:
        """The windows that are still to be recognised: other jobs may have failed meanwhile."""
        return self._of([at for at, (job, _) in enumerate(self.items) if not job.settled])

    def split(self, capacity: float) -> list[Batch]:
        """The same windows in batches that take no more than `capacity` units."""
        lengths = [len(one) for one in self.waveforms]
        return [self._of(part) for part in pack(lengths, self.engine, capacity)]

    def _of(self, positions: Sequence[int]) -> Batch:
        return Batch(
            engine=self.engine,
            items=tuple(self.items[at] for at in positions),
            waveforms=[self.waveforms[at] for at in positions],
        )


def pack(lengths: Sequence[int], engine: Transcriber, capacity: float) -> list[tuple[int, ...]]:
    """Batches that suit an engine, as indices into the lengths of some windows in samples."""
    return packing.pack(
        lengths,
        max_windows=engine.batch,
        max_padded=capacity,
        size=memory.units,
        call_cost=packing.CALL_COST if engine.batch is None else FEWEST_CALLS,
    )


class Batcher:
    """A thread that makes batches of the jobs that are ready.

    The committer takes jobs without windows, and those whose engine cannot be loaded or that are not wanted any more.
    `max_chunks` as for `next_group`.
    """

    def __init__(
        self,
        ready: concurrency.Queue[ChunkJob],
        engines: LoadedEngines,
        committer: Committer,
        *,
        max_chunks: float,
        watchdog: Watchdog | None = None,
    ) -> None:
        self.problem: Exception | None = None
        """What ended it."""
        self.loaded: float | None = None
        """When the weights named at the start were loaded, on the monotonic clock."""
        self._ready = ready
        self._engines = engines
        self._committer = committer
        self._max_chunks = max_chunks
        self._watchdog = watchdog or Watchdog()
        self._waiting: list[ChunkJob] = []
        self._formed: concurrency.Queue[Batch | None] = concurrency.Queue()
        self._wanted = concurrency.Semaphore(1)
        self._stop = concurrency.Event()
        self.thread = concurrency.Thread(target=self._run, name="batcher", daemon=True)
        self._warm: str | None = None

    def start(self, warm: str | None = None) -> None:
        """Begin to make batches; weights named here are loaded before the first job comes."""
        self._warm = warm
        self.thread.start()

    def stop(self) -> None:
        """Begin no other group; the batches of the present one are still given."""
        self._stop.set()

    def next(self) -> Batch | None:
        """The next batch, waiting for it; None after the last one (`problem` says why, if something broke)."""
        batch = self._formed.get()
        self._wanted.release()
        return batch

    def _run(self) -> None:
        batches = self._batches()
        try:
            if self._warm is not None:
                with self._watchdog.within(LOADING, f"loading {self._warm}"):
                    self._engines.get(self._warm)
            self.loaded = concurrency.monotonic()
            while True:
                self._wanted.acquire()
                batch = next(batches, None)
                if batch is None:
                    break
                self._formed.put(batch)
        except Exception as error:  # noqa: BLE001 - raised again in the thread that runs the worker
            self.problem = error
        self._formed.put(None)

    def _batches(self) -> Iterator[Batch]:
        while chosen := self._group():
            now = concurrency.monotonic()
            with self._watchdog.within(CALL, "asking whether chunks are still wanted"):
                group = [job for job in chosen if now - job.since < STALE or self._committer.still_wants(job)]
            if not group:
                continue
            model = group[0].message.model
            try:
                with self._watchdog.within(LOADING, f"loading {model}", map(message_of, group)):
                    engine = self._engines.get(model, cpu=group[0].on_cpu)
            except Exception as error:  # noqa: BLE001 - whatever loading raises, no chunk is lost
                self._committer.failed(group, error)
                continue
            for job in group:
                if not job.windows:
                    self._committer.recognised(job, engine)
            items = [(job, index) for job in group for index in range(len(job.windows))]
            lengths = [job.windows[index].length for job, index in items]
            for positions in pack(lengths, engine, self._engines.capacity(engine)):
                batch = tuple(items[at] for at in positions if not items[at][0].settled)
                if batch:
                    waveforms = [job.samples(index) for job, index in batch]
                    yield Batch(engine=engine, items=batch, waveforms=waveforms)

    def _group(self) -> list[ChunkJob]:
        """The next jobs to recognise together, waiting for the first; none once it is to stop."""
        since: float | None = None
        while not self._stop.is_set():
            while not self._ready.empty():
                self._waiting.append(self._ready.get())
            chosen = next_group(self._waiting, self._max_chunks)
            now = concurrency.monotonic()
            since = since or now
            if chosen and (now - since > LINGER or not self._may_grow(chosen)):
                for one in chosen:
                    self._waiting.remove(one)
                return chosen
            if not chosen:
                since = None
            left = 0.1 if since is None else min(0.1, max(0.001, since + LINGER - now))
            try:
                self._waiting.append(self._ready.get(timeout=left))
            except concurrency.Empty:
                continue
        return []

    def _may_grow(self, chosen: Sequence[ChunkJob]) -> bool:
        """True for short jobs that others might join."""
        return (
            self._max_chunks > 0
            and not chosen[0].isolated
            and len(chosen) == len(self._waiting)
            and sum(one.pcm.seconds for one in chosen) < ENOUGH
        )
