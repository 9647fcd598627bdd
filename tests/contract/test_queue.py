"""What every Queue does."""

from __future__ import annotations

import time

from shared.messages import AUDIO_FINALIZED, CHUNKS_DONE, DEAD_LETTERS, TRANSCRIPTS_READY
from tests.contract.processes import in_processes, killed

LEASE = 60.0
"""Seconds: longer than any test."""


def soon(queue, subscription="router", lease=None):
    """One message that is due, as a list; the service may need a moment to notice that it is."""
    until = time.monotonic() + queue.patience
    while not (found := queue.port.pull(subscription, 1, lease or queue.lease)) and time.monotonic() < until:
        time.sleep(0.05)
    return found


def drain(port, subscription="router", lease=LEASE):
    taken = []
    while deliveries := port.pull(subscription, 7, lease):
        taken += deliveries
    return taken


def buried(queue, subscription):
    """What came to the dead letters, while nothing comes from where it failed.

    The Pub/Sub emulator moves a message when somebody pulls there; the service does it by itself.
    """
    until = time.monotonic() + queue.patience
    while True:
        assert queue.port.pull(subscription, 1, LEASE) == []
        found = queue.port.pull(DEAD_LETTERS, 1, LEASE)
        if found or time.monotonic() > until:
            return found


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


def test_pull_gives_no_more_than_the_limit(queue):
    ids = {queue.port.publish(AUDIO_FINALIZED, b"x") for _ in range(5)}
    first = queue.port.pull("router", 3, LEASE)
    assert 1 <= len(first) <= 3
    assert {one.message_id for one in first + drain(queue.port)} == ids


def test_many_messages_are_published_at_once_and_all_arrive(queue):
    messages = [(b"%d" % number, {"chunk": str(number)}) for number in range(72)]
    ids = queue.port.publish_many(AUDIO_FINALIZED, messages)
    found = {one.message_id: (one.data, dict(one.attributes)) for one in drain(queue.port)}
    assert found == dict(zip(ids, messages, strict=True))


def test_topic_without_subscription_takes_messages_and_forgets_them(queue):
    assert queue.port.publish(TRANSCRIPTS_READY, b"x")
    assert drain(queue.port) == []


def test_topics_are_apart(queue):
    queue.port.publish(CHUNKS_DONE, b"done")
    assert queue.port.pull("router", 1, LEASE) == []
    assert [one.data for one in queue.port.pull("merger", 1, LEASE)] == [b"done"]


def test_leased_message_is_not_given_again(queue):
    queue.port.publish(AUDIO_FINALIZED, b"x")
    assert len(queue.port.pull("router", 1, queue.lease * 4)) == 1
    queue.elapse(queue.lease)
    assert queue.port.pull("router", 1, LEASE) == []


def test_acked_message_never_comes_again(queue):
    queue.port.publish(AUDIO_FINALIZED, b"x")
    (delivery,) = queue.port.pull("router", 1, queue.lease)
    assert queue.port.ack("router", delivery.lease)
    queue.elapse(queue.lease * 2)
    assert queue.port.pull("router", 1, LEASE) == []


def test_expired_lease_brings_the_message_again_and_counts(queue):
    queue.port.publish(AUDIO_FINALIZED, b"x")
    (first,) = queue.port.pull("router", 1, queue.lease)
    queue.elapse(queue.lease + 1)
    (second,) = soon(queue)
    assert second.message_id == first.message_id
    assert second.lease != first.lease
    assert second.attempt == 2


def test_holder_of_an_ended_lease_can_do_nothing(queue):
    queue.port.publish(AUDIO_FINALIZED, b"x")
    (first,) = queue.port.pull("router", 1, queue.lease)
    queue.elapse(queue.lease + 1)
    (second,) = soon(queue)
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
    (delivery,) = queue.port.pull("router", 1, queue.lease)
    for _ in range(3):
        queue.elapse(queue.lease * 0.6)
        assert queue.port.extend("router", delivery.lease, queue.lease)
    assert queue.port.pull("router", 1, LEASE) == []
    assert queue.port.ack("router", delivery.lease)


