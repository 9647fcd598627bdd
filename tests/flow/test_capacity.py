from __future__ import annotations

import math
from dataclasses import replace
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import StoreUnavailable
from shared.flow import capacity, upload
from shared.flow.capacity import Work
from shared.ports import WorkerState
from shared.settings import Settings
from shared.state import documents
from tests.world import IN_A_PROJECT, SetClock


class ScriptedJobs:
    """Workers that start, or do not, as they are told."""

    def __init__(self, running=0, status="ready", start_status="ready"):
        self.running = running
        self.status = status
        self.start_status = start_status
        self.started = []

    def state(self):
        return WorkerState(status=self.status, running=self.running, reason="so it is")

    def start(self, tasks):
        self.started.append(tasks)
        self.running += tasks if self.start_status == "ready" else 0
        return WorkerState(status=self.start_status, running=self.running, reason="so it is")


def of(chunks, minutes=10.0):
    return Work(chunks=chunks, seconds=chunks * minutes * 60)


@pytest.fixture
def jobs():
    return ScriptedJobs()


@pytest.fixture
def ports(world, jobs):
    return replace(world.ports, gpu_jobs=jobs)


@pytest.mark.parametrize(
    ("backlog", "running", "tasks"),
    [
        (0, 0, 0),
        (1, 0, 1),
        (1, 1, 0),
        (120, 0, 1),
        (121, 0, 2),
        (240, 0, 2),
        (360, 0, 3),
        (9000, 0, 3),
        (9000, 1, 2),
        (9000, 2, 1),
        (9000, 3, 0),
        (9000, 7, 0),
        (200, 1, 1),
        (130, 1, 1),
        (20, 1, 0),
    ],
)
def test_one_task_for_every_twenty_hours_of_audio_beside_those_that_run(backlog, running, tasks):
    start = capacity.how_many_tasks(of(backlog), running, Settings(chunk_minutes=10.0))
    assert start.tasks == tasks
    assert start.reason


@pytest.mark.parametrize(
    ("backlog", "running", "tasks"),
    [(200, 0, 3), (200, 1, 2), (200, 2, 1), (200, 3, 0), (5, 1, 0), (9, 1, 1)],
)
def test_without_a_gpu_it_is_one_for_every_hour(backlog, running, tasks):
    settings = Settings(**IN_A_PROJECT, engines="parakeet-gpu,parakeet-cpu", cpu_job="dropscribe-cpu")
    assert capacity.how_many_tasks(of(backlog), running, settings, pool="cpu").tasks == tasks


def test_what_the_running_ones_can_have_in_hand_is_nothing_for_another():
    settings = Settings(chunk_minutes=60.0, max_chunks=200)
    start = capacity.how_many_tasks(of(200, 60.0), 1, settings)
    assert (start.tasks, start.reason) == (0, "200 chunks wait, and the running tasks (1) can hold them")
    assert capacity.how_many_tasks(of(201, 60.0), 1, settings).tasks == 1


def test_it_is_audio_that_counts_and_not_the_number_of_chunks():
    settings = Settings(**IN_A_PROJECT, engines="parakeet-gpu")
    assert capacity.how_many_tasks(of(1000, 1.0), 0, settings).tasks == 1
    assert capacity.how_many_tasks(of(1000, 1.0), 1, settings).tasks == 0
    assert capacity.how_many_tasks(of(1000, 3.0), 1, settings).tasks == 2


def test_chunks_of_unknown_length_get_a_worker_too():
    settings = Settings()
    assert capacity.how_many_tasks(Work(chunks=3, seconds=0.0), 0, settings).tasks == 1
    assert capacity.how_many_tasks(Work(chunks=3, seconds=0.0), 1, settings).tasks == 0


def test_where_there_is_one_worker_and_no_more_none_is_started():
    assert capacity.how_many_tasks(of(9000), 1, Settings(), most=1).tasks == 0


@given(st.integers(0, 10**6), st.integers(0, 100), st.floats(0.1, 60), st.integers(1, 10))
def test_tasks_are_started_only_for_a_backlog_and_never_beyond_the_limit(backlog, running, minutes, most):
    settings = Settings(chunk_minutes=minutes, gpu_max_tasks=most)
    tasks = capacity.how_many_tasks(of(backlog, minutes), running, settings).tasks
    assert 0 <= tasks <= max(0, most - running)
    if running == 0:
        assert (tasks > 0) == (backlog > 0)
    if backlog * minutes / 60 > 5000:
        assert tasks == max(0, most - running)


class LaggingJobs:
    """Tasks that show among the running ones some seconds after they were started, and end at some time."""

    def __init__(self, clock, lag):
        self.clock, self.lag, self.tasks = clock, lag, []

    def state(self):
        seen = [one for one in self.tasks if one + self.lag <= self.clock.now()]
        return WorkerState(status="ready", running=len(seen))

    def start(self, tasks):
        self.tasks += [self.clock.now()] * tasks
        return WorkerState(status="ready", running=tasks)


