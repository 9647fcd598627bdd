"""What a worker pulls, and what it does where it cannot."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

import pytest

from gpu_job.pipeline.consumer import subscriptions_of
from gpu_job.pipeline.worker import Worker
from shared.errors import BucketRefused, ConfigurationError
from shared.flow import upload
from shared.settings import Settings
from shared.state import documents
from tests.gpu_job.pipeline.test_worker import CountingEngine, toned, wait_until
from tests.world import IN_A_PROJECT, World


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path, chunk_minutes=1.0, model="fake")
    yield toned(world)
    world.close()


def test_a_worker_pulls_what_it_can_run():
    assert subscriptions_of(Settings()) == ("cpu-worker", "gpu-worker")
    assert subscriptions_of(Settings(engines="parakeet-gpu")) == ("gpu-worker", "cpu-worker")
    gpu = Settings(**IN_A_PROJECT, engines="parakeet-gpu")
    assert subscriptions_of(gpu) == ("gpu-worker", "cpu-worker")
    assert subscriptions_of(replace(gpu, cpu_job="dropscribe-cpu")) == ("gpu-worker",)
    cpu = Settings(**IN_A_PROJECT, engines="parakeet-cpu", cpu_job="dropscribe-cpu")
    assert subscriptions_of(cpu) == ("cpu-worker",)


def work(world, ports, count, engine=None):
    worker, stop = Worker(ports, lambda _: engine or CountingEngine()), threading.Event()
    thread = threading.Thread(target=worker.run, args=(stop,))
    thread.start()
    try:
        wait_until(lambda: world.ports.records.count(documents.CHUNKS) == count, seconds=20)
    finally:
        stop.set()
        thread.join(20)


@pytest.mark.parametrize("most", [1, 4])
def test_one_machine_does_what_was_planned_with_a_gpu_and_without(world, most):
    recording = upload.on_upload(world.upload(), world.ports)
    [first, *_] = world.ports.queue.pull("cpu-worker", 1, 60.0)
    world.ports.queue.ack("cpu-worker", first.lease)
    world.ports.queue.publish("chunks-gpu", first.data, first.attributes)
    ports = replace(world.ports, settings=replace(world.settings, max_chunks=most))
    work(world, ports, len(recording.chunks))
    assert world.ports.queue.pending("cpu-worker") == world.ports.queue.pending("gpu-worker") == 0


def test_a_worker_goes_on_without_the_subscription_that_it_only_helps_out_with(world, monkeypatch):
    recording = upload.on_upload(world.upload(), world.ports)
    pull = world.ports.queue.pull

    def missing(subscription, *rest):
        if subscription == "gpu-worker":
            raise ConfigurationError("There is no subscription gpu-worker.")
        return pull(subscription, *rest)

    monkeypatch.setattr(world.ports.queue, "pull", missing)
    work(world, world.ports, len(recording.chunks))


def test_a_worker_that_can_never_pull_ends_with_the_reason(world, monkeypatch):
    def refused(*_):
        raise ConfigurationError("There is no subscription.")

    monkeypatch.setattr(type(world.ports.queue), "pull", refused)
    worker = Worker(world.ports, lambda _: CountingEngine())
    started = time.monotonic()
    with pytest.raises(ConfigurationError, match="There is no subscription"):
        worker.run(threading.Event(), idle_exit=60.0)
    assert time.monotonic() - started < 20


def test_nothing_is_recognised_while_its_result_could_not_be_stored(world, monkeypatch):
    recording = upload.on_upload(world.upload(), world.ports)
    engine, looks, store = CountingEngine(), [], world.ports.store

    def refusing_results_at_first(right):
        def call(bucket, *given):
            if bucket == "work" and len(looks) < 2:
                looks.append(list(engine.calls))
                raise BucketRefused(f"There is no bucket {bucket}.")
            return right(bucket, *given)

        return call

    # That it can be read is enough for the first delivery.
    for method in ("stat", "create"):
        monkeypatch.setattr(store, method, refusing_results_at_first(getattr(store, method)))
    work(world, world.ports, len(recording.chunks), engine)
    assert looks == [[], []]
