"""The worker: a pipeline from messages to kept results.

    intake.py                rounds.py                  engine thread     keeper threads
    pull, decode, cut   ─▶   pack, make the next   ─▶   recognise    ─▶   write result, ledger, document,
    (a process a core)       batch meanwhile            (this file)       publish done, acknowledge

Everything is overlapped and bounded by the chunks in hand. Windows of all chunks and files at hand share
batches; a chunk is kept as soon as its last window is recognised, whatever its batch still holds.

What goes wrong in a batch is tried again at once, in smaller parts: halves where it did not fit, chunk by
chunk where the engine broke. So only a chunk that fails by itself fails. A chunk whose message comes again
because its worker died runs alone from the start. Where the accelerator itself is lost, the worker ends and
gives all back: in this process every chunk would fail, for no fault of its own.
"""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, NoReturn

from gpu_job import results
from gpu_job.engine import SAMPLE_RATE, EngineLost, OutOfMemory
from gpu_job.engines import Engines
from gpu_job.intake import Intake
from gpu_job.rounds import Rounds
from gpu_job.subscriptions import subscriptions_of
from gpu_job.summary import Summary
from shared.costs import ledger
from shared.costs.executions import Meter
from shared.errors import DropscribeError, EngineLimit, Transient
from shared.flow import plan
from shared.telemetry import log

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gpu_job.engine import Transcriber
    from gpu_job.prepared import Prepared
    from gpu_job.rounds import Batch
    from shared.ports import Ports
    from shared.results import Word

KEEPERS = 4
"""Results that are written at one time: each waits for the store and the records."""

ROUNDING = 1.000001
"""What sums of the same units in another order may differ by."""

FINISH, KEPT, ENDED = 4.0, 5.5, 7.5
"""Seconds after the request to stop by which the engine has finished what it can, results are kept, and all the
rest is given back. Cloud Run kills after 10."""


