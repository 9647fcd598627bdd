"""What every Queue does."""

from __future__ import annotations

import time

from local.topology import LOCAL
from shared.messages import AUDIO_FINALIZED, CHUNKS_DONE, DEAD_LETTERS, TRANSCRIPTS_READY
from tests.contract.processes import in_processes, killed

ROUTER = LOCAL.subscription("router")
LEASE = 60.0


def drain(port, subscription="router", lease=LEASE):
    taken = []
    while deliveries := port.pull(subscription, 7, lease):
        taken += deliveries
    return taken


def test_message_arrives_as_published(queue):
    published = queue.port.publish(AUDIO_FINALIZED, b"\x00data\xff", {"recording": "été"})
    (delivery,) = queue.port.pull("router", 10, LEASE)
    assert delivery.message_id == published
    assert delivery.data == b"\x00data\xff"
    assert delivery.attributes == {"recording": "été"}
    assert delivery.attempt == 1
    assert delivery.lease


def test_pull_of_an_empty_subscription_gives_nothing(queue):
    assert queue.port.pull("router", 10, LEASE) == []


def test_pull_gives_no_more_than_the_limit_and_oldest_first(queue):
    ids = []
    for _ in range(5):
        ids.append(queue.port.publish(AUDIO_FINALIZED, b"x"))
        queue.elapse(1)
    first = queue.port.pull("router", 3, LEASE)
    second = queue.port.pull("router", 3, LEASE)
    assert [one.message_id for one in first + second] == ids
    assert len(first) == 3


def test_topic_without_subscription_takes_messages_and_forgets_them(queue):
    assert queue.port.publish(TRANSCRIPTS_READY, b"x")
    assert drain(queue.port) == []


def test_topics_are_apart(queue):
    queue.port.publish(CHUNKS_DONE, b"done")
    assert queue.port.pull("router", 1, LEASE) == []
    assert [one.data for one in queue.port.pull("merger", 1, LEASE)] == [b"done"]


def test_leased_message_is_not_given_again(queue):
    queue.port.publish(AUDIO_FINALIZED, b"x")
    assert len(queue.port.pull("router", 1, LEASE)) == 1
    queue.elapse(LEASE / 2)
    assert queue.port.pull("router", 1, LEASE) == []


def test_acked_message_never_comes_again(queue):
    queue.port.publish(AUDIO_FINALIZED, b"x")
    (delivery,) = queue.port.pull("router", 1, LEASE)
    assert queue.port.ack("router", delivery.lease)
    queue.elapse(LEASE * 10)
    assert queue.port.pull("router", 1, LEASE) == []


def test_expired_lease_brings_the_message_again_and_counts(queue):
    queue.port.publish(AUDIO_FINALIZED, b"x")
    (first,) = queue.port.pull("router", 1, LEASE)
    queue.elapse(LEASE + 1)
    (second,) = queue.port.pull("router", 1, LEASE)
    assert second.message_id == first.message_id
    assert second.lease != first.lease
    assert second.attempt == 2


def test_holder_of_an_ended_lease_can_do_nothing(queue):
    queue.port.publish(AUDIO_FINALIZED, b"x")
    (first,) = queue.port.pull("router", 1, LEASE)
    queue.elapse(LEASE + 1)
    (second,) = queue.port.pull("router", 1, LEASE)
    assert not queue.port.extend("router", first.lease, LEASE)
    assert not queue.port.ack("router", first.lease)
    assert not queue.port.nack("router", first.lease)
    assert queue.port.ack("router", second.lease)
    assert not queue.port.ack("router", second.lease)


def test_lease_of_one_subscription_is_worth_nothing_at_another(queue):
    queue.port.publish(AUDIO_FINALIZED, b"x")
    (delivery,) = queue.port.pull("router", 1, LEASE)
    assert not queue.port.ack("merger", delivery.lease)
    assert not queue.port.extend("merger", delivery.lease, LEASE)
    assert not queue.port.nack("merger", delivery.lease)
    assert queue.port.ack("router", delivery.lease)


