"""Recordings that one process has to itself, and whose they are when it ends."""

from __future__ import annotations

import os
import signal
import time

import pytest

from local.backend.sqlite.database import Database
from local.backend.sqlite.queue import SqliteQueue
from local.backend.sqlite.runs import FOLDER
from shared.messages import AUDIO_FINALIZED, CHUNKS_DONE, TRANSCRIPTS_READY


@pytest.fixture
def other(tmp_path, clock):
    """The queue of another process."""
    queue = SqliteQueue(Database(tmp_path / "state.sqlite"), clock)
    yield queue
    queue.close()


def publish(queue, *recordings, topic=AUDIO_FINALIZED):
    for one in recordings:
        queue.publish(topic, b"x", {"recording": one} if one else {})


def pulled(queue, name="router"):
    """The recordings of the messages that are to be had, with the number of their delivery; all are given back."""
    deliveries = queue.pull(name, 9, 60.0)
    for one in deliveries:
        queue.postpone(name, one.lease, 0.0)
    return sorted((one.attributes.get("recording", ""), one.attempt) for one in deliveries)


def test_who_has_recordings_to_itself_pulls_theirs_alone_and_nobody_else_pulls_them(queue, other):
    publish(queue, "a", "b", "")
    assert queue.own({"b", "c"}) == queue.owned == {"b", "c"}
    publish(other, "c", "d")
    assert queue.wait("router", 1.0)
    assert pulled(queue) == [("b", 1), ("c", 1)]
    assert pulled(other) == [("", 1), ("a", 1), ("d", 1)]
    assert (queue.is_of_another("b"), other.is_of_another("b"), other.is_of_another("a")) == (
        False,
        True,
        False,
    )
    queue.leave()
    assert pulled(other) == [("", 1), ("a", 1), ("b", 1), ("c", 1), ("d", 1)]
    assert pulled(queue) == pulled(other)


def test_what_fails_and_becomes_a_dead_letter_stays_its_own(queue, other, clock):
    queue.own({"a"})
    publish(queue, "a")
    for _ in range(15):
        [one] = queue.pull("router", 1, 60.0)
        queue.nack("router", one.lease)
        assert not other.wait("router", 0.0)
        clock.time += 600.0
    assert (pulled(other, "dead-letters"), pulled(queue, "dead-letters")) == ([], [("a", 1)])


def test_news_of_ends_are_everybodys_and_are_no_work(queue, other):
    publish(queue, "a", topic=TRANSCRIPTS_READY)
    queue.own({"a"})
    publish(queue, "a", topic=TRANSCRIPTS_READY)
    names = [one.name for one in queue.topology.of_topic(TRANSCRIPTS_READY)]
    assert all(pulled(other, one) == [("a", 1), ("a", 1)] for one in names)
    assert queue.at_work() == set()
    publish(other, "a", topic=CHUNKS_DONE)
    assert queue.at_work() == {"a"}


def test_what_another_run_has_stays_its_own_until_that_ends(queue, other):
    assert queue.own({"a", "b"}) == {"a", "b"}
    publish(queue, "a", "b", "c")
    assert other.own({"b", "c"}) == {"c"}
    assert (pulled(queue), pulled(other)) == ([("a", 1), ("b", 1)], [("c", 1)])
    queue.leave()
    assert other.own({"b", "c"}) == {"b", "c"}
    assert (pulled(queue), pulled(other)) == ([("a", 1)], [("b", 1), ("c", 1)])


def test_what_it_does_not_want_any_more_is_everybodys(queue, other):
    queue.own({"a", "b"})
    publish(queue, "a", "b")
    queue.own({"b"})
    assert pulled(other) == [("a", 1)]
    queue.own(())
    assert pulled(queue) == []
    assert pulled(other) == [("a", 1), ("b", 1)]


def test_a_message_in_hand_when_it_takes_the_recording_stays_there_and_comes_to_it_if_it_fails(queue, other):
    publish(queue, "a", "a")
    [one, another] = other.pull("router", 9, 60.0)
    queue.own({"a"})
    assert other.extend("router", one.lease, 60.0)
    assert other.ack("router", one.lease)
    assert other.postpone("router", another.lease, 0.0)
    assert (pulled(other), pulled(queue)) == ([], [("a", 1)])


def test_its_own_work_can_be_dropped_and_that_of_nobody_else(queue, other):
    publish(queue, "a", "b", "c")
    other.own({"c"})
    queue.own({"a", "b", "c"})
    queue.drop({"a", "c"})
    assert (pulled(queue), pulled(other)) == ([("b", 1)], [("c", 1)])


def test_what_a_killed_process_had_to_itself_is_everybodys_with_what_was_in_its_hand(tmp_path, queue, clock):
    publish(queue, "a", "b")
    child = os.fork()
    if child == 0:
        run = SqliteQueue(Database(tmp_path / "state.sqlite"), clock)
        run.own({"a"})
        run.pull("router", 9, 60.0)
        time.sleep(600)
    until = time.monotonic() + 30
    while not queue.in_hand():
        assert time.monotonic() < until
        time.sleep(0.01)
    try:
        assert not queue.free()
        assert (pulled(queue), queue.is_of_another("a")) == ([("b", 1)], True)
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    assert not queue.is_of_another("a")
    assert queue.reclaim() == 1
    assert pulled(queue) == [("a", 2), ("b", 1)]
    assert list((tmp_path / FOLDER).iterdir()) == []


def test_a_run_of_which_there_is_no_file_is_over(tmp_path, queue, other):
    queue.own({"a"})
    publish(queue, "a")
    # As in a copy of the state.
    for one in (tmp_path / FOLDER).iterdir():
        one.unlink()
    assert other.free()
    assert pulled(other) == [("a", 1)]
