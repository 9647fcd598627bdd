"""Messages in requests to Pub/Sub and in its replies, and the leases on them: Pub/Sub tells their holder nothing."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from google.pubsub_v1.types import PubsubMessage, ReceivedMessage

from shared.ports import Delivery

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping


MOST_MESSAGES, MOST_BYTES = 1000, 9_000_000
"""Per request; the service's limits are 1,000 messages and 10 MB (https://cloud.google.com/pubsub/quotas)."""

COUNTED = "dropscribe-deliveries"
"""Attribute of a message that was postponed: number of earlier deliveries that count."""


def batches(messages: Iterable[tuple[bytes, Mapping[str, str]]]) -> Iterator[list[PubsubMessage]]:
    """Messages with their attributes, in order, split into as few requests as possible."""
    batch: list[PubsubMessage] = []
    size = 0
    for data, attributes in messages:
        message = PubsubMessage(data=data, attributes=dict(attributes))
        length = PubsubMessage.pb(message).ByteSize()
        if batch and (len(batch) == MOST_MESSAGES or size + length > MOST_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(message)
        size += length
    if batch:
        yield batch


def delivery(received: ReceivedMessage) -> Delivery:
    """A pulled message."""
    message = received.message
    attributes = dict(message.attributes)
    counted = attributes.pop(COUNTED, "")
    return Delivery(
        message_id=message.message_id,
        lease=received.ack_id,
        data=message.data,
        attributes=attributes,
        attempt=(received.delivery_attempt or 1) + (int(counted) if counted.isdecimal() else 0),
        published=message.publish_time.timestamp(),
    )


def again(held: Delivery) -> tuple[bytes, dict[str, str]]:
    """Data and attributes of a message that is to be redelivered as if this delivery had not happened."""
    counted = {COUNTED: str(held.attempt - 1)} if held.attempt > 1 else {}
    return held.data, {**held.attributes, **counted}


@dataclass(frozen=True, kw_only=True, slots=True)
class Held:
    """A held lease."""

    delivery: Delivery
    """The message under lease."""
    until: float
    """When it expires, seconds on the monotonic clock."""


class LeasesInHand:
    """The leases of one queue. Thread-safe."""

    def __init__(self) -> None:
        self._held: dict[tuple[str, str], Held] = {}
        self._lock = threading.Lock()

    def hold(self, subscription: str, lease: str, held: Held) -> None:
        """Keep a lease, and forget expired ones."""
        with self._lock:
            now = time.monotonic()
            for ended in [key for key, one in self._held.items() if one.until <= now]:
                del self._held[ended]
            self._held[subscription, lease] = held

    def get(self, subscription: str, lease: str) -> Held | None:
        """A lease; None if it has expired or was never held."""
        with self._lock:
            held = self._held.get((subscription, lease))
        return held if held is not None and held.until > time.monotonic() else None

    def forget(self, subscription: str, lease: str) -> None:
        """Forget a lease."""
        with self._lock:
            self._held.pop((subscription, lease), None)
