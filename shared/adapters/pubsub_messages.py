"""Messages in requests to Pub/Sub and in its replies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from google.pubsub_v1.types import PubsubMessage

from shared.ports import Delivery

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from google.pubsub_v1.types import ReceivedMessage

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
