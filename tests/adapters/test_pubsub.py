"""Queue over Pub/Sub: what the contract tests cannot see. Faults are injected between client and emulator.

Where the emulator differs from the service: it gives a message back at once after its first nack and rounds
back-offs up, moves dead letters only when their subscription is pulled, takes leases of more than 600
seconds, never confirms acknowledgements (exactly-once), ignores filters and signs no push.
"""

from __future__ import annotations

import logging
import time

import google.auth
import grpc
import pytest
from google.auth.exceptions import DefaultCredentialsError
from google.pubsub_v1.types import ModifyAckDeadlineRequest

from shared.adapters import google_errors, pubsub
from shared.adapters.pubsub import PubSubQueue
from shared.errors import BadRequest, ConfigurationError, StoreUnavailable
from shared.messages import AUDIO_FINALIZED, CHUNKS_DONE
from shared.telemetry import log
from tests.adapters.relay import Fault

LEASE = 60.0


@pytest.fixture
def delivery(queue):
    """A message in hand."""
    queue.publish(AUDIO_FINALIZED, b"x")
    (delivery,) = queue.pull("router", 1, LEASE)
    return delivery


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(google_errors, "PATIENCE", 0.5)


def drain(queue, subscription="router"):
    taken = []
    while found := queue.pull(subscription, 1000, LEASE):
        taken += found
    return taken


# --- publish ----------------------------------------------------------------------------------------------


def test_72_messages_are_one_request(queue, relay):
    ids = queue.publish_many(AUDIO_FINALIZED, [(b"%d" % number, {}) for number in range(72)])
    assert len(set(ids)) == 72
    assert relay.calls == {"Publish": 1}


def test_ids_come_in_the_order_of_the_messages(queue):
    ids = queue.publish_many(AUDIO_FINALIZED, [(b"%d" % number, {}) for number in range(5)])
    assert {one.message_id: one.data for one in drain(queue)} == {
        one: b"%d" % number for number, one in enumerate(ids)
    }


def test_nothing_to_publish_is_no_request(queue, relay):
    assert queue.publish_many(AUDIO_FINALIZED, []) == []
    assert not relay.calls


def test_attributes_may_have_any_name(queue):
    attributes = {"topic": "a", "data": "b", "timeout": "c", "ordering_key": "d"}
    queue.publish(AUDIO_FINALIZED, b"x", attributes)
    (delivery,) = queue.pull("router", 1, LEASE)
    assert delivery.attributes == attributes


def test_publish_that_never_arrived_is_made_again(queue, relay):
    relay.faults["Publish"] = [Fault(), Fault(code=grpc.StatusCode.RESOURCE_EXHAUSTED)]
    published = queue.publish(AUDIO_FINALIZED, b"x")
    assert [one.message_id for one in drain(queue)] == [published]


def test_publish_whose_reply_is_lost_publishes_at_least_once(queue, relay):
    relay.faults["Publish"] = [Fault(lands=True)]
    published = queue.publish(AUDIO_FINALIZED, b"x")
    found = drain(queue)
    assert published in {one.message_id for one in found}
    assert {one.data for one in found} == {b"x"}


def test_publish_gives_up_where_nobody_answers(queue, relay, impatient):
    relay.faults["Publish"] = [Fault()] * 50
    with pytest.raises(StoreUnavailable, match=f"publishing to topic {AUDIO_FINALIZED}"):
        queue.publish(AUDIO_FINALIZED, b"x")


# --- pull -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("asked", "set_to"), [(60.0, 60), (59.2, 60), (0.1, 1), (3600.0, 600)])
def test_lease_is_set_right_after_the_pull_in_whole_seconds_up_to_600(queue, relay, asked, set_to):
    queue.publish_many(AUDIO_FINALIZED, [(b"1", {}), (b"2", {})])
    found = queue.pull("router", 2, asked)
    (request,) = relay.requests["ModifyAckDeadline"]
    request = ModifyAckDeadlineRequest.deserialize(request)
    assert request.ack_deadline_seconds == set_to
    assert list(request.ack_ids) == [one.lease for one in found]


def test_messages_are_not_lost_where_setting_their_lease_fails(queue, relay, monkeypatch):
    monkeypatch.setattr(pubsub, "SHORTEST_DEADLINE", 0.4)
    relay.faults["ModifyAckDeadline"] = [Fault()] * 20
    queue.publish(AUDIO_FINALIZED, b"x")
    (delivery,) = queue.pull("router", 1, LEASE)
    assert delivery.data == b"x"


def test_lease_that_could_not_be_set_ends_with_the_shortest_of_any_subscription(queue, relay, monkeypatch):
    monkeypatch.setattr(pubsub, "SHORTEST_DEADLINE", 0.4)
    relay.faults["ModifyAckDeadline"] = [Fault(code=grpc.StatusCode.PERMISSION_DENIED)]
    queue.publish(AUDIO_FINALIZED, b"x")
    (delivery,) = queue.pull("router", 1, LEASE)
    time.sleep(0.5)
    assert not queue.extend("router", delivery.lease, LEASE)


def test_pull_that_runs_into_its_deadline_has_found_nothing(queue, relay):
    relay.faults["Pull"] = [Fault(code=grpc.StatusCode.DEADLINE_EXCEEDED)]
    assert queue.pull("router", 1, LEASE) == []
    assert relay.calls == {"Pull": 1}