def test_extended_lease_lasts_from_the_moment_of_extending(queue):
    queue.port.publish(AUDIO_FINALIZED, b"x")
    (delivery,) = queue.port.pull("router", 1, LEASE)
    for _ in range(5):
        queue.elapse(LEASE * 0.75)
        assert queue.port.extend("router", delivery.lease, LEASE)
    assert queue.port.pull("router", 1, LEASE) == []
    assert queue.port.ack("router", delivery.lease)


def test_nacked_message_comes_again_after_the_back_off(queue):
    queue.port.publish(AUDIO_FINALIZED, b"x")
    (delivery,) = queue.port.pull("router", 1, LEASE)
    assert queue.port.nack("router", delivery.lease)
    assert queue.port.pull("router", 1, LEASE) == []
    queue.elapse(ROUTER.max_backoff)
    (again,) = queue.port.pull("router", 1, LEASE)
    assert (again.message_id, again.attempt) == (delivery.message_id, 2)


def test_message_that_keeps_failing_goes_to_the_dead_letters(queue):
    queue.port.publish(AUDIO_FINALIZED, b"poison", {"recording": "r"})
    for attempt in range(1, ROUTER.max_attempts + 1):
        (delivery,) = queue.port.pull("router", 1, LEASE)
        assert delivery.attempt == attempt
        assert queue.port.nack("router", delivery.lease)
        queue.elapse(ROUTER.max_backoff)
    assert queue.port.pull("router", 1, LEASE) == []
    (letter,) = queue.port.pull(DEAD_LETTERS, 1, LEASE)
    assert letter.data == b"poison"
    assert letter.attributes["recording"] == "r"
    assert letter.attributes["CloudPubSubDeadLetterSourceSubscription"] == "router"
    assert letter.attributes["CloudPubSubDeadLetterSourceDeliveryCount"] == str(ROUTER.max_attempts)


def test_message_whose_leases_keep_running_out_goes_to_the_dead_letters(queue):
    queue.port.publish(AUDIO_FINALIZED, b"poison")
    for _ in range(ROUTER.max_attempts):
        assert len(queue.port.pull("router", 1, LEASE)) == 1
        queue.elapse(LEASE + ROUTER.max_backoff)
    assert queue.port.pull("router", 1, LEASE) == []
    assert [one.data for one in queue.port.pull(DEAD_LETTERS, 1, LEASE)] == [b"poison"]


def test_failing_message_does_not_hold_up_the_others(queue):
    queue.port.publish(AUDIO_FINALIZED, b"poison")
    (delivery,) = queue.port.pull("router", 1, LEASE)
    queue.port.nack("router", delivery.lease)
    queue.port.publish(AUDIO_FINALIZED, b"good")
    assert [one.data for one in queue.port.pull("router", 1, LEASE)] == [b"good"]


def _take_all(_, reopen):
    taken = []
    with reopen() as port:
        idle_since = time.monotonic()
        while time.monotonic() - idle_since < 0.3:
            for delivery in port.pull("router", 3, LEASE):
                taken.append(delivery.message_id)
                assert port.ack("router", delivery.lease)
                idle_since = time.monotonic()
    return taken


def test_no_two_of_4_processes_get_the_same_message_and_none_is_missed(queue):
    ids = {queue.port.publish(AUDIO_FINALIZED, b"%d" % number) for number in range(120)}
    taken = [one for many in in_processes(4, _take_all, queue.reopen) for one in many]
    assert len(taken) == 120
    assert set(taken) == ids


def _publish_then_hold(say, reopen):
    with reopen() as port:
        ids = [port.publish(AUDIO_FINALIZED, b"%d" % number) for number in range(20)]
        held = port.pull("router", 4, LEASE)
        assert port.ack("router", held[0].lease)
        say((ids, held[0].message_id))


def test_killed_process_loses_neither_what_it_published_nor_what_it_held(queue):
    ids, acked = killed(_publish_then_hold, queue.reopen)
    assert len(drain(queue.port)) == 16
    queue.elapse(LEASE + 1)
    again = drain(queue.port)
    assert {one.message_id for one in again} == set(ids) - {acked}
