"""Workers with and without a GPU: whose chunks are whose, who starts them, what is known of them and paid."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.costs import executions
from shared.costs.prices import TABLE
from shared.engines import spec
from shared.flow import capacity, upload
from shared.model import Options
from shared.planning import worker_pools
from shared.planning.worker_pools import IDLE_EXIT
from shared.ports import TaskRun
from shared.routing import conditions
from shared.routing.conditions import Conditions, Workers
from shared.routing.pace import pace_of
from shared.settings import Settings
from shared.state import documents
from shared.sweep import sweep
from tests.flow.test_capacity import ScriptedJobs, of
from tests.routing.test_route import NOW, case, decide, known
from tests.world import IN_A_PROJECT

BOTH = "parakeet-gpu,parakeet-cpu"
APART = Settings(**IN_A_PROJECT, engines=BOTH, cpu_job="dropscribe-cpu")
BESIDE = Settings(**IN_A_PROJECT, engines=BOTH)
OUT = Workers(status="quota", said="No vCPUs are left.", avoid_until=NOW + 60)


@pytest.fixture
def ports(world):
    settings = replace(APART, state_dir=world.settings.state_dir, chunk_minutes=0.5)
    return replace(
        world.ports,
        settings=settings,
        engines=settings.engine_set,
        gpu_jobs=ScriptedJobs(),
        cpu_jobs=ScriptedJobs(),
    )


def planned_for_cpu(world, ports):
    """A recording whose first chunk was planned for the workers without a GPU."""
    recording = upload.on_upload(world.upload(), replace(ports, gpu_jobs=ScriptedJobs(running=1)))
    chunks = (replace(recording.chunks[0], engine="parakeet-cpu"), *recording.chunks[1:])
    documents.change_recording(ports, recording.id, lambda stored: replace(stored, chunks=chunks))
    world.pull("gpu-worker")
    return upload.take(recording.source, Options(), ports, again=True)


def test_workers_without_a_gpu_stand_apart_where_they_have_a_job():
    assert [worker_pools.pool_of(one, APART) for one in ("parakeet-gpu", "parakeet-cpu", "deepgram")] == [
        "main", "cpu", None
    ]  # fmt: skip
    assert worker_pools.pool_of("parakeet-cpu", BESIDE) == "main"
    assert worker_pools.pool_of("parakeet-cpu", Settings(cpu_job="of no use on one machine")) == "main"
    assert worker_pools.pools_of(APART.engine_set, APART) == ("main", "cpu")
    assert worker_pools.pools_of({"parakeet-cpu", "deepgram"}, APART) == ("cpu",)


def test_in_a_project_parakeet_on_a_cpu_needs_a_job_or_a_gpu_beside_it():
    alone = Settings(**IN_A_PROJECT, engines="parakeet-cpu")
    assert alone.engine_set == frozenset()
    assert replace(alone, cpu_job="dropscribe-cpu").engine_set == {"parakeet-cpu"}
    assert BESIDE.engine_set == {"parakeet-gpu", "parakeet-cpu"}


def test_each_engine_has_a_topic():
    topics = [spec(one).topic for one in ("parakeet-gpu", "parakeet-cpu", "deepgram")]
    assert topics == ["chunks-gpu", "chunks-cpu", "chunks-deepgram"]


def test_each_pool_is_started_for_its_own_chunks_also_within_one_minute(world, ports):
    recording = planned_for_cpu(world, ports)
    assert (ports.gpu_jobs.started, ports.cpu_jobs.started) == ([1], [1])
    assert [one.attributes["chunk"] for one in world.pull("cpu-worker")] == ["0"]
    assert len(world.pull("gpu-worker")) == len(recording.chunks) - 1


def test_an_hour_of_audio_is_worth_a_task_without_a_gpu():
    settings = replace(APART, chunk_minutes=10.0, cpu_max_tasks=5)
    tasks = [capacity.how_many_tasks(of(chunks), 0, settings, pool="cpu").tasks for chunks in (6, 7, 600)]
    assert tasks == [1, 2, 5]


def test_the_state_of_each_pool_is_written_down(world, ports):
    planned_for_cpu(world, ports)
    ports.cpu_jobs.running, ports.cpu_jobs.start_status = 0, "quota"
    world.clock.time += 60
    sweep.start_workers(ports)
    seen = conditions.read(ports)
    assert (seen.status, seen.running) == ("ready", 1)
    assert (seen.cpu.status, seen.cpu.said) == ("quota", "so it is")
    assert seen.cpu.avoid_until > world.clock.now()
    assert seen.waiting == {"parakeet-cpu": 30.0, "parakeet": 30.0}


def test_a_worker_without_a_gpu_is_waited_and_paid_for_by_its_own_state():
    seen = Conditions(running=3, waiting={"parakeet": 9e9})
    pace = pace_of("parakeet-cpu", seen, APART, TABLE)
    assert (pace.ready, pace.lanes) == (30.0, 1)
    assert pace.usd_start == pytest.approx((30 + IDLE_EXIT) * 0.000088)
    busy = replace(seen, cpu=Workers(running=2), waiting={"parakeet-cpu": 200.0})
    assert pace_of("parakeet-cpu", busy, APART, TABLE).ready == pytest.approx(10.0)


def test_ended_tasks_of_each_job_are_accounted_at_the_price_of_its_shape(world, ports):
    ports.gpu_jobs.ended = lambda _since: []
    ports.cpu_jobs.ended = lambda _since: []
    executions.reconcile(ports, ("main", "cpu"))
    now = world.clock.now()
    ports.cpu_jobs.ended = lambda _since: [
        TaskRun(execution="dropscribe-cpu-a", index=0, started=now, ended=now + 100, completed=now + 100)
    ]
    world.clock.time += 400
    assert executions.reconcile(ports, ("main", "cpu")) == 1
    assert executions.reconcile(ports, ("main", "cpu")) == 0
    [(_, row)] = ports.records.query(documents.LEDGER)
    assert (row["engine"], row["usd"]) == ("parakeet-cpu", pytest.approx(100 * 0.000088))


def apart(cpu=None, **changes):
    return known(
        "parakeet-cpu",
        "deepgram",
        conditions=Conditions(time=NOW, cpu=cpu or Workers()),
        **IN_A_PROJECT,
        cpu_job="dropscribe-cpu",
        **changes,
    )


def test_where_no_worker_without_a_gpu_can_be_had_deepgram_takes_its_recordings():
    assert decide(case(), apart()).engine == "parakeet-cpu"
    found = decide(case(), apart(OUT))
    assert found.engine == "deepgram"
    assert "no worker is available now (quota)" in found.reason


def test_a_processor_beside_a_gpu_that_cannot_be_had_is_not_counted_on():
    quota = Conditions(time=NOW, status="quota", avoid_until=NOW + 60)
    engines = ("parakeet-gpu", "parakeet-cpu")
    assert decide(case(), known(*engines, conditions=quota, **IN_A_PROJECT)).engine == "parakeet-gpu"
    there = known(*engines, conditions=quota, **IN_A_PROJECT, cpu_job="dropscribe-cpu")
    assert decide(case(), there).engine == "parakeet-cpu"
