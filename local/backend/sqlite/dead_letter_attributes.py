"""What a message that failed too often carries: the attributes Pub/Sub adds, and the last error."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.clock import rfc3339
from shared.state.dead_letters import COUNT, ERROR, SOURCE

if TYPE_CHECKING:
    from collections.abc import Mapping

PROJECT = "local"
"""Stands where the cloud has the id of a project."""

# Beside those that `give_up` reads: https://cloud.google.com/pubsub/docs/handling-failures
SUBSCRIPTION_PROJECT = "CloudPubSubDeadLetterSourceSubscriptionProject"
PUBLISHED = "CloudPubSubDeadLetterSourceTopicPublishTime"


def dead_letter_attributes(
    original: Mapping[str, str], subscription: str, attempts: int, published: float, error: str
) -> dict[str, str]:
    """The attributes of a dead letter: those of the message, where it failed, how often, and why."""
    added = {
        SOURCE: subscription,
        SUBSCRIPTION_PROJECT: PROJECT,
        COUNT: str(attempts),
        PUBLISHED: rfc3339(published, "microseconds"),
    }
    if error:
        added[ERROR] = error
    return {**original, **added}
