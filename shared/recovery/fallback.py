"""Beside the steps: a chunk that its engine gives up goes to the next engine, or its recording fails.

    error                                     what becomes of the chunk
    BadMedia, BadRequest                      its recording fails: no engine can change that
    ModelUnavailable, EngineLimit,
    EngineRefused (key, credit, …)            it goes to the next engine at once
    other Transient ones (network, rate, …)   it comes again, and goes on when its message is given up
    anything else                             it comes again, alone, and goes on at the third failure

The engines stand in a circle: Parakeet on a GPU, Parakeet on a CPU, Deepgram. A chunk goes round from the one
that it was planned for, past those that the deployment has not or that its caller's wish leaves out. One that
nobody takes ends its recording, with what each engine said.

A hand-over raises the turn in the chunk's claim (claims.py), publishes the message of that turn, and notes
both. Whoever dies on the way is made good by the next delivery of the old message (chunk.py).
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from shared.costs import budget, prices_file
from shared.errors import (
    BadMedia,
    BadRequest,
    DropscribeError,
    EngineLimit,
    EngineRefused,
    HandedOn,
    HandedOnUntried,
    ModelUnavailable,
    NoWorker,
    Transient,
)
from shared.flow import capacity, chunk, dispatch, record
from shared.flow.attribution import NAMES
from shared.model import Engine, Tried
from shared.recovery import owner_messages
from shared.routing import eligible, flags
from shared.state import claims, documents, failure_log
from shared.telemetry import log

if TYPE_CHECKING:
    from collections.abc import Collection

    from shared.messages import ChunkMessage
    from shared.model import Recording
    from shared.ports import Ports
    from shared.state.claims import Claim

MOST_FAILURES = 3
"""Deliveries on which an engine may break before the chunk goes to the next one."""

Verdict = Literal["again", "next", "fail"]
"""What becomes of a chunk on which an engine failed."""


def judge(error: Exception, attempt: int) -> Verdict:
    """What becomes of a chunk on which an engine failed. Pure.

    Args:
        error: what it raised.
        attempt: which delivery of the message it was, from 1.
    """
    if isinstance(error, BadMedia | BadRequest):
        return "fail"
    if isinstance(error, ModelUnavailable | EngineLimit | EngineRefused):
        return "next"
    if isinstance(error, Transient):
        return "again"
    # What is Permanent by any other name fails in the same way however often it is tried.
    return "next" if isinstance(error, DropscribeError) or attempt >= MOST_FAILURES else "again"


def hand_on(message: ChunkMessage, error: Exception, ports: Ports, *, out: Collection[Engine] = ()) -> bool:
    """Give a chunk to the next engine, see `pass_on`; False where there is no other engine."""
    return pass_on(message, error, ports, out=out) is None


def pass_on(
    message: ChunkMessage, error: Exception, ports: Ports, *, out: Collection[Engine] = ()
) -> str | None:
    """Give a chunk to the next engine, unless somebody did.

    Args:
        message: the chunk.
        error: why.
        ports: the world.
        out: engines that are no use now.

    Returns:
        None: nothing is left to do about this message. Else there is no other engine: which budget has no room for
        Deepgram, or nothing.

    Raises:
        Transient: nobody knows yet whether it was given.
    """
    claims.settle(message, "", ports)
    recording = documents.get_recording(ports.records, message.recording)
    if recording is None or not chunk.is_wanted(message, ports):
        return None
    settings = flags.read(ports).applied(ports.settings)
    gave_up = Tried(engine=message.chunk.engine, error=type(error).__name__, reason=str(error))
    tried = (*_tried(message, ports), gave_up)
    no_use = {*out, *(one.engine for one in tried)}
    engine = eligible.next_engine(message.chunk.engine, no_use, recording.fallback, settings)
    no_money = _unpaid(message, ports) if engine == "deepgram" else ""
    if no_money:
        engine = eligible.next_engine(
            message.chunk.engine, {*no_use, "deepgram"}, recording.fallback, settings
        )
    if engine is None:
        return no_money
    _note(message, engine, error, ports)

    def handed(stored: Claim) -> Claim | None:
        if stored.turn != message.turn:
            return None
        turn = stored.turn + 1
        return replace(stored, engine=engine, turn=turn, tried=tried, published=False, calls=(), alone="")

    claim = claims.change(claims.first_of(message), handed, ports)
    if not claim.published:
        dispatch.publish_turn(recording, claim, ports)
    handed_on = replace(message.chunk, engine=claim.engine)
    capacity.start_for([handed_on], ports, ports.clock.now() - recording.created)
    return None


def _unpaid(message: ChunkMessage, ports: Ports) -> str:
    """Which hard budget has no room for Deepgram to take a chunk over; empty, and counted in, where all have."""
    part, whole = message.chunk, message.audio.duration or 0.0
    end = whole if part.end is None else min(part.end + part.tail, whole or math.inf)
    seconds = max(0.0, end - part.start + part.lead)
    usd = prices_file.table(ports.settings).deepgram(seconds, message.options)
    admission = budget.count_in(message.recording, usd, ports)
    if admission.action != "hold":
        return ""
    return f"{admission.short}. Raise {admission.variable} and submit the recording again"


def give_up(message: ChunkMessage, error: DropscribeError, ports: Ports) -> None:
    """Give a chunk to the next engine; without one, end its recording with what each engine said.

    Raises:
        Transient: do it again.
    """
    hopeless = isinstance(error, BadMedia | BadRequest)
    no_money = "" if hopeless else pass_on(message, error, ports)
    if no_money is not None:
        end(message, error, ports, no_money)


def hand_on_missing(
    recording: Recording, error: DropscribeError, ports: Ports, *, out: Collection[Engine] | None = None
) -> int:
    """Give the chunks of a recording that have no result to the next engines; gives how many were.

    Args:
        recording: PLANNED.
        error: why.
        ports: the world.
        out: engines that are no use now: the chunks of others stay with them. None: none is of use to its chunks.

    Raises:
        Transient: do it again.
    """
    return sum(
        hand_on(message, error, ports, out=out or ())
        for message in dispatch.missing(recording, ports)
        if out is None or message.chunk.engine in out
    )


def end(message: ChunkMessage, error: DropscribeError, ports: Ports, no_money: str = "") -> None:
    """End the recording of a chunk that no other engine may take, with what each engine said.

    Args:
        message: the chunk.
        error: what its engine said.
        ports: the world.
        no_money: which budget has no room for Deepgram.

    Raises:
        Transient: do it again.
    """
    recording = documents.get_recording(ports.records, message.recording)
    if recording is not None and not isinstance(error, BadMedia | BadRequest):
        settings = flags.read(ports).applied(ports.settings)
        tried = _tried(message, ports)
        error = owner_messages.ending(message, error, tried, recording, settings, no_money)
    record.fail(message.recording, error, ports)


def _tried(message: ChunkMessage, ports: Ports) -> tuple[Tried, ...]:
    claim = claims.find(message, ports.records)
    return message.tried if claim is None else claim.tried


def _note(message: ChunkMessage, engine: Engine, error: Exception, ports: Ports) -> None:
    """Note a hand-over, once for each turn however often it is repeated."""
    key = documents.chunk_key(message.recording, message.chunk.index)
    log.warning("chunk %s goes from %s to %s: %s", key, message.chunk.engine, engine, error)
    noted = HandedOnUntried if isinstance(error, NoWorker) else HandedOn
    failure_log.note(
        noted(f"{NAMES[message.chunk.engine]} gave it up: {error}"),
        ports,
        where=message.chunk.engine,
        message_id=f"{key}.turn",
        attempt=message.turn + 1,
        attributes=dispatch.attributes_of(message),
    )
