"""Messages in the requests and replies of Pub/Sub."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from google.pubsub_v1.types import ReceivedMessage

from shared.adapters.pubsub_messages import COUNTED, MOST_BYTES, again, batches
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
