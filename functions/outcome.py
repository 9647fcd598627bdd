"""What a function answers to its sender: done, or send it again."""

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
    """Keep and acknowledge what no repeat can mend; note everything else, and let it raise.

    A function that returns is acknowledged. One that raises answers 500, and the event comes again
    with back-off until it is dead-lettered. A deployment that is set up wrongly (a role, an index, a
    setting is missing) loses nothing that way: it can be mended meanwhile.

    Args:
        event: what the function was sent.
        connect: gives the world; may raise, which is a failure as well.
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
    """The answer to an event that comes again: the reason in one line of the log and of the answer.

    An error of ours says what happened and what to do, so its traceback would only hide that. All others keep theirs.
    """
    log.warning("not done, and delivered again: %s", error)
    return str(error), 500


def _note(event: CloudEvent, error: Exception, connect: Callable[[], Ports], where: str) -> None:
    try:
        ports = connect()
    except DropscribeError:
        return  # without a world there is nowhere to note it; this is most likely the error itself
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
    """The Pub/Sub message of an event, or what stands for one where there is none."""
    if isinstance(event.data, dict) and isinstance(event.data.get("message"), dict):
        message: dict[str, Any] = event.data["message"]
        return message
    data = base64.b64encode(json.dumps(event.data, default=repr).encode()).decode()
    return {"messageId": event["id"], "data": data}


def uploaded_object(event: CloudEvent) -> Mapping[str, Any] | None:
    """The object resource of an upload: Eventarc's direct event, or a bucket's Pub/Sub notification.

    None if the event tells of something else, such as a deletion.

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


def engine_of(event: CloudEvent) -> str:
    """The engine that a chunk message is for, for the notes of failures; `ELSEWHERE` where it cannot be read."""
    try:
        return decode(pubsub_data(event), ChunkMessage).chunk.engine
    except BadRequest:
        return ELSEWHERE
