"""What a worker acknowledges: what is done, void, or worked on for a message of the same turn. Nothing else."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from types import SimpleNamespace

import pytest

from gpu_job.pipeline.inflight import Inflight
from gpu_job.pipeline.worker import Worker
from shared.errors import EngineLimit
from shared.flow import upload
from shared.ports import Delivery, WorkerState
from shared.state import dead_letters, documents
from tests.gpu_job.pipeline.test_worker import CountingEngine, toned, wait_until
from tests.world import World


class SlowJobs:
    """Cloud Run takes its time: between the message of the next engine and the end of the delivery before."""

    def state(self):
        time.sleep(0.3)
        return WorkerState(status="ready", running=1)

    def start(self, _tasks):
        return self.state()

    def ended(self, _since):
        return []


class TooLarge(CountingEngine):
    engine = "parakeet-gpu"

    def transcribe(self, windows, phrases=(), languages=()):
        raise EngineLimit("does not fit the GPU")


def test_a_hand_over_inside_one_worker_loses_no_chunk(tmp_path):
    world = toned(World(tmp_path, chunk_minutes=10, model="fake", engines="parakeet-gpu,parakeet-cpu"))
    world.ports = replace(
        world.ports, engines=frozenset({"parakeet-gpu", "parakeet-cpu"}), gpu_jobs=SlowJobs()
    )
    for number in range(8):
        upload.on_upload(world.upload(f"{number}.wav"), world.ports)
    stop, engine = threading.Event(), CountingEngine()
    worker = Worker(world.ports, lambda _: TooLarge(), load_cpu=lambda _: engine)
    thread = threading.Thread(target=worker.run, args=(stop,), kwargs={"warm": "fake"})
    thread.start()
    try:
        wait_until(lambda: world.ports.records.count(documents.CHUNKS) == 8, 30)
    finally:
        stop.set()
        thread.join()
    assert world.ports.records.count(documents.CHUNKS) == 8
    world.close()


class Queue:
    """Remembers what became of which lease."""

    def __init__(self):
        self.log = []

    def __getattr__(self, name):
        def call(_subscription, lease, *_):
            self.log.append((name, lease))
            return True

        return call


def pulled(message_id, lease):
    return Delivery(message_id=message_id, lease=lease, data=b"", attributes={}, attempt=1, published=0.0)


def about(turn, life=0, planned=0.0):
    chunk = SimpleNamespace(index=0)
    return SimpleNamespace(recording="r", chunk=chunk, turn=turn, life=life, planned=planned)


@pytest.fixture
def inflight():
    return Inflight(Queue(), 60.0, 8, ["cpu-worker"])


def test_two_deliveries_of_a_copy_do_not_wait_for_each_other(inflight):
    first, copy, again = pulled("1", "L1"), pulled("2", "L2a"), pulled("2", "L2b")
    inflight.add("cpu-worker", [first, copy, again])
    assert inflight.claim(first, about(0), 1.0) == "taken"
    assert inflight.claim(copy, about(0), 1.0) == "copy"
    assert inflight.claim(again, about(0), 1.0) == "copy"
    inflight.ack(copy)
    inflight.ack(first)
    assert len(inflight) == 0


def test_another_lease_on_the_message_that_is_worked_on_stays_in_flight_with_it(inflight):
    first, again = pulled("1", "L1"), pulled("1", "L2")
    inflight.add("cpu-worker", [first, again])
    assert inflight.claim(first, about(0), 1.0) == "taken"
    assert inflight.claim(again, about(0), 1.0) == "redelivery"
    assert len(inflight) == 2
    inflight.ack(first)
    assert len(inflight) == 0


@pytest.mark.parametrize(("turn", "claimed"), [(0, "copy"), (1, "copy"), (2, "later turn")])
def test_a_message_of_a_later_turn_is_no_copy(inflight, turn, claimed):
    first, other = pulled("1", "L1"), pulled("2", "L2")
    inflight.add("cpu-worker", [first, other])
    inflight.claim(first, about(1), 1.0)
    assert inflight.claim(other, about(turn), 1.0) == claimed


@pytest.mark.parametrize(("turn", "life", "claimed"), [(0, 1, "copy"), (0, 2, "later turn"), (3, 0, "copy")])
def test_a_message_of_a_later_life_is_no_copy(inflight, turn, life, claimed):
    first, other = pulled("1", "L1"), pulled("2", "L2")
    inflight.add("cpu-worker", [first, other])
    inflight.claim(first, about(1, life=1), 1.0)
    assert inflight.claim(other, about(turn, life), 1.0) == claimed


@pytest.mark.parametrize(("planned", "claimed"), [(0.0, "copy"), (7.0, "copy"), (8.0, "later turn")])
def test_a_message_about_a_result_that_was_lost_is_no_copy_of_the_one_that_made_it(
    inflight, planned, claimed
):
    first, other = pulled("1", "L1"), pulled("2", "L2")
    inflight.add("cpu-worker", [first, other])
    inflight.claim(first, about(0, planned=7.0), 1.0)
    assert inflight.claim(other, about(0, planned=planned), 1.0) == claimed


def test_what_no_message_should_be_is_kept_once_and_no_thread_is_lost(tmp_path):
    world = toned(World(tmp_path, chunk_minutes=1.0, model="fake"))
    nested = b'{"x":' + b"[" * 1200 + b"]" * 1200 + b"}"
    world.ports.queue.publish("chunks-cpu", nested, {})
    upload.on_upload(world.upload(), world.ports)
    stop, engine = threading.Event(), CountingEngine()
    worker = Worker(world.ports, lambda _: engine)
    thread = threading.Thread(target=worker.run, args=(stop,), kwargs={"warm": "fake"})
    thread.start()
    try:
        wait_until(lambda: world.ports.records.count(documents.CHUNKS) == 1, 30)
        wait_until(lambda: world.ports.queue.pending("cpu-worker") == 0, 30)
        assert thread.is_alive()
    finally:
        stop.set()
        thread.join()
    assert worker.summary.ended == "asked to stop"
    [(_, letter)] = world.ports.records.query(dead_letters.DEAD_LETTERS)
    assert letter["data"] == nested.decode()
    assert letter["attributes"][dead_letters.SOURCE] == "cpu-worker"
    world.close()
