"""The engine's thread: one batch after the other, and what becomes of those that fail.

What goes wrong in a batch is tried again at once, in smaller parts: halves where it did not fit, chunk by
chunk where the engine broke. So only a chunk that fails by itself fails. Where the accelerator itself is lost,
the thread ends, and with it the worker: in this process every chunk would fail, for no fault of its own.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, NoReturn

from gpu_job.speech.transcriber import SAMPLE_RATE, EngineLost, OutOfMemory
from shared.errors import EngineLimit, Transient
from shared.telemetry import log

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gpu_job.pipeline.batcher import Batch, Rounds
    from gpu_job.pipeline.committer import Keepers
    from gpu_job.pipeline.loaded_engines import Engines
    from gpu_job.pipeline.summary import Summary
    from shared.costs.executions import Meter
    from shared.results import Word

HUNG = 600.0
"""Seconds that no call of an engine takes, on a slow processor either: what is in one may be to blame."""

ROUNDING = 1.000001
"""What sums of the same units in another order may differ by."""


class Recogniser:
    """A thread that gives batches to their engines until there are no more.

    Args:
        rounds: makes the batches.
        engines: with what is known of their memory.
        keepers: take the chunks that are done or have failed.
        summary: counts what was computed.
        meter: told of the engine's time.
        on_progress: told the key of a recording and seconds of its audio just recognised.
    """

    def __init__(
        self,
        rounds: Rounds,
        engines: Engines,
        keepers: Keepers,
        summary: Summary,
        meter: Meter,
        on_progress: Callable[[str, float], None],
    ) -> None:
        self.problem: Exception | None = None
        """What ended it."""
        self.thread = threading.Thread(target=self._run, name="engine", daemon=True)
        self._rounds = rounds
        self._engines = engines
        self._keepers = keepers
        self._summary = summary
        self._meter = meter
        self._on_progress = on_progress
        self._call: tuple[float, Batch] | None = None

    @property
    def hung(self) -> frozenset[str]:
        """Ids of the messages whose chunks are in a call that will not end; none where it may."""
        call = self._call
        if call is None or time.monotonic() - call[0] < HUNG:
            return frozenset()
        return frozenset(chunk.delivery.message_id for chunk in call[1].chunks())

    def _run(self) -> None:
        try:
            self._all()
        except Exception as error:  # noqa: BLE001 - raised again in the thread that runs the worker
            self.problem = error

    def _all(self) -> None:
        since = time.monotonic()
        while not self._keepers.closed:
            batch = self._rounds.next()
            loaded = self._rounds.loaded
            if loaded is not None:
                self._summary.idle_seconds += time.monotonic() - max(since, loaded)
            if batch is None:
                return
            self._recognise(batch)
            since = time.monotonic()

    def _recognise(self, batch: Batch) -> None:
        """One batch, and after a failure its parts."""
        batch = batch.left()
        if not batch.items or self._keepers.closed:
            return
        room = self._engines.room(batch.engine)
        if len(batch.items) > 1 and batch.units > room * ROUNDING:
            for part in batch.split(room):  # it was formed before something failed to fit
                self._recognise(part)
            return
        try:
            heard = self._ask(batch)
        except OutOfMemory as error:
            self._did_not_fit(batch, error)
        except EngineLost as error:
            self._lost(batch, error)
        except Exception as error:  # noqa: BLE001 - whatever the engine raises, its chunks are not lost
            self._went_wrong(batch, error)
        else:
            self._heard(batch, heard)
            self._engines.fitted(batch.engine, batch.units)

    def _ask(self, batch: Batch) -> list[tuple[Word, ...]]:
        """The words of each window. The engine's time was paid, whatever comes of it."""
        first, *others = batch.chunks()
        if first.alone and not others:
            self._keepers.begins_alone(first)
        started = time.perf_counter()
        self._call = time.monotonic(), batch
        try:
            heard = batch.recognise()
        finally:
            self._call = None
            self._spent(batch, time.perf_counter() - started)
        if len(heard) != len(batch.items):
            raise RuntimeError(f"the engine answered {len(heard)} of {len(batch.items)} windows")
        return heard

    def _spent(self, batch: Batch, seconds: float) -> None:
        """Share the engine's time out over the chunks in a batch, by their audio."""
        self._summary.busy_seconds += seconds
        self._meter.spent(seconds)
        for (prepared, _), waveform in zip(batch.items, batch.waveforms, strict=True):
            prepared.busy_seconds += seconds * len(waveform) / SAMPLE_RATE / batch.seconds

    def _did_not_fit(self, batch: Batch, error: OutOfMemory) -> None:
        self._engines.did_not_fit(batch.engine, batch.units)
        room = self._engines.room(batch.engine)
        log.warning(
            "%d windows did not fit together (%s): %.0f s at most from now on", len(batch.items), error, room
        )
        if len(batch.items) > 1:
            self._recognise(batch)
            return
        seconds = batch.seconds
        limit = EngineLimit(
            f"{seconds:.1f} s of this recording do not fit the memory of the GPU even alone. Raise "
            "GPU_MEMORY_LIMIT_GB where the card has more, let nothing else use it, or choose another method."
        )
        self._keepers.failed(batch.chunks(), limit, batch.engine)

    def _lost(self, batch: Batch, error: EngineLost) -> NoReturn:
        """End. A chunk that was alone with it may be the cause, and is counted as failed."""
        chunks = batch.chunks()
        if len(chunks) == 1:
            self._keepers.failed(chunks, error, batch.engine)
        raise Transient(
            f"The GPU does nothing more for this process ({error}). What it had in hand comes again, chunk by "
            "chunk, for the next worker. If that happens to every worker, look after the card and its driver."
        ) from error

    def _went_wrong(self, batch: Batch, error: Exception) -> None:
        chunks = batch.chunks()
        log.warning("the engine failed on %d windows of %d chunks: %r", len(batch.items), len(chunks), error)
        if len(chunks) == 1:
            self._keepers.failed(chunks, error, batch.engine)
            return
        for chunk in chunks:
            self._recognise(batch.of(chunk))

    def _heard(self, batch: Batch, heard: Sequence[tuple[Word, ...]]) -> None:
        if self._keepers.closed:
            return  # its chunks were given back meanwhile
        self._summary.batches += 1
        self._summary.audio_seconds += batch.seconds
        self._summary.padded_seconds += batch.padded_seconds
        for (prepared, index), words, waveform in zip(batch.items, heard, batch.waveforms, strict=True):
            prepared.heard[index] = words
            self._on_progress(prepared.message.recording, len(waveform) / SAMPLE_RATE)
            if len(prepared.heard) == len(prepared.windows):
                self._keepers.recognised(prepared, batch.engine)
