"""Beside the steps: a chunk that may end the whole process of its worker, and leave no other trace.

An engine that runs into the memory's end, or crashes in native code, takes the worker along. Then all that was in
hand comes again, chunk by chunk, and each that comes a second time is noted in its claim before the engine begins
with it alone. One whose message comes once more, with no failure noted since, ended the worker: it goes to
the next engine and is not tried again. Its neighbours, which were only in hand, are.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from shared.errors import EngineLimit
from shared.state import claims, failure_log

if TYPE_CHECKING:
    from shared.messages import ChunkMessage
    from shared.ports import Delivery, Ports
    from shared.state.claims import Claim

MIN_DELIVERIES = 3
"""The delivery from which on it can be known: one among others, one alone."""


def begin(message: ChunkMessage, delivery: Delivery, ports: Ports) -> None:
    """Note that an engine now begins with a chunk alone.

    Raises:
        Transient: the write is not confirmed.
    """
    name = failure_log.delivery_name(delivery.message_id, delivery.attempt)

    def begun(stored: Claim) -> Claim | None:
        return None if stored.turn != message.turn else replace(stored, alone=name)

    claims.change(claims.first_of(message), begun, ports)


def ended_its_worker(message: ChunkMessage, delivery: Delivery, ports: Ports) -> EngineLimit | None:
    """What to say of a chunk that took its worker along on the delivery before this one; None if it did not.

    Raises:
        Transient: nobody knows yet.
    """
    if delivery.attempt < MIN_DELIVERIES:
        return None
    claim = claims.find(message, ports.records)
    before = failure_log.delivery_name(delivery.message_id, delivery.attempt - 1)
    if claim is None or claim.turn != message.turn or claim.alone != before:
        return None
    if failure_log.is_noted(before, ports.records):
        return None
    return EngineLimit(
        "Its worker ended twice without a word while it had this part of the recording in hand, the second time while "
        "it recognised nothing else. The worker's log or the system's tells why: most often there was not enough memory."
    )
