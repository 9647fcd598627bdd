"""Create the topics and subscriptions of a topology: for tests and emulators, and as a reference for Terraform.

A deployment gets them from Terraform, which also grants what this module cannot: Pub/Sub's own service agent
(service-PROJECT_NUMBER@gcp-sa-pubsub.iam.gserviceaccount.com) needs roles/pubsub.publisher on the dead letter
topic and roles/pubsub.subscriber on every subscription that has one, or nothing is ever dead-lettered
(https://cloud.google.com/pubsub/docs/handling-failures#grant_forwarding_permissions).
"""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING

from google.api_core import exceptions as google
from google.pubsub_v1 import PublisherClient, SubscriberClient
from google.pubsub_v1.types import DeadLetterPolicy, ExpirationPolicy, PushConfig, RetryPolicy
from google.pubsub_v1.types import Subscription as GoogleSubscription

from shared.adapters.google_errors import RPC_SECONDS, retrying, translated
from shared.adapters.pubsub_clients import API, publisher, subscriber

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.topology import Subscription, Topology

PULL_DEADLINE = 10
"""Seconds for which a message is unavailable if the reply to its pull was lost; the shortest possible, because a
pull sets the leases of its messages itself."""
PUSH_DEADLINE = 600
"""Seconds a function may take for a message, the most possible; one that fails earlier answers earlier."""
RETENTION = timedelta(days=7)
"""How long a message waits for its subscriber: Pub/Sub's default and, with dead letters, long enough."""
FEWEST_ATTEMPTS, MOST_ATTEMPTS = 5, 100
"""Bounds of a dead letter policy (https://cloud.google.com/pubsub/docs/handling-failures)."""


def ensure(
    project: str,
    topology: Topology,
    *,
    push: Mapping[str, str] | None = None,
    push_account: str | None = None,
    exactly_once: bool = False,
) -> None:
    """Create missing topics and subscriptions; existing ones stay as they are. Needs roles/pubsub.editor.

    Args:
        project: id of the Google Cloud project.
        topology: topics and subscriptions.
        push: push endpoint by name of the subscription; the others are pulled.
        push_account: service account that signs the pushes (OIDC); None for emulators.
        exactly_once: whether pulled subscriptions deliver exactly once.

    Raises:
        ConfigurationError: not permitted, or the service is not enabled.
        BadRequest: Pub/Sub does not accept such names or policies.
        StoreUnavailable: no answer in time.
    """
    publishing, subscribing = publisher(), subscriber()
    with (
        translated(
            f"creating topics and subscriptions in project {project}",
            api=API,
            missing="Check the id of the project.",
            role=f"roles/pubsub.editor on project {project}",
        ),
        publishing,
        subscribing,
    ):
        for topic in topology.topics:
            path = PublisherClient.topic_path(project, topic)
            with suppress(google.AlreadyExists):
                publishing.create_topic(name=path, retry=retrying(), timeout=RPC_SECONDS)
        for one in topology.subscriptions:
            wanted = subscription(project, one)
            if push and one.name in push:
                wanted.push_config = PushConfig(push_endpoint=push[one.name])
                wanted.ack_deadline_seconds = PUSH_DEADLINE
                if push_account is not None:
                    wanted.push_config.oidc_token = PushConfig.OidcToken(service_account_email=push_account)
            else:
                wanted.enable_exactly_once_delivery = exactly_once
            with suppress(google.AlreadyExists):
                subscribing.create_subscription(request=wanted, retry=retrying(), timeout=RPC_SECONDS)


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
            max_delivery_attempts=min(MOST_ATTEMPTS, max(FEWEST_ATTEMPTS, one.max_attempts)),
        )
    return wanted
