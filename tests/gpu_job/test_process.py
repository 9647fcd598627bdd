"""What a worker process says at its start and at its end."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import replace

import pytest

from gpu_job import loading, process
from gpu_job.speech.transcriber import Device
from shared.engines import PARAKEET_CPU
from shared.errors import ConfigurationError, Transient
from shared.flow import capacity, upload
from shared.flow.capacity import Work
from tests.gpu_job.pipeline.test_worker import CountingEngine, Fragile, poison, toned
from tests.world import World

L4 = Device(
    name="NVIDIA L4",
    memory=24_000_000_000,
    driver="CUDA 12.2, 535.216.03",
    dtype="bfloat16",
    graphs="no_while_loops: Driver supports cuda toolkit version 12.2",
)
PROCESSOR = Device(name="processor", memory=0, driver="", dtype="float32", graphs="no CUDA graphs: no GPU")


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path, chunk_minutes=0.5, model="fake")
    yield toned(world)
    world.close()


@pytest.fixture
def run(world, monkeypatch, caplog):
    """Run a worker on an engine until it ends by itself; gives what it said."""
    monkeypatch.setattr(process, "IDLE_EXIT", 0.3)

    def run(one, device, age=2.0):
        one.device = device

        def load(_settings, _model, start_up):
            with start_up.timed("weights"):
                time.sleep(0.06)
            return one

        monkeypatch.setattr(loading, "load", load)
        caplog.set_level(logging.INFO)
        try:
            process.run(world.ports, threading.Event(), stay=False, began=time.time() - age)
        finally:
            said.extend(record.getMessage() for record in caplog.records)

    said = []
    run.said = said
    return run


def test_it_names_what_it_runs_on_and_how_long_that_took(run):
    run(CountingEngine(), L4)
    (ready,) = [line for line in run.said if " is ready on " in line]
    assert ready.startswith(
        "fake is ready on NVIDIA L4, CUDA 12.2, 535.216.03, bfloat16, CUDA graphs no_while_loops: Driver supports cuda "
        "toolkit version 12.2; so far: process 2."
    )
    assert "load 0.1 s" in ready


def test_a_processor_has_no_driver_and_no_graphs(run):
    run(CountingEngine(), PROCESSOR)
    assert any(line.startswith("fake is ready on processor, float32; so far: ") for line in run.said)


def test_its_last_line_says_that_there_was_nothing_to_do(run):
    run(CountingEngine(), PROCESSOR)
    assert run.said[-1].startswith("worker ends: 0.00 audio-hours, 0 chunks")
    assert "start-up: process 2." in run.said[-1]
    assert run.said[-1].endswith("; nothing to do")


def test_one_that_breaks_down_says_the_same_line_before_it_ends(run, world):
    upload.on_upload(world.upload("bad.wav"), world.ports)
    poison(world, "bad.wav", 0)
    with pytest.raises(Transient):
        run(Fragile(), L4)
    (line,) = [line for line in run.said if line.startswith("worker ends: ")]
    assert "engine busy" in line
    assert line.endswith("; broke down (Transient)")


@pytest.mark.parametrize(("minutes", "said"), [(1.0, "; its time is over"), (55.0, "; nothing to do")])
def test_it_ends_by_itself_before_its_task_would_be_killed(world, run, minutes, said):
    """The task began 60 seconds ago in each case."""
    world.ports = replace(world.ports, settings=replace(world.settings, worker_minutes=minutes))
    run(CountingEngine(), PROCESSOR, age=60.0)
    assert run.said[-1].endswith(said)


def test_an_image_with_other_weights_fails_no_chunk_and_nobody_starts_more_of_it(world, run):
    world.ports = replace(
        world.ports, settings=replace(world.settings, image_model="nvidia/parakeet-tdt-0.6b-v2")
    )
    upload.on_upload(world.upload(), world.ports)
    with pytest.raises(
        ConfigurationError, match=r"holds the weights nvidia/parakeet-tdt-0.6b-v2.*--build-arg"
    ):
        run(CountingEngine(), PROCESSOR)
    assert [one.attempt for one in world.pull(PARAKEET_CPU.subscription)] == [1, 1]
    start = capacity.start_workers(Work(chunks=2, seconds=60.0), world.ports, waited=60.0)
    assert start.state.status == "unfit"
    assert "Build the image with --build-arg MODEL=fake" in start.reason


def test_an_image_with_the_weights_of_the_deployment_works(world, run):
    world.ports = replace(world.ports, settings=replace(world.settings, image_model="fake"))
    run(CountingEngine(), PROCESSOR)
    assert run.said[-1].endswith("; nothing to do")
