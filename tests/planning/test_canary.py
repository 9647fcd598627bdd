"""The next release's workers: which recordings they take, who starts them, what they pull, and what is paid."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gpu_job.pipeline.consumer import subscriptions_of
from shared.costs import executions
from shared.engines import PARAKEET_CPU, PARAKEET_GPU
from shared.flow import dispatch, upload
from shared.model import StoredObject
from shared.planning import worker_pools
from shared.routing import flags
from shared.settings import Settings
from shared.state import documents
from shared.sweep import observe, sweep
from tests.flow.test_capacity import ScriptedJobs
from tests.world import IN_A_PROJECT

SETTINGS = Settings(**IN_A_PROJECT, engines="parakeet-gpu", release="two")
GPU, CPU = PARAKEET_GPU.name, PARAKEET_CPU.name
KEYS = [f"recording-{number}" for number in range(2000)]


@pytest.fixture
def ports(world):
    settings = replace(SETTINGS, state_dir=world.settings.state_dir, chunk_minutes=0.5)
    return replace(
        world.ports,
        settings=settings,
        engines=settings.engine_set,
        gpu_jobs=ScriptedJobs(),
        canary_jobs=ScriptedJobs(),
    )


def share(percent, ports):
    flags.change({"DROPSCRIBE_GPU_CANARY_PERCENT": percent}, ports)


def test_a_share_is_as_large_as_asked_and_a_larger_one_includes_it():
    def taken(percent):
        settings = replace(SETTINGS, canary_percent=percent)
        return {key for key in KEYS if worker_pools.on_canary(key, GPU, settings)}

    shares = [taken(percent) for percent in (0, 10, 50, 100)]
    assert [len(one) for one in shares] == [0, pytest.approx(200, abs=45), pytest.approx(1000, abs=90), 2000]
    assert shares[0] < shares[1] < shares[2] < shares[3]


def test_no_other_engine_and_no_machine_of_its_own_has_a_canary():
    assert not worker_pools.on_canary("x", CPU, replace(SETTINGS, canary_percent=100))
    assert not worker_pools.on_canary("x", GPU, Settings(canary_percent=100))
    assert worker_pools.lane_of("x", GPU, SETTINGS) == "main"


@pytest.mark.parametrize(
    ("percent", "job", "other"), [("100", "canary_jobs", "gpu_jobs"), ("0", "gpu_jobs", "canary_jobs")]
)
def test_chunks_of_the_share_go_to_the_next_release_and_start_its_workers_only(world, ports, percent, job, other):  # fmt: skip
    share(percent, ports)
    recording = upload.on_upload(world.upload(), ports)
    lanes = ["gpu-worker", "gpu-worker-canary"]
    assert [len(world.pull(one)) for one in lanes] == ([0, 2] if percent == "100" else [2, 0])
    assert (len(getattr(ports, job).started), getattr(ports, other).started) == (1, [])
    assert recording.release == "two"


def test_what_is_published_again_after_the_share_is_gone_goes_to_the_present_release(world, ports):
    share("100", ports)
    recording = upload.on_upload(world.upload(), ports)
    world.pull("gpu-worker-canary")
    share("0", ports)
    dispatch.publish_chunks(recording, ports, again=True)
    assert (len(world.pull("gpu-worker")), world.pull("gpu-worker-canary")) == (2, [])


def test_the_sweeper_starts_missing_workers_of_the_next_release(world, ports):
    share("100", ports)
    upload.on_upload(world.upload(), ports)
    ports.canary_jobs.started.clear()
    ports.canary_jobs.running = 0
    world.clock.time += 180
    assert observe.backlog_of(ports).chunks == {"canary": 2}
    assert sweep.start_workers(ports) == 1
    assert (ports.canary_jobs.started, ports.gpu_jobs.started) == ([1], [])


def test_its_bill_is_closed_although_its_share_is_gone(ports, monkeypatch):
    seen = []
    monkeypatch.setattr(executions, "_reconcile", lambda pool, _: seen.append(pool) or 0)
    sweep.on_tick(ports)
    share("0", ports)
    sweep.on_tick(ports)
    assert seen == ["main", "main", "canary"]


def test_its_worker_pulls_nothing_else():
    assert subscriptions_of(replace(SETTINGS, gpu_lane="canary")) == ("gpu-worker-canary",)
    assert "gpu-worker-canary" not in subscriptions_of(SETTINGS)


def test_a_recording_keeps_the_release_that_first_saw_it(world, ports):
    source = StoredObject(bucket="audio", name="one.wav", generation=1, size=1)
    first = upload.accept(source, upload.Options(), ports)
    later = replace(ports, settings=replace(ports.settings, release="three"))
    assert upload.accept(source, upload.Options(), later).release == first.release == "two"
    assert documents.get_recording(ports.records, first.id).release == "two"
