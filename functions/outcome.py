"""What a function answers to its sender: done, or send it again."""

from __future__ import annotations

import base64
from contextlib import contextmanager
from typing import TYPE_CHECKING

from shared.errors import BadRequest, Permanent
from shared.telemetry import log

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cloudevents.http import CloudEvent


@contextmanager
def acknowledged() -> Iterator[None]:
    """Swallow what no repeat can mend, after logging it; let everything else raise.

    A function that returns is acknowledged. One that raises answers 500, and the event comes again
    with back-off until it is dead-lettered.
    """
    try:
        yield
    except Permanent as error:
        log.error("dropped an event that cannot succeed: %s", error)


def pubsub_data(event: CloudEvent) -> bytes:
    """The payload of a `messagePublished` event.

    Raises:
        BadRequest: the event carries no Pub/Sub message.
    """
    try:
        return base64.b64decode(event.data["message"]["data"])
    except (KeyError, TypeError, ValueError) as error:
        raise BadRequest(f"not a Pub/Sub event: {error!r}") from error
