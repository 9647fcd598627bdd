"""A message that comes again while it is worked on, because its lease has run out meanwhile."""

from __future__ import annotations

import threading
import time

import pytest

from gpu_job.pipeline.consumer import Intake
from gpu_job.pipeline.worker import Worker
from shared.engines import PARAKEET_CPU
from shared.errors import ConfigurationError, StoreUnavailable
from shared.flow import upload
from shared.state import failure_log
from tests.gpu_job.pipeline.test_worker import CountingEngine, toned
from tests.world import World


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path, chunk_minutes=1.0, model="fake")
    yield toned(world)
    world.close()


@pytest.fixture
def intake(world):
    intake = Intake(world.ports, [PARAKEET_CPU.subscription])
    intake.start()
    yield intake
    intake.stop()
    intake.hand_back(5.0, lambda _: True)
    intake.join(5.0)


def soon(condition):
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


def come_again(world, intake):
    """Let the lease of what is in hand run out, and the same intake pull the message once more."""
    with world.database.write() as connection:
        connection.execute("UPDATE messages SET lease = NULL, owner = NULL, due = 0")
    soon(lambda: len(intake._hand) == 2)
    time.sleep(0.3)


def waiting(world):
    return world.ports.queue.pending(PARAKEET_CPU.subscription)


def test_it_is_not_acknowledged_before_the_work_on_it_is_done(world, intake):
    upload.on_upload(world.upload(), world.ports)
    first = intake.ready.get(timeout=10)
    come_again(world, intake)
    assert waiting(world) == 1
    intake.finished(first)
    assert waiting(world) == 0
    assert intake.idle_seconds > 0


def test_it_comes_again_where_the_work_on_it_fails(world, intake):
    recording = upload.on_upload(world.upload(), world.ports)
    first = intake.ready.get(timeout=10)
    come_again(world, intake)
    intake.failed(first.delivery, recording.id, RuntimeError("the engine broke"))
    assert waiting(world) == 1
    again = intake.ready.get(timeout=10)
    assert again.message == first.message
    intake.finished(again)
    assert waiting(world) == 0


def test_another_message_about_the_same_chunk_is_acknowledged_at_once(world, intake):
    event = world.upload()
    recording = upload.on_upload(event, world.ports)
    first = intake.ready.get(timeout=10)
    upload.take(recording.source, recording.options, world.ports)
    soon(lambda: waiting(world) == 1 and len(intake._hand) == 1)
    intake.finished(first)
    assert waiting(world) == 0


def test_what_failed_is_noted(world, intake):
    recording = upload.on_upload(world.upload(), world.ports)
    first = intake.ready.get(timeout=10)
    intake.failed(first.delivery, recording.id, StoreUnavailable("The store is away."))
    [(_, noted)] = world.ports.records.query(failure_log.FAILURES)
    assert (noted["recording"], noted["chunk"], noted["where"]) == (recording.id, 0, "parakeet-cpu")
    assert (noted["error"], noted["reason"]) == ("StoreUnavailable", "The store is away.")


def test_a_worker_that_can_never_pull_ends_with_the_reason(world, monkeypatch):
    def refused(*_):
        raise ConfigurationError("There is no subscription.")

    monkeypatch.setattr(type(world.ports.queue), "pull", refused)
    worker = Worker(world.ports, lambda _: CountingEngine())
    started = time.monotonic()
    with pytest.raises(ConfigurationError, match="There is no subscription"):
        worker.run(threading.Event(), idle_exit=60.0)
    assert time.monotonic() - started < 20
