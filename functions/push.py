"""What is posted to a function, as one message, however its sender wraps it.

    Pub/Sub push               {"message": {"data", "attributes", "messageId"}, "deliveryAttempt"}
    Eventarc, of a topic       a CloudEvent whose data are the same
    Eventarc, of a bucket      a CloudEvent whose data are the resource of an object: as its notification would be

A CloudEvent has its attributes in headers `ce-…` and its data in the body, or all of it in the body. Formats:
https://cloud.google.com/pubsub/docs/push#receive_push, https://cloud.google.com/eventarc/docs/cloudevents and
https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from shared.errors import BadRequest
from shared.messages import FINALIZED_EVENT, PUBLISHED_EVENT, UNREADABLE
from shared.state import dead_letters

EVENT_TYPE, FINALIZED = "eventType", "OBJECT_FINALIZE"
"""Attribute of a bucket's notification, and its value if an object is complete."""

STRUCTURED = "application/cloudevents+json"
"""Content type of a CloudEvent that is all in the body."""

MOST_DELIVERIES = 10_000
"""Larger counts are no counts."""

USUAL_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")
"""Ids that can be part of the name of a document, as all are that Google gives."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Push:
    """A message that was posted."""

    message_id: str
    """The same for every delivery of it."""
    data: bytes = b""
    """As published."""
    attributes: Mapping[str, str] = field(default_factory=dict)
    """As published."""
    attempt: int = 0
    """Which delivery of it, from 1; 0 if the sender does not say."""

    @property
    def message(self) -> dict[str, Any]:
        """The same as Pub/Sub writes it.

        Steps and dead letters take this form from every source, also from commands and tests. So the data are encoded
        here to be decoded there: 0.16 ms for the largest request, 64 kB.
        """
        return dead_letters.pushed(self.message_id, self.data, self.attributes)


class _Message(msgspec.Struct):
    data: str | None = None
    attributes: dict[str, str] | None = None
    messageId: str | int | None = None  # noqa: N815 - Pub/Sub's name
    message_id: str | int | None = None


class _Published(msgspec.Struct):
    message: _Message
    deliveryAttempt: Any = None  # noqa: N815 - Pub/Sub's name


class _Event(msgspec.Struct):
    type: str
    id: str | int | None = None
    data: msgspec.Raw = msgspec.Raw(b"")
    data_base64: str | None = None


def read(headers: Mapping[str, str], body: bytes) -> Push:
    """The message in a POST, whose headers are given by their names in lower case.

    Raises:
        BadRequest: there is no message in it.
    """
    try:
        event = _unwrapped(headers, body)
        data = bytes(event.data)
        if event.type != PUBLISHED_EVENT:
            attributes = {EVENT_TYPE: FINALIZED if event.type == FINALIZED_EVENT else event.type}
            return Push(message_id=_name(event.id, body), data=data, attributes=attributes)
        published = msgspec.json.decode(data, type=_Published)
        message, attempt = published.message, published.deliveryAttempt
        given = message.messageId or message.message_id or event.id
        return Push(
            message_id=_name(given, body),
            data=base64.b64decode(message.data or ""),
            attributes=message.attributes or {},
            attempt=attempt if type(attempt) is int and 0 < attempt < MOST_DELIVERIES else 0,
        )
    except (*UNREADABLE, ValueError) as error:
        raise BadRequest(f"not a message of Pub/Sub: {error}"[:300]) from error


def unreadable(headers: Mapping[str, str], body: bytes) -> Push:
    """What stands in for a message where there is none: all of the body."""
    return Push(message_id=_name(headers.get("ce-id"), body), data=body)


def _unwrapped(headers: Mapping[str, str], body: bytes) -> _Event:
    """The event, with its data as JSON."""
    content = headers.get("content-type") or ""
    if content.partition(";")[0].strip().lower() == STRUCTURED:
        event = msgspec.json.decode(body, type=_Event)
        if event.data_base64 is not None:
            event.data = msgspec.Raw(base64.b64decode(event.data_base64))
        return event
    # A push that is not wrapped has no type, and can be nothing else.
    return _Event(
        type=headers.get("ce-type") or PUBLISHED_EVENT, id=headers.get("ce-id"), data=msgspec.Raw(body)
    )


def _name(given: str | int | None, body: bytes) -> str:
    """An id that every delivery gives again, and that can be part of the name of a document."""
    if given and USUAL_ID.fullmatch(str(given)):
        return str(given)
    return hashlib.sha256(str(given).encode() if given else body).hexdigest()
