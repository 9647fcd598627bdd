"""A worker that is asked to stop, on Pub/Sub: which counts every delivery by itself."""

from __future__ import annotations

import os
from dataclasses import replace
from unittest import mock

import pytest
from test_utils.prefixer import Prefixer

from gpu_job.pipeline import worker
from shared.adapters.pubsub import PubSubQueue
from shared.flow import upload
from shared.topology import topology
from tests.gpu_job.pipeline.test_worker import CountingEngine, chunks_done, due, toned, work
from tests.gpu_job.pipeline.test_worker_give_back import Endless, stopped
from tests.pubsub_topology import AT_ONCE, ensure
from tests.world import World

NAMES = Prefixer("dropscribe", "give-back", separator="-")


@pytest.fixture
def world(tmp_path, pubsub_address, monkeypatch):
    monkeypatch.setattr(worker, "RECOGNISED_BY", 0.3)
    monkeypatch.setattr(worker, "COMMITTED_BY", 0.6)
    with mock.patch.dict(os.environ, {"PUBSUB_EMULATOR_HOST": pubsub_address}):
        queue = PubSubQueue(NAMES.create_prefix(), pull_seconds=AT_ONCE)
        ensure(queue.project, topology())
        world = toned(World(tmp_path, chunk_minutes=0.5, model="fake", batch_size=8))
        world.ports = replace(world.ports, queue=queue)
        yield world
        queue.close()
        world.close()


def test_a_healthy_chunk_that_workers_gave_back_is_as_if_never_delivered(world):
    recording = upload.on_upload(world.upload(), world.ports)
    for _ in range(3):
        engine = Endless()
        summary = stopped(world, engine, when=lambda _, engine=engine: engine.begun.is_set())
        assert summary.given_back == 2
    again = due(world, 2)
    assert [one.attempt for one in again] == [1, 1]
    for one in again:
        world.ports.queue.postpone("cpu-worker", one.lease, 0.0)
    work(world, CountingEngine(), until=lambda: chunks_done(world, recording) == 2)
    assert due(world, 1, seconds=1.0) == []
