"""Leases in hand end by the clock: Pub/Sub tells nobody."""

from __future__ import annotations

import time

import pytest

from shared.adapters.pubsub_leases import Held, LeasesInHand
from shared.ports import Delivery


@pytest.fixture
def now(monkeypatch):
    clock = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    return clock


def held(until):
    delivery = Delivery(message_id="1", lease="a", data=b"", attributes={}, attempt=1, published=0.0)
    return Held(delivery=delivery, until=until)


def test_a_lease_is_in_hand_until_it_ends_or_is_forgotten(now):
    leases = LeasesInHand()
    leases.hold("worker", "a", held(110.0))
    assert leases.get("worker", "a") == held(110.0)
    assert leases.get("other", "a") is None, "of another subscription"
    now[0] = 110.0
    assert leases.get("worker", "a") is None
    leases.hold("worker", "b", held(120.0))
    leases.forget("worker", "b")
    leases.forget("worker", "b")
    assert leases.get("worker", "b") is None


def test_those_that_ended_take_no_memory(now):
    leases = LeasesInHand()
    for number in range(10):
        leases.hold("worker", str(number), held(101.0))
    now[0] = 105.0
    leases.hold("worker", "new", held(110.0))
    assert list(leases._held) == [("worker", "new")]
