"""What a message that failed too often carries: the attributes Pub/Sub adds, and the last error."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from local.clock import rfc3339

PROJECT = "local"
"""Stands where the cloud has the id of a project."""

# https://cloud.google.com/pubsub/docs/handling-failures#how_dead_letter_topics_work
SUBSCRIPTION = "CloudPubSubDeadLetterSourceSubscription"
SUBSCRIPTION_PROJECT = "CloudPubSubDeadLetterSourceSubscriptionProject"
ATTEMPTS = "CloudPubSubDeadLetterSourceDeliveryCount"
PUBLISHED = "CloudPubSubDeadLetterSourceTopicPublishTime"
ERROR = "dropscribe-error"


@dataclass(frozen=True, kw_only=True, slots=True)
class DeadLetter:
    """A message that failed too often."""

    message_id: str
    """Its id as a dead letter."""
    subscription: str
    """Which subscription could not handle it."""
    attempts: int
    """How often it was delivered there."""
    error: str
    """What went wrong the last time, empty where nobody said."""
    data: bytes
    """The message as first published."""
    attributes: Mapping[str, str]
    """As first published, plus what the fields above were read from."""
    published: float
    """When it was given up, seconds since 1970."""


def attributes(
    original: Mapping[str, str], subscription: str, attempts: int, published: float, error: str
) -> dict[str, str]:
    """The attributes of a dead letter: those of the message, where it failed, how often, and why."""
    added = {
        SUBSCRIPTION: subscription,
        SUBSCRIPTION_PROJECT: PROJECT,
        ATTEMPTS: str(attempts),
        PUBLISHED: rfc3339(published),
    }
    if error:
        added[ERROR] = error
    return {**original, **added}


def parse(message_id: str, data: bytes, text: str, published: float) -> DeadLetter:
    """A dead letter from its stored form, whose attributes are JSON text."""
    found: dict[str, str] = json.loads(text)
    return DeadLetter(
        message_id=message_id,
        subscription=found.get(SUBSCRIPTION, ""),
        attempts=int(found.get(ATTEMPTS, "0")),
        error=found.get(ERROR, ""),
        data=bytes(data),
        attributes=found,
        published=published,
    )