class Worker:
    """Consumes chunk messages until it is told to stop or has nothing to do. Runs once.

    Args:
        ports: the world.
        load: gives the engine for the name of some weights; may raise ModelUnavailable.
        load_cpu: the same on the processor, for chunks that the other engine gave up; None: `load` does.
        on_progress: told the key of a recording and seconds of its audio just recognised.
        meter: told of the engine's time, where its idle time costs money.
    """

    def __init__(
        self,
        ports: Ports,
        load: Callable[[str], Transcriber],
        *,
        load_cpu: Callable[[str], Transcriber] | None = None,
        on_progress: Callable[[str, float], None] = lambda _recording, _seconds: None,
        meter: Meter | None = None,
    ) -> None:
        self.summary = Summary()
        self._meter = meter or Meter(ports, None, plan.worker_engine(ports.settings), 0.0)
        self._ports = ports
        self._on_progress = on_progress
        self._engines = Engines(load, ports.settings.gpu_memory_limit_gb, load_cpu)
        self._keeper = ThreadPoolExecutor(KEEPERS, thread_name_prefix="keeper")
        self._keeping: set[Future[None]] = set()
        self._lock = threading.Lock()
        self._intake = Intake(ports, subscriptions_of(ports.settings))
        self._engine_thread = threading.Thread(target=self._compute, name="engine", daemon=True)
        self._given_up = threading.Event()
        self._problem: Exception | None = None

    def engine(self, model: str) -> Transcriber:
        """The engine for some weights, loaded on first use. Raises ModelUnavailable."""
        return self._engines.get(model)

    def run(
        self, stop: threading.Event, *, idle_exit: float | None = None, warm: str | None = None
    ) -> Summary:
        """Work until `stop` is set, or until nothing was there for `idle_exit` seconds.

        After `stop` it ends within 8 seconds, whatever the engine does: see `stuck`.

        Args:
            stop: asks for the end.
            idle_exit: seconds; None to wait for work for ever.
            warm: weights to load while the first chunks are decoded.

        Raises:
            ModelUnavailable: `warm` cannot be loaded; nothing is lost.
            Transient: the worker broke down; nothing is lost.
        """
        settings = self._ports.settings
        together = plan.sizes(plan.worker_engine(settings), settings).together
        self._rounds = Rounds(
            self._intake.ready,
            self._engines,
            most=together if settings.batch_processing else 0.0,
            warm=warm,
            on_empty=self._recognised,
            on_error=self._failed,
        )
        self._intake.start()
        self._rounds.thread.start()
        self._engine_thread.start()
        try:
            while not stop.wait(0.05) and self._engine_thread.is_alive() and self._intake.problem is None:
                if idle_exit is not None and self._idle_seconds() > idle_exit:
                    break
        finally:
            self._end()
        problem = self._problem or self._rounds.problem or self._intake.problem
        if problem is not None:
            raise problem
        return self.summary

    @property
    def stuck(self) -> bool:
        """True where the engine or its loading still runs after `run`: only the end of the process ends it."""
        return self._engine_thread.is_alive()

    def _idle_seconds(self) -> float:
        """How long there was nothing to do; the time of loading does not count."""
        loaded = self._rounds.loaded
        return 0.0 if loaded is None else min(self._intake.idle_seconds, time.monotonic() - loaded)

    def _end(self) -> None:
        """Finish what can be finished, give back the rest."""
        began = time.monotonic()

        def left(until: float) -> float:
            return max(0.0, began + until - time.monotonic())

        self._intake.stop()
        self._rounds.stop()
        self._engine_thread.join(left(FINISH))
        with self._lock:
            self._given_up.set()
            keeping = set(self._keeping)
        wait(keeping, left(KEPT))
        self._keeper.shutdown(wait=False, cancel_futures=True)
        self.summary.given_back = self._intake.hand_back(left(ENDED))
        self._intake.join(left(ENDED))
        self.summary.peak = self._engines.peak()

    def _compute(self) -> None:
        """The engine's thread."""
        try:
            self._compute_all()
        except Exception as error:  # noqa: BLE001 - raised again in the thread that runs the worker
            self._problem = error

    def _compute_all(self) -> None:
        since = time.monotonic()
        while not self._given_up.is_set():
            batch = self._rounds.next()
            loaded = self._rounds.loaded
            if loaded is not None:
                self.summary.idle_seconds += time.monotonic() - max(since, loaded)
            if batch is None:
                return
            self._recognise(batch)
            since = time.monotonic()

    def _recognise(self, batch: Batch) -> None:
        """One batch, and after a failure its parts."""
        batch = batch.left()
        if not batch.items or self._given_up.is_set():
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
        started = time.perf_counter()
        try:
            heard = batch.recognise()
        finally:
            self._spent(batch, time.perf_counter() - started)
        if len(heard) != len(batch.items):
            raise RuntimeError(f"the engine answered {len(heard)} of {len(batch.items)} windows")
        return heard

    def _spent(self, batch: Batch, seconds: float) -> None:
        """Share the engine's time out over the chunks in a batch, by their audio."""
        self.summary.busy_seconds += seconds
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
        self._failed(batch.chunks(), limit, batch.engine)

    def _lost(self, batch: Batch, error: EngineLost) -> NoReturn:
        """End. A chunk that was alone with it may be the cause, and is counted as failed."""
        chunks = batch.chunks()
        if len(chunks) == 1:
            self._failed(chunks, error, batch.engine)
        raise Transient(
            f"The GPU does nothing more for this process ({error}). What it had in hand comes again, chunk by "
            "chunk, for the next worker. If that happens to every worker, look after the card and its driver."
        ) from error

    def _went_wrong(self, batch: Batch, error: Exception) -> None:
        chunks = batch.chunks()
        log.warning("the engine failed on %d windows of %d chunks: %r", len(batch.items), len(chunks), error)
        if len(chunks) == 1:
            self._failed(chunks, error, batch.engine)
            return
        for chunk in chunks:
            self._recognise(batch.of(chunk))

    def _heard(self, batch: Batch, heard: Sequence[tuple[Word, ...]]) -> None:
        if self._given_up.is_set():
            return  # its chunks were given back meanwhile
        self.summary.batches += 1
        self.summary.audio_seconds += batch.seconds
        self.summary.padded_seconds += batch.padded_seconds
        for (prepared, index), words, waveform in zip(batch.items, heard, batch.waveforms, strict=True):
            prepared.heard[index] = words
            self._on_progress(prepared.message.recording, len(waveform) / SAMPLE_RATE)
            if len(prepared.heard) == len(prepared.windows):
                self._recognised(prepared, batch.engine)

    def _recognised(self, prepared: Prepared, engine: Transcriber) -> None:
        prepared.over = True
        self._later(self._keep, prepared, engine)

    def _failed(
        self, chunks: Sequence[Prepared], error: Exception, engine: Transcriber | None = None
    ) -> None:
        for prepared in chunks:
            prepared.over = True
            self._later(self._fail, prepared, error, engine)

    def _fail(self, prepared: Prepared, error: Exception, engine: Transcriber | None) -> None:
        if engine is not None:
            try:
                row = results.row_of(prepared, engine.engine, self._ports, self._meter, "failed")
                ledger.write(row, self._ports)
            except DropscribeError as another:
                log.warning("the cost of an attempt that failed is not in the ledger: %s", another)
                self._meter.lost(prepared.busy_seconds)
            else:
                self._meter.kept(prepared.busy_seconds)
        self._intake.failed(prepared.delivery, prepared.message.recording, error)

    def _later(self, what: Callable[..., None], *arguments: object) -> None:
        """Let a keeper do something that waits for the world."""
        with self._lock:
            if self._given_up.is_set():
                return
            future = self._keeper.submit(what, *arguments)
            self._keeping.add(future)
        future.add_done_callback(self._done)

    def _done(self, future: Future[None]) -> None:
        with self._lock:
            self._keeping.discard(future)

    def _keep(self, prepared: Prepared, engine: Transcriber) -> None:
        try:
            results.keep(prepared, engine, self._ports, self._meter)
        except Exception as error:  # noqa: BLE001 - an unexpected error must not lose the chunk either
            self._meter.lost(prepared.busy_seconds)
            self._intake.failed(prepared.delivery, prepared.message.recording, error)
        else:
            self._meter.kept(prepared.busy_seconds)
            with self._lock:
                self.summary.chunks += 1
            self._intake.finished(prepared)
