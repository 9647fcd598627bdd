from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import StoreUnavailable
from shared.flow import capacity, documents, upload
from shared.ports import GpuState
from shared.settings import Settings


class ScriptedJobs:
    """Workers that start, or do not, as they are told."""

    def __init__(self, running=0, status="ready", start_status="ready"):
        self.running = running
        self.status = status
        self.start_status = start_status
        self.started = []

    def state(self):
        return GpuState(status=self.status, running=self.running, reason="so it is")

    def start(self, tasks):
        self.started.append(tasks)
        self.running += self.start_status == "ready"
        return GpuState(status=self.start_status, running=self.running, reason="so it is")


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
        (9000, 2, 0),
    ],
)
def test_one_task_for_every_twenty_hours_of_audio_where_none_run(backlog, running, tasks):
    start = capacity.how_many_tasks(backlog, running, Settings(chunk_minutes=10.0))
    assert start.tasks == tasks
    assert start.reason


@given(st.integers(0, 10**6), st.integers(0, 100), st.floats(0.1, 60))
def test_tasks_are_started_only_for_a_backlog_and_never_beyond_the_quota(backlog, running, minutes):
    tasks = capacity.how_many_tasks(backlog, running, Settings(chunk_minutes=minutes)).tasks
    assert (tasks > 0) == (backlog > 0 and running == 0)
    assert tasks <= Settings().gpu_max_tasks


def test_an_upload_starts_a_worker_where_none_runs(world, ports, jobs):
    upload.on_upload(world.upload(), ports)
    assert jobs.started == [1]


def test_an_upload_starts_none_where_one_runs(world, ports, jobs):
    jobs.running = 1
    upload.on_upload(world.upload(), ports)
    assert jobs.started == []


def test_of_many_uploads_in_a_minute_one_starts_workers(world, ports, jobs, monkeypatch):
    # The list of executions lags behind: the one just started is not in it yet.
    monkeypatch.setattr(jobs, "state", lambda: GpuState(status="ready", running=0))
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
    assert "60 of the 90 s" in capacity.start_workers(2, ports, 60.0).reason
    upload.on_upload(world.upload("later.wav"), ports)
    assert jobs.started == []
    world.clock.time += 31
    assert capacity.start_workers(4, ports, 91.0).tasks == 1
    assert jobs.started == [1]
