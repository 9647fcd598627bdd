"""Messages in the requests and replies of Pub/Sub; leases in hand end by the clock, as Pub/Sub tells nobody."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest
from google.pubsub_v1.types import ReceivedMessage

from shared.adapters.pubsub_messages import COUNTED, MOST_BYTES, Held, LeasesInHand, again, batches
from shared.adapters.pubsub_messages import delivery as delivery_of
from shared.ports import Delivery


@pytest.mark.parametrize(
    ("sizes", "requests"),
    [([10] * 1000, [1000]), ([10] * 1001, [1000, 1]), ([MOST_BYTES // 2] * 3, [1, 1, 1]), ([5_000_000], [1])],
)
def test_requests_stay_within_the_limits_of_the_service(sizes, requests):
    assert [len(batch) for batch in batches((bytes(size), {}) for size in sizes)] == requests


@pytest.mark.parametrize(("counted", "attempt"), [(0, 1), (1, 1), (4, 4)])
def test_every_attempt_is_the_first_where_the_service_does_not_count(counted, attempt):
    received = ReceivedMessage(delivery_attempt=counted, message={"publish_time": datetime.now(UTC)})
    # The emulator counts on every subscription, the service only where there is a dead letter policy.
    assert delivery_of(received).attempt == attempt


def held(attempt):
    return Delivery(
        message_id="1", lease="l", data=b"x", attributes={"chunk": "3"}, attempt=attempt, published=0.0
    )


def test_a_message_that_comes_again_carries_the_deliveries_that_count():
    assert again(held(1)) == (b"x", {"chunk": "3"})
    data, attributes = again(held(3))
    message = {"data": data, "attributes": attributes, "publish_time": datetime.now(UTC)}
    found = delivery_of(ReceivedMessage(ack_id="new", delivery_attempt=1, message=message))
    assert (found.attempt, found.attributes, found.lease) == (3, {"chunk": "3"}, "new")


def test_a_count_that_somebody_else_made_up_counts_for_nothing():
    message = {"attributes": {COUNTED: "many"}, "publish_time": datetime.now(UTC)}
    assert delivery_of(ReceivedMessage(message=message)).attempt == 1


@pytest.fixture
def now(monkeypatch):
    clock = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    return clock


def lease(until):
    delivery = Delivery(message_id="1", lease="a", data=b"", attributes={}, attempt=1, published=0.0)
    return Held(delivery=delivery, until=until)


def test_a_lease_is_in_hand_until_it_ends_or_is_forgotten(now):
    leases = LeasesInHand()
    leases.hold("worker", "a", lease(110.0))
    assert leases.get("worker", "a") == lease(110.0)
    assert leases.get("other", "a") is None, "of another subscription"
    now[0] = 110.0
    assert leases.get("worker", "a") is None
    leases.hold("worker", "b", lease(120.0))
    leases.forget("worker", "b")
    leases.forget("worker", "b")
    assert leases.get("worker", "b") is None


def test_those_that_ended_take_no_memory(now):
    leases = LeasesInHand()
    for number in range(10):
        leases.hold("worker", str(number), lease(101.0))
    now[0] = 105.0
    leases.hold("worker", "new", lease(110.0))
    assert list(leases._held) == [("worker", "new")]
