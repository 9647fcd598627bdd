"""What a function answers to its sender: done, or deliver again."""

from __future__ import annotations

import base64
import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from shared.errors import BadRequest, DropscribeError, Permanent
from shared.messages import FINALIZED_EVENT, PUBLISHED_EVENT, ChunkMessage, decode
from shared.state import dead_letters, failure_log
from shared.state.failure_log import ELSEWHERE
from shared.telemetry import log

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from cloudevents.http import CloudEvent

    from shared.ports import Ports


FINALIZED = "OBJECT_FINALIZE"
"""Attribute `eventType` of a bucket's notification that an object is complete."""


@contextmanager
def acknowledged(event: CloudEvent, connect: Callable[[], Ports], where: str = ELSEWHERE) -> Iterator[None]:
    """Keep and acknowledge an event that can never succeed; note every other failure, and let it raise.

    A function that returns acknowledges its event. One that raises answers 500, and the event is redelivered
    with back-off until it is dead-lettered. So a deployment that is set up wrongly (a role, an index, a
    setting is missing) loses nothing: it can be fixed in the meantime.

    Args:
        event: the event that the function received.
        connect: returns the adapters to use; may raise, which is a failure as well.
        where: the subscription that feeds the function, for the notes of failures.
    """
    try:
        yield
    except Permanent as error:
        log.error("kept an event that cannot succeed as a dead letter: %s", error)
        _note(event, error, connect, where)
        dead_letters.keep(_message_of(event), connect(), str(error))
    except Exception as error:
        _note(event, error, connect, where)
        raise


def not_done(error: DropscribeError) -> tuple[str, int]:
    """The answer to an event that is to be redelivered, with the reason in one line, in the log as well.

    An error of ours says what happened and what to do; a traceback would only hide that. All others keep theirs.
    """
    log.warning("failed, will be redelivered: %s", error)
    return str(error), 500


def _note(event: CloudEvent, error: Exception, connect: Callable[[], Ports], where: str) -> None:
    try:
        ports = connect()
    except DropscribeError:
        return  # without records it cannot be noted; most likely this is the error itself
    message = _message_of(event)
    attempt = event.data.get("deliveryAttempt") if isinstance(event.data, dict) else None
    failure_log.note(
        error,
        ports,
        where=where,
        message_id=str(message.get("messageId") or event["id"]),
        attempt=attempt if isinstance(attempt, int) else 0,
        attributes=message.get("attributes") or {},
        data=dead_letters.data_of(message),
    )


def _message_of(event: CloudEvent) -> Mapping[str, Any]:
    """The Pub/Sub message of an event, or a substitute with the event's data."""
    if isinstance(event.data, dict) and isinstance(event.data.get("message"), dict):
        message: dict[str, Any] = event.data["message"]
        return message
    data = base64.b64encode(json.dumps(event.data, default=repr).encode()).decode()
    return {"messageId": event["id"], "data": data}


def uploaded_object(event: CloudEvent) -> Mapping[str, Any] | None:
    """The object resource of an upload: Eventarc's direct event, or a bucket's Pub/Sub notification.

    None if the event is about something else, such as a deletion.

    Raises:
        BadRequest: the event is neither.
    """
    if event["type"] == PUBLISHED_EVENT:
        if (pubsub_message(event).get("attributes") or {}).get("eventType", FINALIZED) != FINALIZED:
            return None
        try:
            resource = json.loads(pubsub_data(event))
        except (ValueError, RecursionError) as error:
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


def engine_of(event: CloudEvent) -> str:
    """The engine of a chunk message, for the notes of failures; `ELSEWHERE` if it cannot be read."""
    try:
        return decode(pubsub_data(event), ChunkMessage).chunk.engine
    except BadRequest:
        return ELSEWHERE
