"""A chunk that its engine gives up goes to the next engine, or its recording fails.

    error                                     what becomes of the chunk
    BadMedia, BadRequest                      its recording fails: no engine can change that
    ModelUnavailable, EngineLimit,
    EngineRefused (key, credit, …)            it goes to the next engine at once
    other Transient ones (network, rate, …)   it is redelivered, and goes on when its message is dead-lettered
    anything else                             it is redelivered, run on its own, and goes on at the third failure

Only failures count, never deliveries: a message is redelivered for many reasons that say nothing about its chunk. One
whose deliveries run out without so many failures (three; of a service as many as it has deliveries) is published again
(`shared/recovery/dead_letter.py`).

The engines form a circle, in the order of `shared/engines.py`. A chunk goes round from the one that it was
planned for, past those that the deployment does not have or that the caller's options exclude. If none is left, an
engine of the other kind takes over a whole recording with speakers (`shared/recovery/takeover.py`). If there is none
either, the recording ends with the reason of each engine. A chunk is given up by the engine that worked on it: a worker
with a GPU also takes chunks that were planned for a CPU, and what fails on the GPU has not been tried on a CPU.

A hand-over raises the turn in the chunk's claim (`shared/state/claims.py`), publishes the message of that turn, and
notes both. If a process dies in between, the next delivery of the old message completes it (`shared/flow/chunk.py`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from shared.clock import is_ahead
from shared.costs import budget, prices_file
from shared.engines import is_hosted, spec
from shared.errors import (
    BadMedia,
    BadRequest,
    Damaged,
    DropscribeError,
    EngineLimit,
    EngineRefused,
    HandedOn,
    HandedOnUntried,
    ModelUnavailable,
    NoWorker,
    OverLimit,
    Transient,
)
from shared.flow import capacity, chunk, dispatch, record
from shared.model import Engine, Recording, Tried
from shared.recovery import owner_messages, takeover
from shared.routing import eligible, flags
from shared.state import claims, documents, failure_log
from shared.telemetry import log, measure

if TYPE_CHECKING:
    from collections.abc import Collection

    from shared.costs.limits import Admission
    from shared.messages import ChunkMessage
    from shared.ports import Ports
    from shared.state.claims import Claim
    from shared.state.failure_log import Failure

MOST_FAILURES = 3
"""Failures of an engine, unexpected or at the end of all deliveries, with which the chunk goes to the next one."""

Verdict = Literal["again", "next", "fail"]
"""What becomes of a chunk on which an engine failed."""


def failures(message: ChunkMessage, ports: Ports) -> list[Failure]:
    """The failures of the engine that has a chunk, since it got it or since the recording was tried again."""
    recording, claim = (
        documents.get_recording(ports.records, message.recording),
        claims.find(message, ports.records),
    )
    since = max(recording.created if recording else 0.0, claim.handed if claim else 0.0)
    if not is_ahead(since, ports.clock.now()):
        return failure_log.of_engine(message.recording, message.chunk.index, since, ports.records)
    # The clock was set back since, so the times do not tell whose turn it was.
    others = {one.engine for one in (claim.tried if claim else message.tried)}
    every = failure_log.of_engine(message.recording, message.chunk.index, 0.0, ports.records)
    return [one for one in every if one.where not in others]


def after_failure(error: Exception, failures: int) -> Verdict:
    """What becomes of a chunk on which an engine failed. Pure.

    `failures` is how often it failed unexpectedly, this time included.
    """
    if isinstance(error, BadMedia | BadRequest):
        return "fail"
    if isinstance(error, ModelUnavailable | EngineLimit | EngineRefused):
        return "next"
    if isinstance(error, Transient):
        return "again"
    # Any other Permanent error fails in the same way on every attempt.
    return "next" if isinstance(error, DropscribeError) or failures >= MOST_FAILURES else "again"


Outcome = Literal["handed", "unwanted", "no engine"]
"""`handed`: another engine has the chunk, or the whole recording. `unwanted`: nothing is left to do, see
`shared/flow/chunk.py`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Excluded:
    """Engines that a budget or a limit excluded."""

    engines: tuple[Engine, ...]
    why: str
    """Which budget or limit, and what to do."""


