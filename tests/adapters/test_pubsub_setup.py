"""Topics and subscriptions as they are made."""

from __future__ import annotations

import os
from unittest import mock

from test_utils.prefixer import Prefixer

from shared.adapters import pubsub_setup
from shared.adapters.pubsub_clients import subscriber
from shared.messages import CHUNKS_DONE
from shared.topology import Subscription, topology

LEASE = 60.0
NAMES = Prefixer("dropscribe", "setup", separator="-")


def test_policies_of_a_subscription_are_those_of_the_topology():
    one = Subscription(
        name="gpu-worker", topic="chunks-gpu", min_backoff=1.5, max_backoff=60.0, max_attempts=3
    )
    made = pubsub_setup.subscription("p", one)
    assert (made.name, made.topic) == ("projects/p/subscriptions/gpu-worker", "projects/p/topics/chunks-gpu")
    assert made.dead_letter_policy.dead_letter_topic == "projects/p/topics/dead-letters"
    assert made.dead_letter_policy.max_delivery_attempts == 5
    assert made.retry_policy.minimum_backoff.total_seconds() == 1.5
    assert made.retry_policy.maximum_backoff.total_seconds() == 60
    assert "expiration_policy" in made
    assert not made.expiration_policy.ttl


def test_subscription_without_dead_letters_gets_no_policy():
    made = pubsub_setup.subscription("p", topology().subscription("dead-letters"))
    assert "dead_letter_policy" not in made


def test_set_up_can_be_repeated_and_leaves_what_exists(queue):
    queue.publish(CHUNKS_DONE, b"x")
    pubsub_setup.ensure(queue.project, topology())
    assert [one.data for one in queue.pull("merger", 1, LEASE)] == [b"x"]


def test_set_up_can_push_with_a_signature(relay):
    project = NAMES.create_prefix()
    with mock.patch.dict(os.environ, {"PUBSUB_EMULATOR_HOST": relay.address}), subscriber() as client:
        pubsub_setup.ensure(
            project,
            topology(),
            push={"merger": "http://127.0.0.1:1/"},
            push_account="pusher@p.iam.gserviceaccount.com",
        )
        pushed = client.get_subscription(subscription=client.subscription_path(project, "merger"))
        pulled = client.get_subscription(subscription=client.subscription_path(project, "router"))
    assert pushed.push_config.push_endpoint == "http://127.0.0.1:1/"
    assert pushed.push_config.oidc_token.service_account_email == "pusher@p.iam.gserviceaccount.com"
    assert not pulled.push_config.push_endpoint
    assert (pushed.ack_deadline_seconds, pulled.ack_deadline_seconds) == (600, 10)
