"""The middle of the pipeline: forms the next batch while the engine computes the one before.

A round is the windows of some chunks, packed together (`batching.py`, `memory.py`). The thread here forms a
batch only when the engine has taken the one before: so each round is made of what is ready by then, the
engine finds a batch whenever it looks, and no more than two batches of samples lie in memory as floats.
"""

from __future__ import annotations

import queue
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gpu_job.pipeline import memory, packing
from gpu_job.pipeline.chunk_job import Prepared, together
from gpu_job.speech.transcriber import SAMPLE_RATE, Transcriber

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from gpu_job.pipeline.loaded_engines import Engines
    from shared.results import Word

LINGER, ENOUGH = 0.1, 120.0
"""Seconds that chunks of few seconds of sound together wait for more: many short files come one by one, and a call
of the engine takes almost as long for one as for some."""

FEWEST = 1e12
"""Price of a call, samples, for an engine that packs again by itself: as few calls as its `batch` allows."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Batch:
    """Windows for one call of an engine."""

    engine: Transcriber
    """Who recognises them."""
    items: tuple[tuple[Prepared, int], ...]
    """Chunk and index of the window of each."""
    waveforms: list[NDArray[np.float32]]
    """Their samples."""

    @property
    def seconds(self) -> float:
        """Sound in them."""
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
        phrases = [prepared.message.options.phrases for prepared, _ in self.items]
        if any(phrases):
            return self.engine.transcribe(self.waveforms, phrases)
        return self.engine.transcribe(self.waveforms)

    def chunks(self) -> list[Prepared]:
        """The chunks that have windows in it, each once."""
        return list(dict.fromkeys(prepared for prepared, _ in self.items))

    def of(self, chunk: Prepared) -> Batch:
        """The windows of one chunk only."""
        return self._of([at for at, (prepared, _) in enumerate(self.items) if prepared is chunk])

    def left(self) -> Batch:
        """The windows of chunks that are still to be recognised: others may have failed meanwhile."""
        return self._of([at for at, (prepared, _) in enumerate(self.items) if not prepared.over])

    def split(self, room: float) -> list[Batch]:
        """The same windows in batches that take no more than `room` units."""
        lengths = [len(one) for one in self.waveforms]
        return [self._of(part) for part in pack(lengths, self.engine, room)]

    def _of(self, positions: Sequence[int]) -> Batch:
        return Batch(
            engine=self.engine,
            items=tuple(self.items[at] for at in positions),
            waveforms=[self.waveforms[at] for at in positions],
        )


def pack(lengths: Sequence[int], engine: Transcriber, room: float) -> list[tuple[int, ...]]:
    """Batches that suit an engine, as indices into the lengths of some windows in samples."""
    return packing.pack(
        lengths,
        max_windows=engine.batch,
        max_padded=room,
        takes=memory.units,
        call=packing.CALL if engine.batch is None else FEWEST,
    )


class Rounds:
    """A thread that makes batches of the chunks that are ready.

    Args:
        ready: chunks as they come.
        engines: for the weights that they ask for.
        most: whole chunks that are recognised together, see `prepared.together`.
        on_empty: told of a chunk without windows, and of its engine.
        on_error: told of the chunks of a round whose engine cannot be had, and why.
    """

    def __init__(
        self,
        ready: queue.Queue[Prepared],
        engines: Engines,
        *,
        most: float,
        on_empty: Callable[[Prepared, Transcriber], None],
        on_error: Callable[[Sequence[Prepared], Exception], None],
    ) -> None:
        self.problem: Exception | None = None
        self.loaded: float | None = None
        self._ready = ready
        self._engines = engines
        self._most = most
        self._on_empty = on_empty
        self._on_error = on_error
        self._waiting: list[Prepared] = []
        self._formed: queue.Queue[Batch | None] = queue.Queue()
        self._wanted = threading.Semaphore(1)
        self._last = threading.Event()
        self.thread = threading.Thread(target=self._run, name="rounds", daemon=True)
        self._warm: str | None = None

    def start(self, warm: str | None = None) -> None:
        """Begin to make batches; weights named here are loaded before the first chunk comes."""
        self._warm = warm
        self.thread.start()

    def stop(self) -> None:
        """Begin no other round; the batches of the present one are still given."""
        self._last.set()

    def next(self) -> Batch | None:
        """The next batch, waiting for it; None after the last one (`problem` says why, if something broke)."""
        batch = self._formed.get()
        self._wanted.release()
        return batch

    def _run(self) -> None:
        batches = self._batches()
        try:
            if self._warm is not None:
                self._engines.get(self._warm)
            self.loaded = time.monotonic()
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
        while chunks := self._chunks():
            try:
                engine = self._engines.get(chunks[0].message.model, cpu=chunks[0].on_cpu)
            except Exception as error:  # noqa: BLE001 - whatever loading raises, no chunk is lost
                self._on_error(chunks, error)
                continue
            for prepared in chunks:
                if not prepared.windows:
                    self._on_empty(prepared, engine)
            items = [(prepared, index) for prepared in chunks for index in range(len(prepared.windows))]
            lengths = [prepared.windows[index].length for prepared, index in items]
            for positions in pack(lengths, engine, self._engines.room(engine)):
                chosen = tuple(items[at] for at in positions if not items[at][0].over)
                if chosen:
                    waveforms = [prepared.samples(index) for prepared, index in chosen]
                    yield Batch(engine=engine, items=chosen, waveforms=waveforms)

    def _chunks(self) -> list[Prepared]:
        """The chunks of the next round, waiting for the first; none when there is to be no other round."""
        since: float | None = None
        while not self._last.is_set():
            while not self._ready.empty():
                self._waiting.append(self._ready.get())
            chosen = together(self._waiting, self._most)
            now = time.monotonic()
            since = since or now
            if chosen and (now - since > LINGER or not self._is_little(chosen)):
                for one in chosen:
                    self._waiting.remove(one)
                return chosen
            if not chosen:
                since = None
            left = 0.1 if since is None else min(0.1, max(0.001, since + LINGER - now))
            try:
                self._waiting.append(self._ready.get(timeout=left))
            except queue.Empty:
                continue
        return []

    def _is_little(self, chosen: Sequence[Prepared]) -> bool:
        """True for short chunks that others might join."""
        return (
            self._most > 0
            and not chosen[0].alone
            and len(chosen) == len(self._waiting)
            and sum(one.pcm.seconds for one in chosen) < ENOUGH
        )
