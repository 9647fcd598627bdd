"""Beside the steps: which engine owns a chunk after its first one gave it up, and the paid calls open for it.

Most chunks have no claim: they belong to the engine of the plan, at turn 0. Each hand-over adds one turn.
A process with a message of an earlier turn sees that here and leaves the chunk alone, so that two engines never
transcribe it by accident.

A call of a hosted engine is in the claim while it lasts, with the ledger row that is written if its end is
never known.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from shared.messages import from_fields
from shared.model import Engine, Tried
from shared.results import LedgerRow
from shared.state import documents, ledger
from shared.telemetry import log

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.messages import ChunkMessage
    from shared.ports import Ports, Records

CLAIMS = "claims"
"""Collection of the claims; they have the keys of their chunks."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """A call of an engine that charges, from before it is made until its end is known."""

    message: str
    """Id of the message that it is made for."""
    until: float
    """When it must have ended, in success or failure, seconds since 1970."""
    row: LedgerRow
    """The ledger row to write if its end is never known."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    """The document of a chunk that was handed on, has an open call, or was redelivered."""

    recording: str
    """Key of the recording."""
    index: int
    """Index of the chunk."""
    engine: Engine
    """The engine that owns it."""
    turn: int = 0
    """How often it was handed on; never decreases."""
    tried: tuple[Tried, ...] = ()
    """The engines that gave it up, in order."""
    published: bool = True
    """False from the hand-over until the message to the next engine is published."""
    calls: tuple[Call, ...] = ()
    """Calls whose end is not known."""
    alone: str = ""
    """The last delivery on which an engine worked on nothing else, see `shared/recovery/poison.py`."""

    @property
    def key(self) -> str:
        """Key of its document."""
        return documents.chunk_key(self.recording, self.index)


def find(message: ChunkMessage, records: Records) -> Claim | None:
    """The claim of a chunk; None if its first engine still owns it and nothing was noted.

    Raises:
        Transient: the records did not answer.
    """
    fields = records.get(CLAIMS, documents.chunk_key(message.recording, message.chunk.index))
    return None if fields is None else from_fields(fields, Claim)


def of_recording(key: str, records: Records) -> dict[int, Claim]:
    """The claims of a recording by the index of their chunks.

    Raises:
        Transient: the records did not answer.
    """
    found = (from_fields(fields, Claim) for _, fields in records.query(CLAIMS, {"recording": key}))
    return {one.index: one for one in found}


def change(first: Claim, how: Callable[[Claim], Claim | None], ports: Ports) -> Claim:
    """Change a claim in one transaction; `how` returns None to leave it as it is, and has no side effects.

    Args:
        first: the claim if there is no document yet.
        how: the change.
        ports: the adapters to use.

    Returns:
        The claim afterwards, whichever process wrote it.

    Raises:
        Transient: the write is not confirmed.
    """
    changed = documents.change(CLAIMS, first.key, Claim, how, ports.records, first=first)
    return first if changed is None else changed


def first_of(message: ChunkMessage) -> Claim:
    """The claim of a chunk that has no document, from its message."""
    return Claim(
        recording=message.recording,
        index=message.chunk.index,
        engine=message.chunk.engine,
        turn=message.turn,
        tried=message.tried,
    )


def open_call(message: ChunkMessage, call: Call, ports: Ports) -> bool:
    """Note a call before it is made. Open calls for the same message that never ended get their rows now.

    Returns:
        False if the call must not be made: another engine owns the chunk by now, or a call for another message
        about the chunk is under way.

    Raises:
        Transient: the write is not confirmed.
    """
    now = ports.clock.now()
    claim = find(message, ports.records)
    # One delivery of a message ends before the next begins: any call it left open was broken off.
    over = [one for one in claim.calls if one.message == call.message or one.until <= now] if claim else []
    for one in over:
        _write_lost(one, ports)

    def opened(stored: Claim) -> Claim | None:
        left = tuple(one for one in stored.calls if one not in over)
        return None if left or stored.turn > message.turn else replace(stored, calls=(call,))

    return call in change(first_of(message), opened, ports).calls


def close_call(message: ChunkMessage, call: Call, ports: Ports) -> None:
    """Note that a call has ended; whatever must be paid for it has its row already.

    Raises:
        Transient: the write is not confirmed.
    """

    def closed(stored: Claim) -> Claim | None:
        left = tuple(one for one in stored.calls if one != call)
        return None if left == stored.calls else replace(stored, calls=left)

    change(first_of(message), closed, ports)


def settle(message: ChunkMessage, message_id: str, ports: Ports) -> None:
    """Write the rows of the calls that a message left open, once no call will be made for it again.

    Args:
        message: the chunk.
        message_id: id of the message; empty: any message, because all calls have ended.
        ports: the adapters to use.

    Raises:
        Transient: they are not known to be written.
    """
    claim = find(message, ports.records)
    over = [one for one in claim.calls if message_id in {"", one.message}] if claim else []
    for one in over:
        _write_lost(one, ports)
        close_call(message, one, ports)


def _write_lost(call: Call, ports: Ports) -> None:
    # If its end became known, its row is there already, under the same key.
    if ledger.write(call.row, ports):
        log.warning("how call %s ended is unknown: it is counted as paid", call.row.attempt)