def test_nacked_message_comes_again_after_the_back_off(queue):
    queue.port.publish(AUDIO_FINALIZED, b"x")
    (first,) = queue.port.pull("router", 1, LEASE)
    assert queue.port.nack("router", first.lease)
    # Not asserted after this first nack: the Pub/Sub emulator gives the message back at once, unlike the service.
    queue.elapse(queue.router.max_backoff)
    (second,) = soon(queue)
    assert queue.port.nack("router", second.lease)
    assert queue.port.pull("router", 1, LEASE) == []
    queue.elapse(queue.router.max_backoff)
    (third,) = soon(queue)
    assert {one.message_id for one in (first, second, third)} == {first.message_id}
    assert [one.attempt for one in (first, second, third)] == [1, 2, 3]


def test_postponed_message_comes_again_without_having_been_counted(queue):
    queue.port.publish(AUDIO_FINALIZED, b"x", {"recording": "r"})
    for _ in range(3):
        (delivery,) = soon(queue)
        assert queue.port.postpone("router", delivery.lease, 0.0)
        assert not queue.port.postpone("router", delivery.lease, 0.0)
    (first,) = soon(queue)
    queue.port.nack("router", first.lease)
    queue.elapse(queue.router.max_backoff)
    (second,) = soon(queue)
    assert queue.port.postpone("router", second.lease, 0.0)
    (again,) = soon(queue)
    assert [first.attempt, second.attempt, again.attempt] == [1, 2, 2]
    assert (again.data, dict(again.attributes)) == (b"x", {"recording": "r"})
    assert queue.port.ack("router", again.lease)
    assert drain(queue.port) == []


def test_postponing_after_the_lease_has_ended_changes_nothing(queue):
    queue.port.publish(AUDIO_FINALIZED, b"x")
    (delivery,) = queue.port.pull("router", 1, queue.lease)
    queue.elapse(queue.lease + queue.router.max_backoff)
    assert not queue.port.postpone("router", delivery.lease, 0.0)
    (again,) = soon(queue)
    assert again.attempt == 2
    assert queue.port.ack("router", again.lease)
    assert drain(queue.port) == []


def test_message_that_keeps_failing_goes_to_the_dead_letters(queue):
    queue.port.publish(CHUNKS_DONE, b"poison", {"recording": "r"})
    for attempt in range(1, queue.merger.max_attempts + 1):
        (delivery,) = soon(queue, "merger")
        assert delivery.attempt == attempt
        assert queue.port.nack("merger", delivery.lease)
        queue.elapse(queue.merger.max_backoff)
    (letter,) = buried(queue, "merger")
    assert letter.data == b"poison"
    assert letter.attributes["recording"] == "r"
    assert letter.attributes["CloudPubSubDeadLetterSourceSubscription"] == "merger"
    assert letter.attributes["CloudPubSubDeadLetterSourceDeliveryCount"] == str(queue.merger.max_attempts)


def test_message_whose_leases_keep_running_out_goes_to_the_dead_letters(queue):
    queue.port.publish(CHUNKS_DONE, b"poison")
    for _ in range(queue.merger.max_attempts):
        assert len(soon(queue, "merger", lease=queue.lease / 2)) == 1
        queue.elapse(queue.lease / 2 + queue.merger.max_backoff)
    assert [one.data for one in buried(queue, "merger")] == [b"poison"]


def test_failing_message_does_not_hold_up_the_others(queue):
    queue.port.publish(AUDIO_FINALIZED, b"poison")
    (delivery,) = queue.port.pull("router", 1, LEASE)
    queue.port.nack("router", delivery.lease)
    queue.port.publish(AUDIO_FINALIZED, b"good")
    # With the emulator the first may be back already, see above.
    assert b"good" in [one.data for one in drain(queue.port)]


def _take_all(_, reopen):
    taken = []
    with reopen() as port:
        idle_since = time.monotonic()
        while time.monotonic() - idle_since < 1.5:
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


def _publish_then_hold(say, reopen, lease):
    with reopen() as port:
        ids = [port.publish(AUDIO_FINALIZED, b"%d" % number) for number in range(20)]
        held = port.pull("router", 4, lease)
        assert port.ack("router", held[0].lease)
        say((ids, [one.message_id for one in held]))


def test_killed_process_loses_neither_what_it_published_nor_what_it_held(queue):
    lease = queue.lease * 3
    ids, (acked, *held) = killed(_publish_then_hold, queue.reopen, lease)
    taken = {one.message_id for one in drain(queue.port, lease=lease * 10)}
    assert len(held) == 3
    assert len(taken) == 16
    queue.elapse(lease + 1)
    again = {one.message_id for one in drain(queue.port)}
    assert again == set(held) == set(ids) - taken - {acked}
