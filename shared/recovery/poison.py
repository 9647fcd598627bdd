"""Beside the steps: a chunk that may kill its worker's process without any other trace.

An engine that runs out of memory, or crashes in native code, takes the worker down. Then every chunk that was in
flight is redelivered. On its second delivery a chunk is noted in its claim before the engine begins with it and
nothing else. If its message is delivered once more, with no failure noted since, it killed the worker: it goes to
the next engine and is not tried again. The other chunks, which were only in flight, are tried again.
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
"""The first delivery on which this can be known: after one among other chunks, and one on its own."""


def begin(message: ChunkMessage, delivery: Delivery, ports: Ports) -> None:
    """Note that an engine begins with a chunk and nothing else.

    Raises:
        Transient: the write is not confirmed.
    """
    name = failure_log.delivery_name(delivery.message_id, delivery.attempt)

    def begun(stored: Claim) -> Claim | None:
        return None if stored.turn != message.turn else replace(stored, alone=name)

    claims.change(claims.first_of(message), begun, ports)


def ended_its_worker(message: ChunkMessage, delivery: Delivery, ports: Ports) -> EngineLimit | None:
    """The error of a chunk that killed its worker on the previous delivery; None if it did not.

    Raises:
        Transient: the records did not answer.
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
        "Its worker died twice without an error message while it held this part of the recording, the second time while "
        "it recognised nothing else. The log of the worker or of the system says why: most often it ran out of memory."
    )
