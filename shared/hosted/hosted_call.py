"""One call of a hosted engine for a chunk, with its row in the ledger: written before the call, ended after it.

A call costs money whatever becomes of its answer, so none is made while another one may be under way. The open row
says until when its process may be at work. If that process is known to be gone, the next one does not wait so long.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from shared import concurrency
from shared.costs.attempt_rows import Outcome, hosted_row
from shared.costs.prices import SENT_BYTES_A_SECOND
from shared.engines import HostedSpec, spec
from shared.errors import ConfigurationError, DropscribeError, EngineFailed, EngineRefused, UnderWay
from shared.flow import chunk
from shared.hosted.hosted_result import NOTHING, Stretch
from shared.messages import ChunkMessage
from shared.ports import HostedJob, Ports
from shared.results import Heard, LedgerRow
from shared.state import documents, ledger
from shared.state.patience import patiently

if TYPE_CHECKING:
    from collections.abc import Callable


T = TypeVar("T")

PATIENCE, KEEPING = 540.0, 60.0
"""Seconds that one delivery may take to get an answer, and to begin for the last time to store it; and then to end that:
Pub/Sub waits ten minutes for a push."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What an engine answered."""

    heard: Heard
    """The words."""
    busy: float
    """Duration of the call, seconds."""
    attempt: str
    """Name of the attempt."""
    sent: float = 0.0
    """Bytes that the engine was sent, or read from an address."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """Calls the engine for one delivery of a chunk."""

    message: ChunkMessage
    """The chunk."""
    ports: Ports
    """The adapters to use."""
    give_up_at: float
    """When the delivery must have its answer, on the monotonic clock."""
    stop: concurrency.Event | None = None
    """Set when this process is to end; None: it is never set."""

    def store(self, work: Callable[[], T]) -> T:
        """Store what came of the call, again and again while that is refused: nothing of it is to be paid twice.

        Raises:
            Transient: it is refused for too long.
        """
        return patiently(work, self.give_up_at, self.stop)

    @property
    def kept_until(self) -> float:
        """When all of it is stored, or given up, seconds since 1970."""
        return self.ports.clock.now() + self.give_up_at - concurrency.monotonic() + KEEPING

    def make(self, seconds: float, *, url: str | None = None, samples: bytes = b"") -> Answer:
        """The answer. Its row is written before the call; it is ended here, or with the result.

        Args:
            seconds: of audio.
            url: address where the engine can read the audio itself; None: it is in `samples`.
            samples: 16 kHz mono, 16-bit little-endian.

        Raises:
            NotWanted: the chunk has its result.
            UnderWay: another delivery is at work on the chunk.
            EngineRefused: there is no key for the engine; or as `shared.ports.HostedEngine` says.
            EngineFailed: see `shared.ports.HostedEngine`.
        """
        message, ports = self.message, self.ports
        service, engine = service_of(message), ports.hosted.get(message.chunk.engine)
        if engine is None:
            raise EngineRefused(
                "key", f"{service.key_variable} is not set in this engine's function: set it to an API key."
            )
        job = HostedJob(
            tag=documents.chunk_key(message.recording, message.chunk.index),
            # In a hybrid the message names the weights of the other engine.
            model=weights_of(message),
            options=message.options,
            seconds=seconds,
            patience=self.give_up_at - concurrency.monotonic(),
            url=url,
            samples=samples,
            # Other parts of a recording that was planned with other weights are written in their style.
            plain=message.model != weights_of(message),
        )
        expected = float(message.source.size) if url is not None else seconds * SENT_BYTES_A_SECOND
        row = self._begin(seconds, expected)
        began = concurrency.perf_counter()
        try:
            heard = engine.transcribe(job)
        except Exception as error:
            busy = concurrency.perf_counter() - began
            ended = self._ended(row, error, seconds, busy, expected)
            self.store(lambda: ledger.write(ended, ports))
            raise
        sent = expected if heard.sent_bytes is None else float(heard.sent_bytes)
        return Answer(heard=heard, busy=concurrency.perf_counter() - began, attempt=row.attempt, sent=sent)

    def _begin(self, seconds: float, sent: float) -> LedgerRow:
        message, ports = self.message, self.ports
        if chunk.is_stored(message, ports):
            raise NotWanted
        before = ledger.numbered(message.recording, message.chunk.index, message.chunk.engine, ports)
        now = ports.clock.now()
        for one in before:
            if not ledger.is_under_way(one, now):
                continue
            # A row of this process that this delivery did not write is of one that has ended: only one is at work.
            if not (ports.process and one.process == ports.process) and not ports.is_gone(one.process):
                raise UnderWay(
                    f"Another delivery of chunk {message.chunk.index} of {message.recording} is at work."
                )
            # Its reply was lost, or only that process died, not the one that keeps it running and would have noted it.
            ledger.give_up(ledger.key_of(one), ports)
        # What one of them heard may have been kept since this delivery began.
        if before and not chunk.is_wanted(message, ports):
            raise NotWanted
        chunk.check_place(message, ports, f"{message.chunk.engine}-{len(before) + 1}")
        expected = self._row(replace(NOTHING, seconds=seconds), seconds, 0.0, sent)
        row = ledger.begin(expected, len(before) + 1, self.kept_until, ports)
        if row is None:
            raise UnderWay(
                f"Another delivery of chunk {message.chunk.index} of {message.recording} has begun."
            )
        return row

    def _ended(self, row: LedgerRow, error: Exception, seconds: float, busy: float, sent: float) -> LedgerRow:
        """The row of a call without an answer: lost if it may be charged for, else failed and free."""
        if isinstance(error, EngineFailed):
            billed, request_id = error.billed_seconds, error.request_id
        else:
            # Of an unforeseen error it is not known either.
            billed, request_id = (None if isinstance(error, DropscribeError) else seconds), ""
        heard = replace(NOTHING, seconds=billed or 0.0, request_id=request_id)
        outcome: Outcome = "failed" if billed is None else "lost"
        ended = self._row(heard, seconds, busy, 0.0 if billed is None else sent)
        return replace(ended, attempt=row.attempt, outcome=outcome)

    def _row(self, heard: Heard, seconds: float, busy: float, sent: float) -> LedgerRow:
        stretch = Stretch(start=0.0, owned=0.0, decoded=seconds)
        answer = Answer(heard=heard, busy=busy, attempt="", sent=sent)
        return row_of(self.message, self.ports, stretch, answer)


def row_of(message: ChunkMessage, ports: Ports, stretch: Stretch, answer: Answer) -> LedgerRow:
    """The row of a call that was answered."""
    return hosted_row(
        message,
        ports.settings,
        answer.heard,
        attempt=answer.attempt,
        busy=answer.busy,
        decoded=stretch.decoded,
        owned=stretch.owned,
        sent=answer.sent,
    )


class NotWanted(Exception):  # noqa: N818 - no error: there is nothing to do
    """Nothing is left to do about the chunk."""


def service_of(message: ChunkMessage) -> HostedSpec:
    """The hosted engine of a chunk.

    Raises:
        ConfigurationError: its engine is not hosted, so the subscription pushes to the wrong function.
    """
    hosted = spec(message.chunk.engine).hosted
    if hosted is None:
        raise ConfigurationError(
            f"{message.chunk.engine} is not hosted: its subscription must be a pull subscription"
        )
    return hosted


def weights_of(message: ChunkMessage) -> str:
    """The weights that its hosted engine uses for a chunk."""
    return message.hosted_model or service_of(message).weights
