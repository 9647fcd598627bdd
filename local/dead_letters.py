"""What a message that failed too often carries: the attributes Pub/Sub adds, and the last error."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local.clock import rfc3339

if TYPE_CHECKING:
    from collections.abc import Mapping

PROJECT = "local"
"""Stands where the cloud has the id of a project."""

# https://cloud.google.com/pubsub/docs/handling-failures#how_dead_letter_topics_work
SUBSCRIPTION = "CloudPubSubDeadLetterSourceSubscription"
SUBSCRIPTION_PROJECT = "CloudPubSubDeadLetterSourceSubscriptionProject"
ATTEMPTS = "CloudPubSubDeadLetterSourceDeliveryCount"
PUBLISHED = "CloudPubSubDeadLetterSourceTopicPublishTime"
ERROR = "dropscribe-error"


def dead_letter_attributes(
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
