"""What only the embedded queue promises."""

from __future__ import annotations

import threading
import time

import pytest

from local.backend.sqlite.database import Changes, Database
from local.backend.sqlite.queue import SqliteQueue
from shared.errors import BadRequest, ConfigurationError
from shared.messages import AUDIO_FINALIZED, CHUNKS_DONE
from shared.topology import Subscription, Topology, topology


def test_back_off_grows_with_every_attempt(queue, clock):
    queue.publish(AUDIO_FINALIZED, b"x")
    for expected in (1.0, 2.0, 4.0, 8.0):
        (delivery,) = queue.pull("router", 1, 60.0)
        queue.nack("router", delivery.lease)
        clock.time += expected - 0.01
        assert queue.pull("router", 1, 60.0) == []
        clock.time += 0.02


def test_every_subscription_of_a_topic_gets_its_own_copy(database, clock):
    topology = Topology(
        topics=("t",),
        subscriptions=tuple(Subscription(name=name, topic="t", dead_letter_topic=None) for name in "ab"),
    )
    queue = SqliteQueue(database, clock, topology)
    published = queue.publish("t", b"x")
    (first,) = queue.pull("a", 9, 60.0)
    assert queue.ack("a", first.lease)
    (second,) = queue.pull("b", 9, 60.0)
    assert first.message_id == second.message_id == published


def test_what_the_functions_would_refuse_is_not_published(queue):
    """Pub/Sub refuses it as well; its emulator does not."""
    with pytest.raises(BadRequest, match="10,000,001 bytes"):
        queue.publish_many(AUDIO_FINALIZED, [(b"small", {}), (bytes(10_000_001), {})])
    queue.publish(AUDIO_FINALIZED, bytes(10_000_000))
    assert queue.pending("router") == 1


def test_dead_letter_tells_where_it_failed_how_often_and_why(queue, clock):
    queue.topology = topology().hurried()
    queue.publish(AUDIO_FINALIZED, b"poison", {"recording": "r"})
    for number in range(5):
        (delivery,) = queue.pull("router", 1, 60.0)
        queue.nack("router", delivery.lease, f"error {number}")
        clock.time += 60
    (letter,) = queue.pull("dead-letters", 9, 60.0)
    assert letter.attributes["CloudPubSubDeadLetterSourceSubscription"] == "router"
    assert letter.attributes["CloudPubSubDeadLetterSourceDeliveryCount"] == "5"
    assert letter.attributes["dropscribe-error"] == "error 4"
    assert (letter.data, letter.attributes["recording"]) == (b"poison", "r")
    assert queue.pending("router") == 0


def test_postponed_message_comes_again_without_having_been_counted(queue, clock):
    queue.publish(AUDIO_FINALIZED, b"x")
    for _ in range(20):
        (delivery,) = queue.pull("router", 1, 60.0)
        assert delivery.attempt == 1
        assert queue.postpone("router", delivery.lease, 3.0)
        assert not queue.postpone("router", delivery.lease, 3.0)
        clock.time += 2.9
        assert queue.pull("router", 1, 60.0) == []
        clock.time += 0.2


def test_wait_returns_at_once_where_a_message_is_due(queue):
    queue.publish(AUDIO_FINALIZED, b"x")
    assert queue.wait("router", 60.0)


def test_wait_gives_up_after_its_timeout(queue):
    queue.publish(CHUNKS_DONE, b"for another")
    before = time.monotonic()
    assert not queue.wait("router", 0.1)
    assert 0.1 <= time.monotonic() - before < 5


@pytest.mark.parametrize("same", [True, False])
def test_wait_is_woken_by_a_message_of_this_or_another_opener(tmp_path, queue, clock, same):
    if same:
        queue.look_seconds = 60.0  # nobody waits for a look
    other = queue if same else SqliteQueue(Database(tmp_path / "state.sqlite"), clock)
    timer = threading.Timer(0.1, other.publish, (AUDIO_FINALIZED, b"x"))
    timer.start()
    before = time.monotonic()
    assert queue.wait("router", 60.0)
    assert time.monotonic() - before < 10
    timer.join()
    if not same:
        other.close()


def test_others_are_looked_for_as_often_as_it_says(queue, monkeypatch):
    looks = []

    def look(changes):
        looks.append(changes)
        return False

    monkeypatch.setattr(Changes, "look", look)
    queue.look_seconds = 0.25
    assert not queue.wait("router", 1.0)
    assert len(looks) <= 5


def test_pull_without_a_limit_or_a_lease_is_refused(queue):
    with pytest.raises(BadRequest):
        queue.pull("router", 0, 60.0)
    with pytest.raises(BadRequest):
        queue.pull("router", 1, 0.0)


def test_names_that_are_not_in_the_topology_are_refused(queue):
    with pytest.raises(ConfigurationError):
        queue.publish("typo", b"x")
    with pytest.raises(ConfigurationError):
        queue.pull("typo", 1, 60.0)


def test_the_oldest_message_is_pulled_first(queue, clock):
    ids = []
    for _ in range(5):
        ids.append(queue.publish(AUDIO_FINALIZED, b"x"))
        clock.time += 1
    pulled = queue.pull("router", 3, 60.0) + queue.pull("router", 3, 60.0)
    assert [one.message_id for one in pulled] == ids


@pytest.mark.parametrize("step", [-3600.0, 3600.0, -1e9])
def test_setting_the_wall_clock_neither_rests_the_queue_nor_ends_a_lease(queue, clock, step):
    queue.publish(AUDIO_FINALIZED, b"leased")
    (leased,) = queue.pull("router", 1, 60.0)
    queue.publish(AUDIO_FINALIZED, b"failed")
    (failed,) = queue.pull("router", 1, 60.0)
    queue.nack("router", failed.lease)
    queue.publish(AUDIO_FINALIZED, b"waiting")
    clock.step(step)
    assert [one.data for one in queue.pull("router", 9, 60.0)] == [b"waiting"]
    assert queue.extend("router", leased.lease, 60.0)
    clock.time += 1.1
    assert [one.data for one in queue.pull("router", 9, 60.0)] == [b"failed"]
    assert queue.ack("router", leased.lease)


def test_after_a_restart_of_the_machine_leases_and_back_offs_are_void(tmp_path, queue, clock):
    for name in (b"leased", b"failed", b"postponed"):
        queue.publish(AUDIO_FINALIZED, name)
    leased, failed, postponed = queue.pull("router", 3, 600.0)
    queue.nack("router", failed.lease)
    queue.postpone("router", postponed.lease, 300.0)
    assert queue.pull("router", 9, 600.0) == []
    clock.reboot()
    again = SqliteQueue(Database(tmp_path / "state.sqlite"), clock)
    assert sorted(one.data for one in again.pull("router", 9, 600.0)) == [b"failed", b"leased", b"postponed"]
    assert not again.ack("router", leased.lease)
    # Another process of the same start voids nothing.
    other = SqliteQueue(Database(tmp_path / "state.sqlite"), clock)
    assert other.pull("router", 9, 600.0) == []
    for one in (again, other):
        one.close()
