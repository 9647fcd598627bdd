"""Leases, and a message that comes again while it is worked on, because its lease has run out meanwhile."""

from __future__ import annotations

import time

import pytest

from gpu_job.pipeline.committer import Committer
from gpu_job.pipeline.consumer import Consumer
from gpu_job.pipeline.diarization import Diarization
from gpu_job.pipeline.inflight import Inflight
from gpu_job.pipeline.summary import Summary
from shared.costs.executions import Meter
from shared.engines import PARAKEET_CPU
from shared.flow import upload
from shared.ports import Delivery
from tests.gpu_job.pipeline.test_worker import CountingEngine, chunks_done, toned, wait_until
from tests.voices import FakeDiarizer
from tests.world import World

CPU = PARAKEET_CPU.subscription


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path, chunk_minutes=1.0, model="fake")
    yield toned(world)
    world.close()


class Steps:
    """The first and the last step of the pipeline, with nothing between."""

    def __init__(self, ports):
        self.inflight = Inflight(ports.queue, ports.settings.lease_seconds, 4.0, [CPU])
        meter = Meter(ports, None, "parakeet-cpu", 0.0)
        diarization = Diarization(FakeDiarizer, self.inflight.watchdog)
        self.committer = Committer(ports, self.inflight, meter, Summary(), diarization)
        self.consumer = Consumer(ports, self.inflight, self.committer, [CPU])

    def next(self):
        return self.consumer.ready.get(timeout=10)

    def recognised(self, job):
        """The job with a word in each window."""
        job.words = dict(enumerate(CountingEngine().transcribe(job.windows)))
        self.committer.recognised(job, CountingEngine())


@pytest.fixture
def steps(world):
    steps = Steps(world.ports)
    steps.inflight.start()
    steps.consumer.start()
    yield steps
    steps.consumer.stop()
    steps.committer.close()
    steps.committer.finish(5.0)
    steps.inflight.give_back(5.0, lambda _: True)
    steps.consumer.join(5.0)


def soon(condition):
    wait_until(condition, 10)


def come_again(world, steps):
    """Let the lease of what is in flight run out, and the same consumer pull the message once more."""
    with world.database.write() as connection:
        connection.execute("UPDATE messages SET lease = NULL, owner = NULL, due = 0")
    soon(lambda: len(steps.inflight) == 2)
    time.sleep(0.3)


def waiting(world):
    return world.ports.queue.pending(CPU)


def test_it_is_not_acknowledged_before_the_work_on_it_is_done(world, steps):
    recording = upload.on_upload(world.upload(), world.ports)
    first = steps.next()
    come_again(world, steps)
    assert waiting(world) == 1
    steps.recognised(first)
    soon(lambda: waiting(world) == 0)
    assert chunks_done(world, recording) == 1
    soon(lambda: steps.inflight.idle_seconds > 0)


def test_it_comes_again_where_the_work_on_it_fails(world, steps):
    upload.on_upload(world.upload(), world.ports)
    first = steps.next()
    come_again(world, steps)
    steps.committer.failed([first], RuntimeError("the engine broke"))
    again = steps.next()
    assert waiting(world) == 1
    assert again.message == first.message
    steps.recognised(again)
    soon(lambda: waiting(world) == 0)


def test_another_message_about_the_same_chunk_is_acknowledged_at_once(world, steps):
    event = world.upload()
    recording = upload.on_upload(event, world.ports)
    first = steps.next()
    upload.take(recording.source, recording.options, world.ports)
    soon(lambda: waiting(world) == 1 and len(steps.inflight) == 1)
    steps.recognised(first)
    soon(lambda: waiting(world) == 0)


class Leases:
    """A queue whose leases can be renewed, until one is taken away."""

    def __init__(self):
        self.renewed = []
        self.acked = []
        self.lost = set()
        self.broken = False

    def extend(self, _subscription, lease, _seconds):
        self.renewed.append(lease)
        if self.broken:
            self.broken = False
            raise ValueError("an answer that is none")
        return lease not in self.lost

    def ack(self, _subscription, lease):
        self.acked.append(lease)
        return True


def delivered(lease):
    return Delivery(message_id=lease, lease=lease, data=b"", attributes={}, attempt=1, published=0.0)


@pytest.fixture
def leases():
    queue = Leases()
    inflight = Inflight(queue, 0.06, 4.0, [CPU])
    inflight.start()
    yield queue, inflight
    inflight.give_back(1.0, lambda _: True)


def test_a_lease_is_renewed_until_its_message_is_acknowledged(leases):
    queue, inflight = leases
    inflight.add(CPU, [delivered("a")])
    soon(lambda: len(queue.renewed) > 2)
    inflight.ack(delivered("a"))
    time.sleep(0.05)
    count = len(queue.renewed)
    time.sleep(0.2)
    assert len(queue.renewed) == count
    assert queue.acked == ["a"]


def test_a_lease_that_has_run_out_is_renewed_no_more_and_one_that_could_not_be_renewed_is_tried_again(leases):
    queue, inflight = leases
    queue.lost, queue.broken = {"a"}, True
    inflight.add(CPU, [delivered("b")])
    soon(lambda: queue.renewed.count("b") > 2)
    inflight.add(CPU, [delivered("a")])
    soon(lambda: "a" in queue.renewed)
    time.sleep(0.2)
    assert queue.renewed.count("a") == 1
    assert len(inflight) == 2, "its result is still wanted"
    inflight.ack(delivered("a"))
    inflight.ack(delivered("b"))
