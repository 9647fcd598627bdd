"""The last step of the pipeline, and the only one that decides what becomes of a chunk.

    recognised, diarized  ─▶ commit its result: ledger, object, document, message; then acknowledge
    failed                ─▶ note the failure; then redeliver it, hand it to the next engine, or fail its
                             recording (shared/recovery/fallback.py)
    nothing left to do    ─▶ acknowledge

Threads here wait for the store and the records, so that the engine need not. The message is acknowledged last: if the
process dies before that, it is redelivered, and every step before it may be repeated.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from gpu_job.pipeline.chunk_job import ChunkJob, Diarized, engine_of
from gpu_job.pipeline.chunk_result import chunk_result, ledger_row
from gpu_job.pipeline.inflight import CALL, Inflight
from shared import concurrency
from shared.errors import BadRequest, Damaged, DropscribeError, NewerVersion
from shared.flow import chunk
from shared.messages import ChunkMessage, decode
from shared.planning import plan
from shared.recovery import fallback, owner_messages, poison
from shared.state import dead_letters, failure_log, ledger
from shared.state.patience import patiently
from shared.telemetry import about_message, log, span, spans

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from gpu_job.pipeline.diarization import Diarization
    from gpu_job.pipeline.summary import Summary
    from gpu_job.speech.transcriber import Transcriber
    from shared.costs.executions import Meter
    from shared.ports import Delivery, Ports
    from shared.results import LedgerRow

COMMITTED_AT_A_TIME = 4
"""Results that are written at one time: each waits for the store and the records."""

PATIENCE = 540.0
"""Seconds after which the last try to write a result, or what becomes of a failure, begins, while that is refused."""


class Committer:
    """Makes results and failures durable, then lets the queue know. Safe to use from several threads."""

    def __init__(
        self, ports: Ports, inflight: Inflight, meter: Meter, summary: Summary, diarization: Diarization
    ) -> None:
        self._ports = ports
        self._inflight = inflight
        self._meter = meter
        self._summary = summary
        self._diarization = diarization
        self._pool = concurrency.ThreadPoolExecutor(COMMITTED_AT_A_TIME, thread_name_prefix="committer")
        self._under_way: dict[concurrency.Future[None], str] = {}
        self._alone: dict[str, LedgerRow] = {}
        self._lock = concurrency.Lock()
        self._closed = concurrency.Event()

    @property
    def closed(self) -> bool:
        """True once nothing more is committed: what is in flight is given back."""
        return self._closed.is_set()

    def close(self) -> None:
        """Take nothing more."""
        with self._lock:
            self._closed.set()

    def finish(self, timeout: float) -> None:
        """Wait for what is under way, and drop what has not begun; after `close`."""
        with self._lock:
            under_way = list(self._under_way)
        concurrency.wait(under_way, timeout)
        self._pool.shutdown(wait=False, cancel_futures=True)

    @property
    def unfinished(self) -> frozenset[str]:
        """Ids of the messages whose chunks are being committed; some of it may have been written."""
        with self._lock:
            return frozenset(self._under_way.values())

    def wants(self, delivery: Delivery, message: ChunkMessage, share: float) -> bool:
        """Claim a chunk that was just pulled; False if nothing is left to do about its message.

        Raises:
            Transient: it is not known yet; see `decoding_failed`.
        """
        match self._inflight.claim(delivery, message, share):
            case "redelivery":
                return False
            case "copy":
                # The first message stays in the queue until the result is durable.
                self._inflight.ack(delivery)
                return False
            case "later turn":
                self._inflight.postpone(delivery)
                return False
        if not chunk.is_wanted(message, self._ports) or chunk.is_stored(message, self._ports):
            self._inflight.ack(delivery)
            return False
        return True

    def still_wants(self, job: ChunkJob) -> bool:
        """Whether a job that waited for its engine is still wanted; True if unknown. If not, its message is acknowledged."""
        try:
            wanted = chunk.is_wanted(job.message, self._ports)
        except DropscribeError as error:
            log.warning("whether a chunk is still wanted is not known: %s", error)
            return True
        if not wanted:
            job.settled = True
            self._inflight.ack(job.delivery)
        return wanted

    def decoding_failed(self, delivery: Delivery, error: Exception) -> None:
        """Decide what becomes of a message that gave no job, in the caller's thread, which waits for nothing."""
        self._fail(delivery, error, concurrency.monotonic())

    def isolated_begins(self, job: ChunkJob, engine: Transcriber) -> None:
        """Write the row of a chunk that runs alone before the engine begins, in case it takes the worker along."""
        if job.row is not None or job.is_copy:
            return
        # A row that could not be ended when its chunk failed must not count as a death.
        self.release(self.unfinished)
        try:
            row = ledger_row(job, engine.engine, self._ports, self._meter, "open")
            job.row = poison.begin(row, self._ports)
        except DropscribeError as error:
            log.warning("if the worker ends now, the chunk that it was at is not recorded: %s", error)
            return
        if job.row is None:
            job.is_copy = True
            return
        job.attempt = job.row.attempt
        with self._lock:
            self._alone[job.delivery.message_id] = job.row

    def release(self, counted: Collection[str]) -> None:
        """End the rows of chunks that are not at work here any more: that these are open says nothing about them.

        `counted` has the ids of messages of which it may say something, or whose row is being written.
        """
        with self._lock:
            left = {one: row for one, row in self._alone.items() if one not in counted}
        for message_id, row in left.items():
            try:
                ledger.write(replace(row, outcome="lost", until=0.0), self._ports)
            except DropscribeError as error:
                log.warning("the row of an attempt at %s stays open: %s", row.recording, error)
            else:
                with self._lock:
                    self._alone.pop(message_id, None)

    def recognised(self, job: ChunkJob, engine: Transcriber) -> None:
        """Commit the result of a chunk whose windows are all recognised, once it is known who speaks in it."""
        job.settled = True
        self._diarization.begin(job)  # where no window was recognised, it has not begun yet
        if job.diarized is None:
            self._later(self._commit, job, engine)
        else:
            job.diarized.add_done_callback(lambda future: self._diarized(job, engine, future))

    def _diarized(self, job: ChunkJob, engine: Transcriber, future: concurrency.Future[Diarized]) -> None:
        if future.cancelled():
            return  # the worker ends, and its chunks are given back
        if (error := future.exception()) is None:
            self._later(self._commit, job, engine)
        elif isinstance(error, Exception):
            self._later(self._fail_job, job, error, engine)

    def failed(self, jobs: Sequence[ChunkJob], error: Exception, engine: Transcriber | None = None) -> None:
        """Decide what becomes of chunks that failed, and record what that cost if an engine worked on them."""
        for job in jobs:
            job.settled = True
            if job.diarized is not None:
                job.diarized.cancel()
            self._later(self._fail_job, job, error, engine)

    def _later(self, what: Callable[..., None], job: ChunkJob, *more: object) -> None:
        with self._lock:
            if self._closed.is_set():
                return
            future = self._pool.submit(self._watched, what, job, *more)
            self._under_way[future] = job.delivery.message_id
        future.add_done_callback(self._done)

    def _watched(self, what: Callable[..., None], job: ChunkJob, *more: object) -> None:
        with about_message(job.delivery.attributes):
            spans.past("recognise", job.busy_seconds, windows=len(job.windows))
            with span("commit"):
                what(job, *more)

    def _done(self, future: concurrency.Future[None]) -> None:
        with self._lock:
            if not future.cancelled():
                del self._under_way[future]

    def _commit(self, job: ChunkJob, engine: Transcriber) -> None:
        until = concurrency.monotonic() + PATIENCE
        try:
            row = ledger_row(job, engine.engine, self._ports, self._meter, "heard")
            result, source = chunk_result(job, engine), job.message.source
            self._store(job, lambda: chunk.commit_result(result, row, self._ports, source=source), until)
        except Exception as error:  # noqa: BLE001 - an unexpected error must not lose the chunk either
            self._meter.lost(job.busy_seconds)
            self._fail(job.delivery, error, until)
        else:
            self._meter.kept(job.busy_seconds)
            with self._lock:
                self._summary.chunks += 1
                self._alone.pop(job.delivery.message_id, None)
            self._inflight.ack(job.delivery)

    def _store(self, job: ChunkJob, work: Callable[[], object], until: float) -> None:
        """Store what an engine has done, again and again while that is refused; its chunk stays in flight meanwhile."""

        def watched() -> None:
            with self._inflight.watchdog.within(CALL, f"committing {job}", [job.delivery.message_id]):
                work()

        patiently(watched, until, self._closed)

    def _fail_job(self, job: ChunkJob, error: Exception, engine: Transcriber | None) -> None:
        until = concurrency.monotonic() + PATIENCE
        if engine is not None:
            row = ledger_row(job, engine.engine, self._ports, self._meter, "failed")
            try:
                self._store(job, lambda: ledger.write(row, self._ports), until)
            except DropscribeError as another:
                log.warning("the cost of a failed attempt is not in the ledger: %s", another)
                self._meter.lost(job.busy_seconds)
            else:
                self._meter.kept(job.busy_seconds)
                with self._lock:
                    self._alone.pop(job.delivery.message_id, None)
        self._fail(job.delivery, error, until)

    def _fail(self, delivery: Delivery, error: Exception, until: float) -> None:
        """Decide what becomes of a message, again and again while that cannot be stored; it is not left in flight."""
        key, message_id = delivery.attributes.get("recording", "?"), delivery.message_id
        what = f"noting that a chunk of {key} failed"
        watched = partial(self._inflight.watchdog.within, CALL, what, [message_id])

        def decide() -> None:
            with watched():
                try:
                    self._after_failure(delivery, error)
                except BadRequest as unreadable:  # the message, or what is stored of its recording
                    self._keep(delivery, unreadable)
                except NewerVersion as newer:  # which this process does not get to know by waiting
                    self._inflight.nack(delivery, str(newer))

        try:
            with watched():
                failure_log.note(
                    error,
                    self._ports,
                    where=plan.worker_engine(self._ports.settings),
                    message_id=message_id,
                    attempt=delivery.attempt,
                    attributes=delivery.attributes,
                )
            patiently(decide, until, self._closed)
        except Exception as another:  # noqa: BLE001 - whatever it is, the message is redelivered
            log.warning("cannot record that %s failed: %s", key, another, exc_info=_unexpected(another))
            self._inflight.nack(delivery, str(another))

    def _after_failure(self, delivery: Delivery, error: Exception) -> None:
        """Redeliver it, hand it to another engine, or end its recording: see `shared/recovery/fallback.py`."""
        message = decode(delivery.data, ChunkMessage)
        try:
            given_up = self._give_up(message, error)
        except Damaged as damaged:
            given_up = self._give_up(message, damaged)
        if given_up:
            self._inflight.ack(delivery)
        else:
            log.warning("chunk of %s failed, delivery %d: %s", message.recording, delivery.attempt, error)
            self._inflight.nack(delivery, f"{type(error).__name__}: {error}")

    def _give_up(self, message: ChunkMessage, error: Exception) -> bool:
        """Give a chunk up, unless it is to be tried again; whether it is given up."""
        failures = 1
        if _unexpected(error):
            noted = fallback.failures(message, self._ports)
            failures = max(1, sum(one.error == failure_log.UNEXPECTED for one in noted))
        if fallback.after_failure(error, failures) == "again":
            return False
        did = engine_of(message, self._ports.settings)
        fallback.give_up(message, owner_messages.broken(error, failures), self._ports, by=did)
        return True

    def _keep(self, delivery: Delivery, error: BadRequest) -> None:
        """Keep a message that cannot succeed as a dead letter: it would be no better the next time."""
        log.error("kept a message that cannot succeed as a dead letter: %s", error)
        message = dead_letters.pushed(delivery.message_id, delivery.data, delivery.attributes)
        where = self._inflight.subscription(delivery)
        dead_letters.keep(message, self._ports, str(error), where=where)
        self._inflight.ack(delivery)


def _unexpected(error: Exception) -> bool:
    """Whether an error is a mistake of ours, whose traceback is worth a look."""
    return not isinstance(error, DropscribeError)
