"""Messages on their way into requests of Pub/Sub, and out of its replies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from google.pubsub_v1.types import PubsubMessage

from shared.ports import Delivery

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from google.pubsub_v1.types import ReceivedMessage

MOST_MESSAGES, MOST_BYTES = 1000, 9_000_000
"""Of one request; the service's limits are 1,000 messages and 10 MB (https://cloud.google.com/pubsub/quotas)."""


def batches(messages: Iterable[tuple[bytes, Mapping[str, str]]]) -> Iterator[list[PubsubMessage]]:
    """Messages with their attributes, in order, as the contents of as few requests as may be."""
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
    """A message as it was pulled."""
    message = received.message
    return Delivery(
        message_id=message.message_id,
        lease=received.ack_id,
        data=message.data,
        attributes=dict(message.attributes),
        attempt=received.delivery_attempt or 1,
        published=message.publish_time.timestamp(),
    )
