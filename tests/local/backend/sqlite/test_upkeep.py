"""What the embedded queue does beyond its port."""

from __future__ import annotations

import os

from local.backend.sqlite.database import Database
from local.backend.sqlite.queue import SqliteQueue
from shared.engines import PARAKEET_GPU
from shared.messages import AUDIO_FINALIZED, CHUNKS_DONE


def test_purge_drops_the_messages_of_these_recordings_only(queue):
    for topic, recording in [
        (PARAKEET_GPU.topic, "a"),
        (PARAKEET_GPU.topic, "b"),
        (CHUNKS_DONE, "a"),
        (PARAKEET_GPU.topic, "c"),
    ]:
        queue.publish(topic, b"x", {"recording": recording})
    queue.publish(PARAKEET_GPU.topic, b"x")
    (leased,) = queue.pull("gpu-worker", 1, 60.0)
    assert queue.purge("recording", "a", "b", "z") == 3
    assert not queue.ack("gpu-worker", leased.lease)
    assert queue.pending("gpu-worker") == 2
    assert queue.pending("merger") == 0


def test_purge_can_be_for_one_subscription(queue):
    for topic in (PARAKEET_GPU.topic, CHUNKS_DONE):
        queue.publish(topic, b"x", {"recording": "a"})
    assert queue.purge("recording", "a", subscription="merger") == 1
    assert (queue.pending("gpu-worker"), queue.pending("merger")) == (1, 0)


def test_what_a_dead_process_holds_is_in_nobodys_hand(tmp_path, queue, clock):
    queue.publish(AUDIO_FINALIZED, b"x")
    assert not queue.in_hand()
    child = os.fork()
    if child == 0:
        SqliteQueue(Database(tmp_path / "state.sqlite"), clock).pull("router", 1, 60.0)
        os._exit(0)
    os.waitpid(child, 0)
    assert not queue.in_hand()
    queue.publish(AUDIO_FINALIZED, b"y")
    queue.pull("router", 1, 60.0)
    assert queue.in_hand()


def test_leases_of_a_dead_process_end_at_once_and_stay_counted(tmp_path, queue, clock):
    queue.publish(AUDIO_FINALIZED, b"theirs")
    child = os.fork()
    if child == 0:
        SqliteQueue(Database(tmp_path / "state.sqlite"), clock).pull("router", 1, 60.0)
        os._exit(0)
    os.waitpid(child, 0)
    queue.publish(AUDIO_FINALIZED, b"ours")
    assert [one.data for one in queue.pull("router", 9, 60.0)] == [b"ours"]
    assert queue.reclaim() == 1
    assert [(one.data, one.attempt) for one in queue.pull("router", 9, 60.0)] == [(b"theirs", 2)]
    assert queue.reclaim() == 0
