"""The worker and the ledger together: every second that its machine runs is in some row."""

from __future__ import annotations

import threading
import time

import pytest

from gpu_job.pipeline.worker import Worker
from shared.costs.executions import Meter, Place
from shared.flow import upload
from shared.state import documents
from tests.gpu_job.pipeline.test_worker import CountingEngine, toned, wait_until
from tests.world import IN_A_PROJECT, World, ledger_rows

RATE = 0.0002907
"""US dollars for a second of the smallest task with an L4."""


class GpuEngine(CountingEngine):
    engine = "parakeet-gpu"


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path, chunk_minutes=0.5, model="fake", engines="parakeet-gpu", **IN_A_PROJECT)
    yield toned(world)
    world.close()


def run(world, engine, *, until):
    """A worker in a task of Cloud Run; gives how long it lived, seconds."""
    stop, began = threading.Event(), time.time()
    with Meter(world.ports, Place(execution="gpu-x", task=0), "parakeet-gpu", began) as meter:
        worker = Worker(world.ports, lambda _: engine, meter=meter)
        thread = threading.Thread(target=worker.run, args=(stop,))
        thread.start()
        wait_until(until, 20.0)
        stop.set()
        thread.join()
    return time.time() - began


def test_attempts_and_idle_time_add_up_to_the_life_of_the_worker(world):
    recording = upload.on_upload(world.upload(), world.ports)
    lived = run(
        world,
        GpuEngine(seconds=0.2),
        until=lambda: world.ports.records.count(documents.CHUNKS, {"recording": recording.id}) == 2,
    )
    attempts = [row for row in ledger_rows(world.ports) if row.kind == "attempt"]
    assert [row.worker for row in attempts] == ["gpu-x.0"] * 2
    assert [row.owned_seconds for row in attempts] == [30.0, 30.0]
    assert sum(row.busy_seconds for row in attempts) >= 0.2
    idle = [row for row in ledger_rows(world.ports) if row.kind == "execution"]
    assert sum(row.billed_seconds for row in idle) > 0
    assert sum(row.usd for row in ledger_rows(world.ports)) == pytest.approx(lived * RATE, abs=0.1 * RATE)


def test_an_attempt_that_failed_has_its_row_with_the_time_it_took(world):
    recording = upload.on_upload(world.upload(), world.ports)
    engine = GpuEngine(seconds=0.2)
    engine.failures = 3
    lived = run(
        world,
        engine,
        until=lambda: world.ports.records.count(documents.CHUNKS, {"recording": recording.id}) == 2,
    )
    failed = [row for row in ledger_rows(world.ports) if row.outcome == "failed"]
    assert failed
    assert all(
        row.busy_seconds >= 0.1 and row.owned_seconds == 0 and row.audio_seconds >= 30 for row in failed
    )
    assert sum(row.usd for row in ledger_rows(world.ports)) == pytest.approx(lived * RATE, abs=0.1 * RATE)