def test_pull_is_made_again_where_the_connection_breaks(queue, relay):
    queue.publish(AUDIO_FINALIZED, b"x")
    relay.faults["Pull"] = [Fault()]
    assert [one.data for one in queue.pull("router", 1, LEASE)] == [b"x"]


def test_pull_says_so_where_nobody_answers(queue, relay):
    relay.faults["Pull"] = [Fault()] * 50
    with pytest.raises(StoreUnavailable, match="pulling subscription router"):
        queue.pull("router", 1, LEASE)


@pytest.mark.parametrize(("limit", "lease"), [(0, 60.0), (1, 0.0), (1, -1.0)])
def test_pull_without_a_limit_or_a_lease_is_refused(queue, limit, lease):
    with pytest.raises(BadRequest):
        queue.pull("router", limit, lease)


# --- leases -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("call", ["ack", "nack"])
def test_message_is_settled_though_the_reply_is_lost(queue, relay, delivery, call):
    relay.faults["Acknowledge" if call == "ack" else "ModifyAckDeadline"] = [Fault(lands=True)]
    assert getattr(queue, call)("router", delivery.lease)


def test_lease_stays_in_hand_where_nobody_answers(queue, relay, delivery, impatient):
    relay.faults["Acknowledge"] = [Fault()] * 50
    with pytest.raises(StoreUnavailable):
        queue.ack("router", delivery.lease)
    relay.faults.clear()
    assert queue.ack("router", delivery.lease)


def test_ended_lease_is_still_acknowledged_in_case_nobody_else_has_the_message(queue, relay):
    queue.publish(AUDIO_FINALIZED, b"x")
    (delivery,) = queue.pull("router", 1, 1.0)
    time.sleep(1.1)
    relay.calls.clear()
    assert not queue.ack("router", delivery.lease)
    assert relay.calls == {"Acknowledge": 1}


def test_exactly_once_subscription_can_tell_that_a_lease_has_ended(queue, relay, delivery):
    gone = {delivery.lease: "PERMANENT_FAILURE_INVALID_ACK_ID"}
    for method in ("Acknowledge", "ModifyAckDeadline"):
        relay.faults[method] = [Fault(code=grpc.StatusCode.FAILED_PRECONDITION, info=gone)]
    assert not queue.extend("router", delivery.lease, LEASE)
    assert not queue.ack("router", delivery.lease)


def test_exactly_once_subscription_is_asked_again_after_a_passing_failure(queue, relay, delivery):
    busy = {delivery.lease: "TRANSIENT_FAILURE_UNORDERED_ACK_ID"}
    relay.faults["Acknowledge"] = [Fault(code=grpc.StatusCode.FAILED_PRECONDITION, info=busy)] * 2
    assert queue.ack("router", delivery.lease)
    assert relay.calls["Acknowledge"] == 3


def test_reason_of_a_nack_goes_to_the_log_with_the_id_of_the_message(queue, delivery, caplog, monkeypatch):
    monkeypatch.setattr(log, "propagate", True)
    with caplog.at_level(logging.WARNING, log.name):
        queue.nack("router", delivery.lease, "Transient: the store did not answer")
    assert f"gave message {delivery.message_id} back: Transient: the store did not answer" in caplog.text


# --- what the owner must fix ------------------------------------------------------------------------------


def test_missing_topic_names_the_command(queue):
    with pytest.raises(
        ConfigurationError, match=f"gcloud pubsub topics create nowhere --project={queue.project}"
    ):
        queue.publish("nowhere", b"x")


def test_missing_subscription_names_the_command(queue):
    with pytest.raises(ConfigurationError, match="gcloud pubsub subscriptions create nobody"):
        queue.pull("nobody", 1, LEASE)


def test_missing_permission_names_the_role(queue, relay):
    for method in ("Publish", "Pull"):
        relay.faults[method] = [Fault(code=grpc.StatusCode.PERMISSION_DENIED)]
    with pytest.raises(ConfigurationError, match=r"roles/pubsub\.publisher on topic chunks-done"):
        queue.publish(CHUNKS_DONE, b"x")
    with pytest.raises(ConfigurationError, match=r"roles/pubsub\.subscriber on subscription router"):
        queue.pull("router", 1, LEASE)


def test_message_that_is_too_large_is_refused_for_good(queue, relay):
    # The emulator takes any size, the service 10 MB.
    relay.faults["Publish"] = [Fault(code=grpc.StatusCode.INVALID_ARGUMENT)]
    with pytest.raises(BadRequest, match="publishing to topic"):
        queue.publish(AUDIO_FINALIZED, b"x" * 10_500_000)


def test_missing_credentials_name_the_command(monkeypatch):
    def none(*_, **__):
        raise DefaultCredentialsError("none here")

    monkeypatch.delenv("PUBSUB_EMULATOR_HOST", raising=False)
    monkeypatch.setattr(google.auth, "default", none)
    queue = PubSubQueue("some-project")
    with pytest.raises(ConfigurationError, match="gcloud auth application-default login"):
        queue.publish(CHUNKS_DONE, b"x")
    with pytest.raises(ConfigurationError, match="gcloud auth application-default login"):
        queue.pull("router", 1, LEASE)