@dataclass(frozen=True, kw_only=True, slots=True)
class HandOver:
    """What became of a chunk that was to go to another engine."""

    outcome: Outcome
    excluded: Excluded | None = None
    """With `no engine`: those that would have been next."""

    @property
    def done(self) -> bool:
        """Nothing is left to do about the message."""
        return self.outcome != "no engine"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Next:
    """The engine that is next, whose cost is committed, or those that are excluded."""

    engine: Engine | None
    excluded: Excluded | None = None


def hand_over(
    message: ChunkMessage, error: Exception, ports: Ports, *, out: Collection[Engine] = ()
) -> HandOver:
    """Give a chunk to the next engine, or its recording to one that takes over all of it, unless another process did.

    Engines of `out` are not available now.

    Raises:
        Transient: the hand-over is not confirmed.
    """
    recording = chunk.recording_of(message, ports)
    if recording is None:
        return HandOver(outcome="unwanted")
    gave_up = Tried(engine=message.chunk.engine, error=type(error).__name__, reason=str(error))
    tried = (*_tried(message, ports), gave_up)
    no_use = {*out, *(one.engine for one in tried)}
    after = _next(message, recording, no_use, ports)
    if (engine := after.engine) is None:
        return _hand_over_whole(message, recording, tried, no_use, after.excluded, error, ports)
    _note(message, engine, error, ports)

    def handed(stored: Claim) -> Claim | None:
        if stored.turn != message.turn:
            return None
        turn = stored.turn + 1
        now = ports.clock.now()
        return replace(stored, engine=engine, turn=turn, tried=tried, published=False, handed=now)

    claim = claims.change(claims.first_of(message), handed, ports)
    if not claim.published:
        dispatch.publish_turn(recording, claim, ports)
    handed_over = replace(message.chunk, engine=claim.engine)
    capacity.start_for(recording.id, [handed_over], ports, ports.clock.now() - recording.created)
    return HandOver(outcome="handed")


def _hand_over_whole(
    message: ChunkMessage,
    recording: Recording,
    tried: tuple[Tried, ...],
    no_use: set[Engine],
    excluded: Excluded | None,
    error: Exception,
    ports: Ports,
) -> HandOver:
    """Give the recording of a chunk to an engine that takes over all of it; `excluded` could not take the chunk."""
    after = _next(message, recording, no_use, ports, whole=True)
    if (engine := after.engine) is None:
        return HandOver(outcome="no engine", excluded=after.excluded or excluded)
    try:
        chunks = takeover.chunks_for(engine, recording, ports.settings)
    except OverLimit as limit:
        return HandOver(outcome="no engine", excluded=Excluded(engines=(engine,), why=str(limit).rstrip(".")))
    _note(message, engine, error, ports)
    takeover.take_over(recording, chunks, tried, ports)
    return HandOver(outcome="handed")


def _next(
    message: ChunkMessage, recording: Recording, no_use: set[Engine], ports: Ports, *, whole: bool = False
) -> _Next:
    """Choose the next engine within the budgets that may take a chunk, or the whole, and commit its cost."""
    settings = flags.read(ports).applied(ports.settings)
    others = recording.fallback.whole if whole else recording.fallback.engines
    too_dear: dict[Engine, Admission] = {}
    while engine := eligible.next_engine(message.chunk.engine, {*no_use, *too_dear}, others, settings):
        if not is_hosted(engine):
            return _Next(engine=engine)
        admission = _commit(message, engine, ports, whole=whole)
        if admission.action != "hold":
            return _Next(engine=engine)
        too_dear[engine] = admission
    if not too_dear:
        return _Next(engine=None)
    first = next(iter(too_dear.values()))
    why = f"{first.short}. Raise {first.variable} and submit the recording again"
    return _Next(engine=None, excluded=Excluded(engines=tuple(too_dear), why=why))


