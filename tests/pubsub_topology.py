"""Creates topics and subscriptions in an emulator. In a project Terraform does; a test says that it makes the same."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING

from google.api_core import exceptions as google
from google.pubsub_v1 import PublisherClient, SubscriberClient
from google.pubsub_v1.types import DeadLetterPolicy, ExpirationPolicy, RetryPolicy
from google.pubsub_v1.types import Subscription as GoogleSubscription

from shared.adapters.google_errors import RPC_SECONDS, retrying
from shared.adapters.pubsub import client_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shared.topology import Subscription, Topology

PULL_DEADLINE = 10
"""Seconds for which a message is unavailable if the reply to its pull was lost; the shortest possible, because a
pull sets the leases of its messages itself."""
AT_ONCE = 1.0
"""Seconds of a pull that the emulator answers at once: it waits for a message while more than a second is left. An answer
that comes later is lost, with its messages, until their leases end: so these are as many as can be."""
RETENTION = timedelta(days=7)
"""How long a message waits for its subscriber: Pub/Sub's default and, with dead letters, long enough."""
FEWEST_ATTEMPTS = 5
"""Least of a dead letter policy (https://cloud.google.com/pubsub/docs/handling-failures)."""


def ensure(project: str, topology: Topology) -> None:
    """Create what is missing of a topology, everything to be pulled."""
    create(project, topology.topics, [subscription(project, one) for one in topology.subscriptions])


def create(project: str, topics: Iterable[str], subscriptions: Iterable[GoogleSubscription]) -> None:
    """Create missing topics and subscriptions; existing ones stay as they are."""
    with client_of(PublisherClient) as publishing, client_of(SubscriberClient) as subscribing:
        for topic in topics:
            path = PublisherClient.topic_path(project, topic)
            with suppress(google.AlreadyExists):
                publishing.create_topic(name=path, retry=retrying(), timeout=RPC_SECONDS)
        for one in subscriptions:
            with suppress(google.AlreadyExists):
                subscribing.create_subscription(request=one, retry=retrying(), timeout=RPC_SECONDS)


def subscription(project: str, one: Subscription) -> GoogleSubscription:
    """A subscription of a topology as Pub/Sub's, for pulling. Pure.

    It never expires: by default Pub/Sub deletes one that was not used for 31 days.
    """
    wanted = GoogleSubscription(
        name=SubscriberClient.subscription_path(project, one.name),
        topic=PublisherClient.topic_path(project, one.topic),
        ack_deadline_seconds=PULL_DEADLINE,
        message_retention_duration=RETENTION,
        expiration_policy=ExpirationPolicy(),
        retry_policy=RetryPolicy(
            minimum_backoff=timedelta(seconds=one.min_backoff),
            maximum_backoff=timedelta(seconds=one.max_backoff),
        ),
    )
    if one.dead_letter_topic is not None and one.max_attempts is not None:
        wanted.dead_letter_policy = DeadLetterPolicy(
            dead_letter_topic=PublisherClient.topic_path(project, one.dead_letter_topic),
            max_delivery_attempts=max(FEWEST_ATTEMPTS, one.max_attempts),
        )
    return wanted
