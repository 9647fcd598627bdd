"""A worker cannot load the weights of its deployment: the chunks that wait for it go to the engines that may take them."""

from __future__ import annotations

from itertools import cycle
from typing import TYPE_CHECKING

from shared import concurrency
from shared.errors import DropscribeError, ModelUnavailable
from shared.messages import ChunkMessage, decode
from shared.recovery import fallback
from shared.state import failure_log
from shared.telemetry import log

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.ports import Delivery, Ports

PULLED_AT_A_TIME = 100
"""Messages handed to other engines at one time."""

PATIENCE = 5.0
"""Seconds without a new message after which all have been seen: what was given back is redelivered within that time."""


def hand_over_all(
    error: ModelUnavailable, subscriptions: Sequence[str], ports: Ports, stop: concurrency.Event
) -> int:
    """Hand the chunks of a worker's subscriptions to the engines that may take them over, until it is told to stop.

    Each is tried once; the rest is redelivered, to a worker that finds its weights.

    Returns:
        How many were handed over.
    """
    queue, seen, handed_over = ports.queue, set[str](), 0
    until = concurrency.monotonic() + PATIENCE
    turns = cycle(subscriptions)
    while concurrency.monotonic() < until and not stop.wait(0.2):
        subscription = next(turns)
        for delivery in queue.pull(subscription, PULLED_AT_A_TIME, ports.settings.lease_seconds):
            if delivery.message_id not in seen:
                until = concurrency.monotonic() + PATIENCE
            seen.add(delivery.message_id)
            if _handed_over(delivery, error, ports):
                handed_over += queue.ack(subscription, delivery.lease)
            else:
                queue.nack(subscription, delivery.lease, f"{type(error).__name__}: {error}")
    log.warning("%d of %d chunks were handed to other engines", handed_over, len(seen))
    return handed_over


def _handed_over(delivery: Delivery, error: ModelUnavailable, ports: Ports) -> bool:
    try:
        message = decode(delivery.data, ChunkMessage)
        if fallback.hand_over(message, error, ports).done:
            return True
        # For an operator who finds it among the dead letters, and for the guard of Parakeet's share.
        failure_log.note(
            error,
            ports,
            where=message.chunk.engine,
            message_id=delivery.message_id,
            attempt=delivery.attempt,
            attributes=delivery.attributes,
        )
    except DropscribeError as another:
        log.warning("message %s cannot be handed over now: %s", delivery.message_id, another)
    return False
