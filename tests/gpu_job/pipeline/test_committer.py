"""What becomes of a chunk. One that ends the process of its worker goes to the next engine; its neighbours do not."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import replace
from types import SimpleNamespace

import pytest

from gpu_job.pipeline.chunk_job import prepare
from gpu_job.pipeline.worker import Worker
from shared.engines import DEEPGRAM, PARAKEET_CPU
from shared.errors import BadMedia, StoreUnavailable
from shared.flow import upload
from shared.messages import ChunkMessage, decode
from shared.state import documents, failure_log
from tests.gpu_job.pipeline.test_inflight import Steps, soon, waiting
from tests.gpu_job.pipeline.test_worker import CountingEngine, chunks_done, state, toned, wait_until, work
from tests.gpu_job.pipeline.test_worker_give_back import Endless
from tests.world import World


@pytest.fixture
def world(tmp_path):
    world = toned(
        World(tmp_path, chunk_minutes=0.5, model="fake", batch_size=8, api_keys={"deepgram": "key"})
    )
    world.ports = replace(world.ports, engines=frozenset({"parakeet-cpu", "deepgram"}))
    yield world
    world.close()


@pytest.fixture
def one_chunk(tmp_path):
    world = toned(World(tmp_path, chunk_minutes=1.0, model="fake"))
    yield world
    world.close()


@pytest.fixture
def pulled(one_chunk):
    """The pipeline's last step, with a message in flight."""
    steps = Steps(one_chunk.ports)
    recording = upload.on_upload(one_chunk.upload(), one_chunk.ports)
    [delivery] = one_chunk.ports.queue.pull(PARAKEET_CPU.subscription, 1, 60.0)
    steps.inflight.add(PARAKEET_CPU.subscription, [delivery])
    return one_chunk, steps, recording, delivery


def prepared(world, delivery):
    return prepare(delivery, decode(delivery.data, ChunkMessage), world.ports, share=1.0)


def test_a_result_is_durable_and_announced_before_its_message_is_acknowledged(pulled):
    world, steps, recording, delivery = pulled
    found = []

    def ack(subscription, lease):
        name = f"chunks/{recording.id}/00000.json"
        found.append(world.ports.records.count(documents.LEDGER))
        found.append(world.ports.store.load("work", name) is not None)
        found.append(chunks_done(world, recording))
        found.append(world.ports.queue.pending("merger"))
        return world.ports.queue.ack(subscription, lease)

    steps.inflight._queue = SimpleNamespace(ack=ack)
    steps.recognised(prepared(world, delivery))
    soon(lambda: len(found) == 4 and len(steps.inflight) == 0)
    assert found == [1, True, 1, 1]
    soon(lambda: waiting(world) == 0)


def test_after_the_close_nothing_is_committed(pulled):
    world, steps, recording, delivery = pulled
    job = prepared(world, delivery)
    steps.committer.close()
    steps.recognised(job)
    steps.committer.failed([job], RuntimeError("broke"))
    steps.committer.finish(5.0)
    assert (chunks_done(world, recording), len(steps.inflight), waiting(world)) == (0, 1, 1)
    assert steps.committer.unfinished == frozenset()
    assert world.ports.records.count(failure_log.FAILURES) == 0


def test_a_chunk_that_is_not_wanted_is_acknowledged_and_gives_no_job(pulled):
    world, steps, recording, delivery = pulled
    message = decode(delivery.data, ChunkMessage)
    assert steps.committer.wants(delivery, message, 1.0)
    world.ports.records.create(
        documents.CHUNKS, documents.chunk_key(recording.id, 0), {"recording": recording.id}
    )
    steps.inflight._messages[delivery.lease].chunk = None
    assert not steps.committer.wants(delivery, message, 1.0)
    assert (len(steps.inflight), waiting(world)) == (0, 0)


@pytest.mark.parametrize(
    ("error", "now", "left"),
    [
        (BadMedia("limit", "It kept the decoder busy for too long."), "FAILED", 0),
        (StoreUnavailable("The store is away."), "PLANNED", 1),
    ],
)
def test_what_cannot_be_decoded_ends_its_recording_or_comes_again(pulled, error, now, left):
    world, steps, recording, delivery = pulled
    steps.committer.decoding_failed(delivery, error)
    assert (state(world, recording), waiting(world), len(steps.inflight)) == (now, left, 0)


def test_what_failed_is_noted(pulled):
    world, steps, recording, delivery = pulled
    steps.committer.decoding_failed(delivery, StoreUnavailable("The store is away."))
    [(_, noted)] = world.ports.records.query(failure_log.FAILURES)
    assert (noted["recording"], noted["chunk"], noted["where"]) == (recording.id, 0, "parakeet-cpu")
    assert (noted["error"], noted["reason"]) == ("StoreUnavailable", "The store is away.")


@contextmanager
def killed(world, engine):
    """A worker that is killed in a call of its engine: it writes nothing more, and its messages come again."""
    stop = threading.Event()
    worker = Worker(world.ports, lambda _model: engine)
    thread = threading.Thread(target=worker.run, args=(stop,), kwargs={"warm": "fake"})
    thread.start()
    wait_until(engine.begun.is_set, 20.0)
    worker._consumer.stop()
    worker._consumer.join(5.0)
    worker._committer.close()
    with world.database.write() as connection:
        connection.execute("UPDATE messages SET lease = NULL, owner = NULL, due = 0")
    yield
    engine.go_on.set()
    stop.set()
    thread.join()


def handed_on(world):
    return [decode(one.data, ChunkMessage) for one in world.pull(DEEPGRAM.subscription)]


def test_it_runs_alone_the_second_time_and_goes_to_the_next_engine_the_third_time(world):
    recording = upload.on_upload(world.upload(), world.ports)
    with killed(world, Endless()), killed(world, Endless()):
        # The other one was in hand only, and is tried on.
        work(world, CountingEngine(), until=lambda: chunks_done(world, recording) == 1)
        [message] = handed_on(world)
    assert message.chunk.engine == "deepgram"
    assert "was killed twice" in message.tried[0].reason


def test_one_that_failed_alone_and_said_so_is_tried_again(world):
    recording = upload.on_upload(world.upload(), world.ports)
    with killed(world, Endless()):
        engine = CountingEngine()
        engine.failures = 2
        work(world, engine, until=lambda: chunks_done(world, recording) == 2)
    assert handed_on(world) == []


def test_without_another_engine_it_is_tried_on(world):
    world.ports = replace(world.ports, engines=frozenset({"parakeet-cpu"}))
    recording = upload.on_upload(world.upload(), world.ports)
    with killed(world, Endless()), killed(world, Endless()):
        work(world, CountingEngine(), until=lambda: chunks_done(world, recording) == 2)
    assert state(world, recording) == "PLANNED"
    assert handed_on(world) == []
