"""Webhook events that were sent: a document for each, created once.

It is stored before the first call, so that every attempt, also after a crash, and every delivery of the same message sends the
same id and the same bytes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from shared.errors import StoreUnavailable
from shared.messages import to_fields
from shared.state import documents
from shared.state.documents import WEBHOOKS

if TYPE_CHECKING:
    from shared.ports import Ports
    from shared.webhooks.events import Event

DAY = 86400.0
"""Seconds for which an event is tried."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """The document of an event; its key is the `webhook-id`."""

    recording: str
    """Key of the recording that it is about; empty if there is none."""
    payload: str
    """The body of every call."""
    until: float
    """When it is given up where the deliveries of its messages are not counted, seconds since 1970."""
    state: Literal["open", "delivered", "given-up"] = "open"
    """What became of it."""


def first(event: Event, ports: Ports) -> Told:
    """The document of an event, created by the first message about it.

    One that was given up is open for another day, because a person has its message replayed.
    """
    now = ports.clock.now()
    new = Told(recording=event.recording, payload=event.payload(now), until=now + DAY)
    if ports.records.create(WEBHOOKS, event.id, to_fields(new)):
        return new
    found = documents.find(WEBHOOKS, event.id, Told, ports.records)
    if found is None:
        raise StoreUnavailable(f"webhook {event.id} was deleted just now")
    if found.state != "given-up":
        return found
    reopened = replace(found, state="open", until=now + DAY)
    documents.change(WEBHOOKS, event.id, Told, lambda _: reopened, ports.records)
    return reopened


def close(event: Event, state: Literal["delivered", "given-up"], ports: Ports) -> None:
    """Note what became of an event. One that was delivered stays so."""

    def closed(found: Told) -> Told | None:
        return None if found.state == "delivered" else replace(found, state=state)

    documents.change(WEBHOOKS, event.id, Told, closed, ports.records)
