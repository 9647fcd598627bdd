"""Which engine owns a chunk after its first one gave it up.

Most chunks have no claim: they belong to the engine of the plan, at turn 0. Each hand-over adds one turn.
A process with a message of an earlier turn sees that here and leaves the chunk alone, so that two engines never
transcribe it by accident.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.errors import Damaged
from shared.model import Engine, Tried
from shared.state import documents
from shared.telemetry import log

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.messages import ChunkMessage
    from shared.ports import Ports, Records

CLAIMS = "claims"
"""Collection of the claims; they have the keys of their chunks."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    """The document of a chunk that was handed over."""

    recording: str
    """Key of the recording."""
    index: int
    """Index of the chunk."""
    engine: Engine
    """The engine that owns it."""
    turn: int = 0
    """How often it was handed over; never decreases."""
    tried: tuple[Tried, ...] = ()
    """The engines that gave it up, in order."""
    published: bool = True
    """False from the hand-over until the message to the next engine is published."""
    handed: float = 0.0
    """When it was handed over last, seconds since 1970."""

    @property
    def key(self) -> str:
        """Key of its document."""
        return documents.chunk_key(self.recording, self.index)


def find(message: ChunkMessage, records: Records) -> Claim | None:
    """The claim of a chunk; None if its first engine still owns it and nothing was noted.

    Raises:
        Damaged: it cannot be read.
    """
    key = documents.chunk_key(message.recording, message.chunk.index)
    return documents.find(CLAIMS, key, Claim, records)


def of_recording(key: str, records: Records) -> dict[int, Claim]:
    """The claims of a recording by the index of their chunks.

    Raises:
        Damaged: one cannot be read.
    """
    found = records.query(CLAIMS, {"recording": key})
    claims = (documents.read(CLAIMS, one, fields, Claim) for one, fields in found)
    return {claim.index: claim for claim in claims}


def change(first: Claim, how: Callable[[Claim], Claim | None], ports: Ports) -> Claim:
    """Change a claim in one transaction; `how` returns None to leave it as it is, and has no side effects.

    `first` is the claim if there is no document yet.

    Returns:
        The claim afterwards, whichever process wrote it.
    """
    changed = documents.change(CLAIMS, first.key, Claim, how, ports.records, first=first)
    return first if changed is None else changed


def renew(recording: str, how: Callable[[Claim], Claim | None], ports: Ports) -> None:
    """Change all claims of a recording that is to be tried again; those that cannot be read are deleted."""
    for key, fields in list(ports.records.query(CLAIMS, {"recording": recording})):
        try:
            change(documents.read(CLAIMS, key, fields, Claim), how, ports)
        except Damaged as error:
            log.warning("it is deleted, because its recording is tried again: %s", error)
            ports.records.delete(CLAIMS, key)


def first_of(message: ChunkMessage) -> Claim:
    """The claim of a chunk that has no document, from its message."""
    return Claim(
        recording=message.recording,
        index=message.chunk.index,
        engine=message.chunk.engine,
        turn=message.turn,
        tried=message.tried,
    )