@given(
    st.lists(st.tuples(st.floats(0, 100), st.integers(1, 9000), st.booleans()), max_size=60),
    st.floats(0, capacity.SHOWS - 1),
    st.integers(1, 5),
)
def test_however_uploads_and_sweeps_fall_there_are_never_more_than_allowed(happens, lag, most):
    documents = {}
    records = SimpleNamespace(
        create=lambda collection, key, fields: documents.setdefault((collection, key), fields) is fields,
        get=lambda collection, key: documents.get((collection, key)),
    )
    clock = SetClock()
    jobs = LaggingJobs(clock, lag)
    ports = SimpleNamespace(
        records=records, clock=clock, gpu_jobs=jobs, settings=Settings(chunk_minutes=10.0, gpu_max_tasks=most)
    )
    for wait, backlog, one_ends in happens:
        clock.time += wait
        if one_ends and jobs.tasks and clock.now() - jobs.tasks[0] > 60:
            del jobs.tasks[0]
        capacity.start_workers(of(backlog), ports, 0.0)
        assert len(jobs.tasks) <= most
    clock.time += 120
    capacity.start_workers(of(9000), ports, 0.0)
    assert len(jobs.tasks) == most


def test_an_upload_starts_a_worker_where_none_runs(world, ports, jobs):
    upload.on_upload(world.upload(), ports)
    assert jobs.started == [1]


def test_an_upload_starts_none_where_one_runs(world, ports, jobs):
    jobs.running = 1
    upload.on_upload(world.upload(), ports)
    assert jobs.started == []


def test_for_much_work_more_are_started_beside_the_one_that_runs(ports, jobs):
    jobs.running = 1
    start = capacity.start_workers(of(9000), ports, 0.0)
    assert (jobs.started, start.state.running) == ([2], 3)
    assert start.reason.startswith("9,000 chunks wait (")
    assert start.reason.endswith(" h of audio, worth 3 tasks); running: 1")


def test_that_no_more_can_be_had_says_nothing_against_those_that_run(ports, jobs):
    jobs.running, jobs.start_status = 1, "quota"
    start = capacity.start_workers(of(9000), ports, 0.0)
    assert (start.tasks, start.reason) == (0, "quota: so it is")
    assert (start.state.status, start.state.running) == ("ready", 1)


def test_a_start_at_the_end_of_a_minute_counts_for_the_next_one_too(world, ports, jobs, monkeypatch):
    monkeypatch.setattr(jobs, "state", lambda: WorkerState(status="ready", running=0))
    world.clock.time = 60.0 * 1000 - 1
    assert capacity.start_workers(of(1), ports, 0.0).tasks == 1
    world.clock.time += 2
    assert capacity.start_workers(of(1), ports, 0.0).tasks == 0
    assert jobs.started == [1]


def test_of_many_uploads_in_a_minute_one_starts_workers(world, ports, jobs, monkeypatch):
    # The list of executions lags behind: the one just started is not in it yet.
    monkeypatch.setattr(jobs, "state", lambda: WorkerState(status="ready", running=0))
    for number in range(10):
        upload.on_upload(world.upload(f"{number}.wav"), ports)
    assert jobs.started == [1]
    world.clock.time += 60
    upload.on_upload(world.upload("later.wav"), ports)
    assert jobs.started == [1, 1]


@pytest.mark.parametrize("status", ["quota", "denied", "missing", "unreachable"])
def test_a_start_that_fails_is_told_and_does_not_fail_the_upload(world, ports, jobs, status, caplog):
    jobs.start_status = status
    recording = upload.on_upload(world.upload(), ports)
    assert recording.state == "PLANNED"
    assert len(world.pull("cpu-worker")) == 2
    assert f"({status}): so it is" in caplog.text


@pytest.mark.parametrize("status", ["quota", "denied", "missing", "unreachable"])
def test_where_nobody_can_say_what_runs_nothing_is_started(world, ports, jobs, status, caplog):
    jobs.status = status
    assert upload.on_upload(world.upload(), ports).state == "PLANNED"
    assert jobs.started == []
    assert f"({status}): so it is" in caplog.text


def test_records_that_do_not_answer_do_not_fail_the_upload(world, ports, jobs, monkeypatch):
    create = ports.records.create

    def refusing(collection, *rest):
        if collection == capacity.STARTS:
            raise StoreUnavailable("not now")
        return create(collection, *rest)

    monkeypatch.setattr(ports.records, "create", refusing)
    assert upload.on_upload(world.upload(), ports).state == "PLANNED"
    assert jobs.started == []


def test_chunks_of_another_service_need_no_worker(world, ports, jobs):
    recording = upload.on_upload(world.upload(), world.ports)
    chunks = tuple(replace(one, engine="deepgram") for one in recording.chunks)
    documents.change_recording(world.ports, recording.id, lambda stored: replace(stored, chunks=chunks))
    upload.take(recording.source, recording.options, ports)
    assert jobs.started == []


def test_work_is_collected_for_a_while_where_that_is_asked_for(world, ports, jobs):
    ports = replace(ports, settings=replace(ports.settings, start_delay=90.0))
    upload.on_upload(world.upload(), ports)
    assert jobs.started == []
    world.clock.time += 60
    assert "60 of the 90 s" in capacity.start_workers(of(2), ports, 60.0).reason
    upload.on_upload(world.upload("later.wav"), ports)
    assert jobs.started == []
    world.clock.time += 31
    assert capacity.start_workers(of(4), ports, 91.0).tasks == 1
    assert jobs.started == [1]


def test_while_what_was_started_waits_for_a_machine_nothing_more_is_started(ports, jobs):
    jobs.status = "pending"
    start = capacity.start_workers(of(500), ports, waited=math.inf)
    assert jobs.started == []
    assert start.reason == "pending: so it is"
