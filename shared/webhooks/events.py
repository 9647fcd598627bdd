"""The events of webhooks, made from the messages of the topics `transcripts-ready` and `budget-alerts`. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from shared.clock import rfc3339
from shared.state import answers, documents

if TYPE_CHECKING:
    from shared.messages import BudgetAlert, TranscriptReady

TYPES = (
    "transcript.done",
    "transcript.failed",
    "transcript.cancelled",
    "request.answered",
    "budget.reached",
    "webhook.test",
)
"""The events that there are; `docs/webhook.schema.json` describes them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """A webhook event."""

    key: str
    """The same for every message about one fact; different for any two facts."""
    type: str
    """One of `TYPES`."""
    data: object
    """What is said about it: a record of `shared/messages.py`."""
    recording: str = ""
    """Key of the recording that it is about; empty if there is none."""

    @property
    def id(self) -> str:
        """The `webhook-id`, by which a receiver knows an event that it has seen."""
        return documents.webhook_id(self.key)

    def payload(self, now: float) -> str:
        """The body of the call; `now` is when the event was first seen, seconds since 1970."""
        when = rfc3339(now, "milliseconds")
        return msgspec.json.encode({"type": self.type, "timestamp": when, "data": self.data}).decode()


def of_transcript(ready: TranscriptReady, life: str) -> Event:
    """The event of an announcement, or of the answer to a request.

    `life` says how often the recording was tried before, as the message's attribute has it: one that fails, is
    continued and fails again, has two ends.
    """
    if ready.request_id is not None:
        return Event(
            key=answers.fact(ready.request_id), type="request.answered", data=ready, recording=ready.recording
        )
    return Event(
        key=f"transcript\0{ready.recording}\0{life}\0{ready.state}",
        type=f"transcript.{ready.state.lower()}",
        data=ready,
        recording=ready.recording,
    )


def of_budget(alert: BudgetAlert) -> Event:
    """The event of a share of a budget that is reached."""
    return Event(
        key=f"budget\0{alert.period}\0{alert.which}\0{alert.percent}", type="budget.reached", data=alert
    )


def of_test(key: str) -> Event:
    """An event that says nothing, by which a receiver can be tried."""
    said = {"message": "This is a test of Dropscribe's webhooks. Nothing happened."}
    return Event(key=f"test\0{key}", type="webhook.test", data=said)
