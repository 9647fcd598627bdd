"""The last part of the pipeline: threads that wait for the store and the records, so that the engine need not."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING

from gpu_job.pipeline import results
from shared.errors import DropscribeError
from shared.recovery import poison
from shared.state import ledger
from shared.telemetry import log

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gpu_job.pipeline.chunk_job import Prepared
    from gpu_job.pipeline.consumer import Intake
    from gpu_job.pipeline.summary import Summary
    from gpu_job.speech.transcriber import Transcriber
    from shared.costs.executions import Meter
    from shared.ports import Ports

KEEPERS = 4
"""Results that are written at one time: each waits for the store and the records."""


class Keepers:
    """Makes results and failures durable, then lets the queue know.

    Args:
        ports: the adapters to use.
        intake: tells the queue.
        meter: told of the engine's time that has its rows, or will have none.
        summary: counts the chunks that are kept.
    """

    def __init__(self, ports: Ports, intake: Intake, meter: Meter, summary: Summary) -> None:
        self._ports = ports
        self._intake = intake
        self._meter = meter
        self._summary = summary
        self._pool = ThreadPoolExecutor(KEEPERS, thread_name_prefix="keeper")
        self._under_way: dict[Future[None], str] = {}
        self._lock = threading.Lock()
        self._closed = threading.Event()

    @property
    def closed(self) -> bool:
        """True where nothing is kept any more: what is in hand is given back."""
        return self._closed.is_set()

    def close(self) -> None:
        """Take nothing more."""
        with self._lock:
            self._closed.set()

    def finish(self, timeout: float) -> None:
        """Wait for what is under way, and drop what was not begun; after `close`."""
        with self._lock:
            under_way = list(self._under_way)
        wait(under_way, timeout)
        self._pool.shutdown(wait=False, cancel_futures=True)

    @property
    def unfinished(self) -> frozenset[str]:
        """Ids of the messages whose chunks are not kept or recorded yet; some of it may have been written."""
        with self._lock:
            return frozenset(self._under_way.values())

    def begins_alone(self, prepared: Prepared) -> None:
        """Note that the engine now begins with a chunk that was tried before, in case it takes the worker along."""
        try:
            poison.begin(prepared.message, prepared.delivery, self._ports)
        except DropscribeError as error:
            log.warning("should the worker end now, nobody will know at which chunk: %s", error)

    def recognised(self, prepared: Prepared, engine: Transcriber) -> None:
        """Keep the result of a chunk whose windows are all recognised."""
        prepared.over = True
        self._later(self._keep, prepared, engine)

    def failed(self, chunks: Sequence[Prepared], error: Exception, engine: Transcriber | None = None) -> None:
        """Record that these chunks failed, and what that cost where an engine worked on them."""
        for prepared in chunks:
            prepared.over = True
            self._later(self._fail, prepared, error, engine)

    def _later(self, what: Callable[..., None], prepared: Prepared, *more: object) -> None:
        with self._lock:
            if self._closed.is_set():
                return
            future = self._pool.submit(what, prepared, *more)
            self._under_way[future] = prepared.delivery.message_id
        future.add_done_callback(self._done)

    def _done(self, future: Future[None]) -> None:
        with self._lock:
            if not future.cancelled():
                del self._under_way[future]

    def _keep(self, prepared: Prepared, engine: Transcriber) -> None:
        try:
            results.keep(prepared, engine, self._ports, self._meter)
        except Exception as error:  # noqa: BLE001 - an unexpected error must not lose the chunk either
            self._meter.lost(prepared.busy_seconds)
            self._intake.failed(prepared.delivery, prepared.message.recording, error)
        else:
            self._meter.kept(prepared.busy_seconds)
            with self._lock:
                self._summary.chunks += 1
            self._intake.finished(prepared)

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
