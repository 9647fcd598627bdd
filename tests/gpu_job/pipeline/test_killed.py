"""A chunk that ends the whole process of its worker goes to the next engine; what was beside it does not."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import replace

import pytest

from gpu_job.pipeline.worker import Worker
from shared.engines import DEEPGRAM
from shared.flow import upload
from shared.messages import ChunkMessage, decode
from tests.gpu_job.pipeline.test_give_back import Endless
from tests.gpu_job.pipeline.test_worker import CountingEngine, chunks_done, state, toned, wait_until, work
from tests.world import World


@pytest.fixture
def world(tmp_path):
    world = toned(
        World(tmp_path, chunk_minutes=0.5, model="fake", batch_size=8, api_keys={"deepgram": "key"})
    )
    world.ports = replace(world.ports, engines=frozenset({"parakeet-cpu", "deepgram"}))
    yield world
    world.close()


@contextmanager
def killed(world, engine):
    """A worker that is killed in a call of its engine: it writes nothing more, and its messages come again."""
    stop = threading.Event()
    worker = Worker(world.ports, lambda _model: engine)
    thread = threading.Thread(target=worker.run, args=(stop,), kwargs={"warm": "fake"})
    thread.start()
    wait_until(engine.begun.is_set, 20.0)
    worker._intake.stop()
    worker._intake.join(5.0)
    worker._keepers.close()
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
    assert "died twice without an error message" in message.tried[0].reason


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