def _commit(message: ChunkMessage, engine: Engine, ports: Ports, *, whole: bool) -> Admission:
    """Commit what an engine is expected to cost for a chunk, or for the whole, if the budgets have room for it."""
    part, length = message.chunk, message.audio.duration or 0.0
    end = length if part.end is None else min(part.end + part.tail, length or math.inf)
    seconds = length if whole and length else max(0.0, end - part.start + part.lead)
    usd = prices_file.table(ports.settings).expected(engine, seconds, ports.settings, message.options)
    purpose = f"{'whole' if whole else part.index}.{engine}"
    return budget.count_in(message.recording, purpose, usd, ports, life=message.life)


def give_up(message: ChunkMessage, error: DropscribeError, ports: Ports, *, by: Engine | None = None) -> None:
    """Give a chunk to the next engine; without one, end its recording with the reason of each engine.

    `by` is the engine that worked on it; None: the one that owns it.

    Raises:
        Damaged: what is stored of its recording cannot be read, so that it cannot end.
    """
    hopeless = isinstance(error, BadMedia | BadRequest)
    if isinstance(error, Damaged):
        record.fail(message.recording, error, ports)
        return
    if hopeless and chunk.recording_of(message, ports) is None:
        return  # another engine has the chunk or the whole, or it was tried again: that one will say what it finds
    if by is not None and not hopeless and by not in {one.engine for one in _tried(message, ports)}:
        message = replace(message, chunk=replace(message.chunk, engine=by))
    handed = HandOver(outcome="no engine") if hopeless else hand_over(message, error, ports)
    if not handed.done:
        end(message, error, ports, handed)


def hand_over_missing(
    recording: Recording, error: DropscribeError, ports: Ports, *, out: Collection[Engine] | None = None
) -> list[Outcome]:
    """Give the chunks of a recording that have no result to the next engines; returns what became of each.

    Engines of `out` are not available now: only their chunks are given away. None: all chunks are.
    """
    claimed = claims.of_recording(recording.id, ports.records)
    outcomes: list[Outcome] = []
    for message in dispatch.missing(recording, ports):
        claim = claimed.get(message.chunk.index)
        if claim is not None and not claim.published:
            # An earlier hand-over died before its message: that engine has not had its turn yet.
            dispatch.publish_turn(recording, claim, ports)
            outcomes.append("handed")
        elif out is None or message.chunk.engine in out:
            outcomes.append(hand_over(message, error, ports, out=out or ()).outcome)
    return outcomes


def end(message: ChunkMessage, error: DropscribeError, ports: Ports, handed: HandOver | None = None) -> None:
    """End the recording of a chunk that no other engine may take, with the reason of each engine.

    `handed` is the outcome of giving it to another engine; None if that was not tried.
    """
    recording = documents.get_recording(ports.records, message.recording)
    if recording is not None and not isinstance(error, BadMedia | BadRequest):
        settings = flags.read(ports).applied(ports.settings)
        tried = _tried(message, ports)
        excluded = handed.excluded if handed else None
        error = owner_messages.ending(
            message,
            error,
            tried,
            recording,
            settings,
            excluded=excluded.engines if excluded else (),
            why_excluded=excluded.why if excluded else "",
        )
    record.fail(message.recording, error, ports)


def _tried(message: ChunkMessage, ports: Ports) -> tuple[Tried, ...]:
    claim = claims.find(message, ports.records)
    return message.tried if claim is None else claim.tried


def _note(message: ChunkMessage, engine: Engine, error: Exception, ports: Ports) -> None:
    """Note a hand-over, once for each turn, however often it is repeated."""
    key = documents.chunk_key(message.recording, message.chunk.index)
    log.warning("chunk %s goes from %s to %s: %s", key, message.chunk.engine, engine, error)
    measure("handed_on_total", engine=message.chunk.engine, to=engine)
    noted = HandedOnUntried if isinstance(error, NoWorker) else HandedOn
    failure_log.note(
        noted(f"{spec(message.chunk.engine).in_sentences} gave it up: {error}"),
        ports,
        where=message.chunk.engine,
        message_id=f"{key}.turn",
        attempt=message.turn + 1,
        attributes=dispatch.attributes_of(message),
    )
