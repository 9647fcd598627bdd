"""The third step of the pipeline, the engine's thread: one batch after the other, and again those that fail.

What goes wrong in a batch is tried again at once, in smaller parts: halves if it did not fit, job by job if the
engine broke. So only a chunk that fails on its own fails. If the accelerator itself is lost, the thread ends, and with
it the worker: in this process every chunk would fail, through no fault of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from gpu_job.pipeline.chunk_job import message_of
from gpu_job.pipeline.inflight import CALL, SLOWEST
from gpu_job.speech.transcriber import SAMPLE_RATE, EngineLost, OutOfMemory
from shared import concurrency
from shared.errors import EngineLimit, Transient
from shared.telemetry import log, measure

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gpu_job.pipeline.batcher import Batch, Batcher
    from gpu_job.pipeline.committer import Committer
    from gpu_job.pipeline.diarization import Diarization
    from gpu_job.pipeline.loaded_engines import LoadedEngines
    from gpu_job.pipeline.summary import Summary
    from shared.costs.executions import Meter
    from shared.machine.watchdog import Watchdog
    from shared.results import Word

ROUNDING = 1.000001
"""What sums of the same units in another order may differ by."""


class Recogniser:
    """A thread that gives batches to their engines until there are no more.

    `on_progress` is told the key of a recording and seconds of its audio just recognised.
    """

    def __init__(
        self,
        batcher: Batcher,
        engines: LoadedEngines,
        committer: Committer,
        diarization: Diarization,
        summary: Summary,
        watchdog: Watchdog,
        meter: Meter,
        on_progress: Callable[[str, float], None],
    ) -> None:
        self.problem: Exception | None = None
        """What ended it."""
        self.thread = concurrency.Thread(target=self._run, name="engine", daemon=True)
        self._batcher = batcher
        self._engines = engines
        self._committer = committer
        self._diarization = diarization
        self._summary = summary
        self._watchdog = watchdog
        self._meter = meter
        self._on_progress = on_progress

    def _run(self) -> None:
        try:
            self._recognise_all()
        except Exception as error:  # noqa: BLE001 - raised again in the thread that runs the worker
            self.problem = error

    def _recognise_all(self) -> None:
        since = concurrency.monotonic()
        while not self._committer.closed:
            batch = self._batcher.next()
            loaded = self._batcher.loaded
            if loaded is not None:
                idle = concurrency.monotonic() - max(since, loaded)
                self._summary.idle_seconds += idle
                measure("worker_idle_seconds_total", idle)
            if batch is None:
                return
            self._recognise(batch)
            since = concurrency.monotonic()

    def _recognise(self, batch: Batch) -> None:
        """One batch, and after a failure its parts."""
        batch = batch.unsettled()
        if not batch.items or self._committer.closed:
            return
        capacity = self._engines.capacity(batch.engine)
        if len(batch.items) > 1 and batch.units > capacity * ROUNDING:
            for part in batch.split(capacity):  # it was formed before something failed to fit
                self._recognise(part)
            return
        try:
            words = self._call_engine(batch)
        except OutOfMemory as error:
            self._did_not_fit(batch, error)
        except EngineLost as error:
            self._lost(batch, error)
        except Exception as error:  # noqa: BLE001 - whatever the engine raises, its chunks are not lost
            self._went_wrong(batch, error)
        else:
            self._recognised(batch, words)
            self._engines.fitted(batch.engine, batch.units)

    def _call_engine(self, batch: Batch) -> list[tuple[Word, ...]]:
        """The words of each window. The engine's time is paid for, whatever comes of it."""
        first, *others = jobs = batch.jobs()
        if first.isolated and not others:
            self._committer.isolated_begins(first, batch.engine)
        for job in jobs:
            self._diarization.begin(job)
        started = concurrency.perf_counter()
        what = f"recognising {batch.seconds:.0f} s of {', '.join(map(str, jobs))}"
        try:
            with self._watchdog.within(CALL + SLOWEST * batch.seconds, what, map(message_of, jobs)):
                words = batch.recognise()
        finally:
            self._spent(batch, concurrency.perf_counter() - started)
        if len(words) != len(batch.items):
            raise RuntimeError(f"the engine answered {len(words)} of {len(batch.items)} windows")
        return words

    def _spent(self, batch: Batch, seconds: float) -> None:
        """Share the engine's time out over the jobs in a batch, by their audio."""
        self._summary.busy_seconds += seconds
        self._meter.spent(seconds)
        measure("worker_busy_seconds_total", seconds)
        for (job, _), waveform in zip(batch.items, batch.waveforms, strict=True):
            job.busy_seconds += seconds * len(waveform) / SAMPLE_RATE / batch.seconds

    def _did_not_fit(self, batch: Batch, error: OutOfMemory) -> None:
        self._engines.did_not_fit(batch.engine, batch.units)
        log.warning(
            "%d windows did not fit together (%s): %.0f s at most from now on",
            len(batch.items),
            error,
            self._engines.capacity(batch.engine),
        )
        if len(batch.items) > 1:
            self._recognise(batch)
            return
        limit = EngineLimit(
            f"{batch.seconds:.1f} s of this recording do not fit in the memory of the GPU, even on their own. Raise "
            "GPU_MEMORY_LIMIT_GB if the card has more, let nothing else use it, or choose another method."
        )
        self._committer.failed(batch.jobs(), limit, batch.engine)

    def _lost(self, batch: Batch, error: EngineLost) -> NoReturn:
        """End. A chunk that was alone in the call may be the cause, and counts as failed."""
        jobs = batch.jobs()
        if len(jobs) == 1:
            self._committer.failed(jobs, error, batch.engine)
        raise Transient(
            f"The GPU does nothing more for this process ({error}). Its chunks are redelivered, one by one, for the "
            "next worker. If that happens to every worker, check the card and its driver."
        ) from error

    def _went_wrong(self, batch: Batch, error: Exception) -> None:
        jobs = batch.jobs()
        log.warning("the engine failed on %d windows of %d chunks: %r", len(batch.items), len(jobs), error)
        if len(jobs) == 1:
            self._committer.failed(jobs, error, batch.engine)
            return
        for job in jobs:
            self._recognise(batch.of(job))

    def _recognised(self, batch: Batch, words: Sequence[tuple[Word, ...]]) -> None:
        if self._committer.closed:
            return  # its chunks were given back meanwhile
        self._summary.batches += 1
        self._summary.audio_seconds += batch.seconds
        self._summary.padded_seconds += batch.padded_seconds
        measure("worker_batches_total")
        peak = self._engines.peak()
        measure("worker_peak_bytes", peak.size, memory=peak.memory)
        measure("worker_audio_seconds_total", batch.seconds)
        measure("worker_padded_seconds_total", batch.padded_seconds)
        for (job, index), found, waveform in zip(batch.items, words, batch.waveforms, strict=True):
            job.words[index] = found
            self._on_progress(job.message.recording, len(waveform) / SAMPLE_RATE)
            if len(job.words) == len(job.windows):
                self._committer.recognised(job, batch.engine)
