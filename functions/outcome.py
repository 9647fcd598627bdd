"""What a function answers to its sender: done, or send it again."""

from __future__ import annotations

import base64
import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from shared.errors import BadRequest, Permanent
from shared.flow import give_up
from shared.messages import FINALIZED_EVENT, PUBLISHED_EVENT
from shared.telemetry import log

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from cloudevents.http import CloudEvent

    from shared.ports import Ports


FINALIZED = "OBJECT_FINALIZE"
"""Attribute `eventType` of a bucket's notification that an object is complete."""


@contextmanager
def acknowledged(event: CloudEvent, connect: Callable[[], Ports]) -> Iterator[None]:
    """Keep and acknowledge what no repeat can mend; let everything else raise.

    A function that returns is acknowledged. One that raises answers 500, and the event comes again
    with back-off until it is dead-lettered. A deployment that is set up wrongly (a role, an index, a
    setting is missing) loses nothing that way: it can be mended meanwhile.
    """
    try:
        yield
    except Permanent as error:
        log.error("kept an event that cannot succeed as a dead letter: %s", error)
        give_up.keep(_message_of(event), connect(), str(error))


def _message_of(event: CloudEvent) -> Mapping[str, Any]:
    """The Pub/Sub message of an event, or what stands for one where there is none."""
    if isinstance(event.data, dict) and isinstance(event.data.get("message"), dict):
        message: dict[str, Any] = event.data["message"]
        return message
    data = base64.b64encode(json.dumps(event.data, default=repr).encode()).decode()
    return {"messageId": event["id"], "data": data}


def uploaded_object(event: CloudEvent) -> Mapping[str, Any] | None:
    """The object resource of an upload: Eventarc's direct event, or a bucket's Pub/Sub notification.

    None where the event tells of something else, such as a deletion.

    Raises:
        BadRequest: the event is neither.
    """
    if event["type"] == PUBLISHED_EVENT:
        if (pubsub_message(event).get("attributes") or {}).get("eventType", FINALIZED) != FINALIZED:
            return None
        try:
            resource = json.loads(pubsub_data(event))
        except ValueError as error:
            raise BadRequest(f"not a notification of Cloud Storage: {error}") from error
    elif event["type"] == FINALIZED_EVENT:
        resource = event.data
    else:
        return None
    return resource if isinstance(resource, dict) else {}


def pubsub_message(event: CloudEvent) -> Mapping[str, Any]:
    """The message of a `messagePublished` event: base64 `data`, `attributes`, `messageId`.

    Raises:
        BadRequest: the event carries no Pub/Sub message.
    """
    message = event.data.get("message") if isinstance(event.data, dict) else None
    if not isinstance(message, dict):
        raise BadRequest(f"not a Pub/Sub event: its data are {event.data!r}"[:300])
    return message


def pubsub_data(event: CloudEvent) -> bytes:
    """The payload of a `messagePublished` event.

    Raises:
        BadRequest: the event carries no Pub/Sub message, or one whose data are not base64.
    """
    try:
        return base64.b64decode(pubsub_message(event)["data"])
    except (KeyError, TypeError, ValueError) as error:
        raise BadRequest(f"not a Pub/Sub message: {error!r}") from error
