"""Cloud Run's client against a server of our own that speaks its real protocol: there is no emulator."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from types import SimpleNamespace

import grpc
import pytest
from google.cloud import run_v2
from google.longrunning import operations_pb2
from google.protobuf import any_pb2
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from shared.adapters.cloud_run import WAITS, CloudRunJobs
from shared.errors import Transient

JOB = "projects/some-project/locations/us-central1/jobs/workers"
PATIENCE = 60.0
"""Seconds that a call may take where its time limit is no matter."""
TIMEOUT = 1.0


class CloudRun:
    """The two services, with as many executions as it is told to have, and the troubles it is told to make."""

    def __init__(self):
        self.executions = []
        self.tasks = {}
        self.error = None
        self.details = None
        self.gate = threading.Event()
        self.gate.set()
        self.asked = []

    def list_executions(self, request, context):
        self._answer(request, context)
        newest = sorted(self.executions, key=lambda one: one.create_time, reverse=True)
        page = newest[: request.page_size]
        more = "more" if len(newest) > len(page) else ""
        return run_v2.ListExecutionsResponse(executions=page, next_page_token=more)

    def list_tasks(self, request, context):
        self._answer(request, context)
        every = self.tasks[request.parent]
        start = int(request.page_token or 0)
        more = str(start + 2) if len(every) > start + 2 else ""
        return run_v2.ListTasksResponse(tasks=every[start : start + 2], next_page_token=more)

    def run_job(self, request, context):
        self._answer(request, context)
        started = execution(f"{JOB}/executions/new-{len(self.executions)}", minute=len(self.executions) % 60)
        started.task_count = request.overrides.task_count
        self.executions.append(started)
        operation = operations_pb2.Operation(name="operations/1")
        operation.metadata.Pack(run_v2.Execution.pb(started))
        return operation

    def _answer(self, request, context):
        self.asked.append(request)
        self.gate.wait(PATIENCE)
        if self.details is not None:
            context.abort_with_status(rpc_status.to_status(self.details))
        if self.error is not None:
            context.abort(*self.error)

    def handlers(self):
        def unary(method, request, answer=None):
            to_bytes = answer.serialize if answer else operations_pb2.Operation.SerializeToString
            return grpc.unary_unary_rpc_method_handler(
                method, request_deserializer=request.deserialize, response_serializer=to_bytes
            )

        listing = unary(self.list_executions, run_v2.ListExecutionsRequest, run_v2.ListExecutionsResponse)
        tasks = unary(self.list_tasks, run_v2.ListTasksRequest, run_v2.ListTasksResponse)
        running = unary(self.run_job, run_v2.RunJobRequest)
        return (
            grpc.method_handlers_generic_handler(
                "google.cloud.run.v2.Executions", {"ListExecutions": listing}
            ),
            grpc.method_handlers_generic_handler("google.cloud.run.v2.Tasks", {"ListTasks": tasks}),
            grpc.method_handlers_generic_handler("google.cloud.run.v2.Jobs", {"RunJob": running}),
        )


NOON = datetime(2026, 1, 1, 12, tzinfo=UTC).timestamp()


def execution(name, *, minute=0, ended=False, running=0, tasks=0):
    created = datetime(2026, 1, 1, 12, minute, tzinfo=UTC)
    return run_v2.Execution(
        name=name,
        create_time=created,
        completion_time=created if ended else None,
        running_count=running,
        task_count=tasks,
    )


@pytest.fixture
def service():
    return CloudRun()


@pytest.fixture
def clock():
    return SimpleNamespace(now=NOON)


@pytest.fixture
def channel(service):
    server = grpc.server(ThreadPoolExecutor(4))
    server.add_generic_rpc_handlers(service.handlers())
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield channel
    server.stop(None).wait()


@pytest.fixture
def jobs(channel, clock):
    return jobs_within(PATIENCE, channel, lambda: clock.now)


def jobs_within(seconds, channel, now=lambda: NOON):
    return CloudRunJobs("some-project", "us-central1", "workers", timeout=seconds, channel=channel, now=now)


def test_executions_run_until_they_have_a_completion_time(service, jobs):
    service.executions = [
        execution("one", minute=1, ended=True), execution("two", minute=2), execution("three", minute=3),
    ]  # fmt: skip
    state = jobs.state()
    assert (state.status, state.running) == ("ready", 2)
    assert service.asked[0].parent == JOB


def test_a_job_that_never_ran_is_ready_with_none_running(jobs):
    assert (jobs.state().status, jobs.state().running) == ("ready", 0)


def test_however_many_executions_there_were_one_page_is_asked_for(service, jobs):
    service.executions = [execution(f"old-{n}", minute=n % 50, ended=True) for n in range(300)]
    service.executions += [execution("new", minute=55)]
    assert jobs.state().running == 1
    assert len(service.asked) == 1


def test_an_execution_is_started_with_its_number_of_tasks(service, jobs):
    state = jobs.start(3)
    assert (state.status, state.running) == ("ready", 3)
    (request,) = service.asked
    assert (request.name, request.overrides.task_count) == (JOB, 3)
    assert jobs.state().running == 3


def test_tasks_that_have_ended_do_not_run_whatever_became_of_them(service, jobs):
    service.executions = [
        execution("one", minute=1),
        execution("two", minute=2),
        execution("old", ended=True),
    ]
    for one, over in zip(
        service.executions, ({"succeeded_count": 2, "failed_count": 1}, {}, {}), strict=True
    ):
        one.task_count = 5
        for name, count in over.items():
            setattr(one, name, count)
    assert jobs.state().running == 7
    service.executions[1].cancelled_count = 4
    assert jobs.state().running == 3


def test_an_execution_that_waits_for_a_machine_is_pending_and_after_three_minutes_none_is_to_be_had(
    service, jobs, clock
):
    service.executions = [execution("one", minute=1, tasks=2)]
    clock.now = NOON + 60 + WAITS
    early = jobs.state()
    assert (early.status, early.running, early.pending) == ("ready", 2, 2)
    clock.now += 1
    late = jobs.state()
    assert (late.status, late.running, late.pending) == ("pending", 0, 2)
    assert "2 tasks of workers have waited for a machine for 3 min" in late.reason
    assert "Nothing has to be done" in late.reason
    service.executions = [execution("one", minute=1, tasks=1)]
    assert "1 task of workers has waited for a machine for 3 min" in jobs.state().reason


def test_tasks_that_wait_beside_running_ones_are_told_apart_and_hand_nothing_on(service, jobs, clock):
    service.executions = [execution("one", minute=1, tasks=3, running=1), execution("two", minute=2, tasks=2)]
    clock.now = NOON + 3600
    state = jobs.state()
    assert (state.status, state.running, state.pending) == ("ready", 5, 4)


def test_what_waited_and_was_cancelled_is_not_pending(service, jobs, clock):
    service.executions = [execution("one", minute=1, tasks=2, ended=True)]
    clock.now = NOON + 3600
    assert (jobs.state().status, jobs.state().pending) == ("ready", 0)


@pytest.mark.parametrize(
    ("code", "said", "status", "do"),
    [
        ("RESOURCE_EXHAUSTED", "Quota exceeded for GPUs", "quota", "ask for more quota"),
        ("FAILED_PRECONDITION", "Quota exceeded for total allowable count of GPUs", "quota", "more quota"),
        ("PERMISSION_DENIED", "Permission 'run.jobs.run' denied", "denied", "roles/run."),
        ("UNAUTHENTICATED", "invalid credentials", "denied", "gcloud auth"),
        ("NOT_FOUND", "Resource 'workers' was not found", "missing", "docs/google-cloud.md"),
        ("UNAVAILABLE", "connection reset", "unreachable", "tries again"),
        ("INTERNAL", "oops", "unreachable", "tries again"),
        ("INVALID_ARGUMENT", "no such region", "unreachable", "no such region"),
    ],
)
@pytest.mark.parametrize("call", ["state", "start"])
def test_what_goes_wrong_is_a_state_that_says_what_to_do(service, jobs, call, code, said, status, do):
    service.error = (grpc.StatusCode[code], said)
    state = jobs.state() if call == "state" else jobs.start(1)
    assert (state.status, state.running) == (status, 0)
    assert said in state.reason
    assert do in state.reason
    assert len(service.asked) == 1


def test_each_call_names_the_role_that_it_needs(service, jobs):
    service.error = (grpc.StatusCode.PERMISSION_DENIED, "no")
    assert "roles/run.viewer" in jobs.state().reason
    assert "roles/run.jobsExecutorWithOverrides" in jobs.start(1).reason


def test_a_service_that_is_not_enabled_is_told_from_a_missing_role(service, jobs):
    detail = any_pb2.Any()
    detail.Pack(error_details_pb2.ErrorInfo(reason="SERVICE_DISABLED", domain="googleapis.com"))
    service.details = status_pb2.Status(code=7, message="Cloud Run has not been used", details=[detail])
    state = jobs.start(1)
    assert state.status == "denied"
    assert "gcloud services enable run.googleapis.com" in state.reason


@pytest.mark.parametrize("call", ["state", "start"])
def test_a_slow_service_is_given_up_after_the_time_limit(service, channel, call):
    service.gate.clear()
    jobs = jobs_within(TIMEOUT, channel)
    state = jobs.state() if call == "state" else jobs.start(1)
    assert state.status == "unreachable"
    service.gate.set()


def test_a_start_whose_reply_was_lost_is_unreachable_though_it_runs(service, channel, jobs):
    service.gate.clear()
    assert jobs_within(TIMEOUT, channel).start(1).status == "unreachable"
    service.gate.set()
    deadline = time.monotonic() + PATIENCE
    while not service.executions and time.monotonic() < deadline:
        time.sleep(0.01)
    assert jobs.state().running == 1


def test_nobody_listening_is_unreachable():
    with grpc.insecure_channel("127.0.0.1:1") as channel:
        assert jobs_within(PATIENCE, channel).state().status == "unreachable"


def test_no_credentials_are_a_state_too(monkeypatch, tmp_path):
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "none.json"))
    state = CloudRunJobs("some-project", "us-central1", "workers").state()
    assert state.status == "denied"
    assert "none.json" in state.reason
    assert "gcloud auth application-default login" in state.reason


def task(index, start, end):
    """A task; the times are minutes after noon."""
    at = [None if one is None else datetime(2026, 1, 1, 12, one, tzinfo=UTC) for one in (start, end)]
    return run_v2.Task(name=f"task-{index}", index=index, start_time=at[0], completion_time=at[1])


def test_the_tasks_of_ended_executions_come_with_their_times_page_by_page(service, jobs):
    service.executions = [
        execution(f"{JOB}/executions/one", minute=9, ended=True),
        execution("two", minute=8),
    ]
    service.tasks[f"{JOB}/executions/one"] = [task(0, 1, 5), task(1, 2, 9), task(2, 2, 4)]
    found = jobs.ended(NOON)
    assert [(one.execution, one.index, one.started - NOON, one.ended - NOON) for one in found] == [
        ("one", 0, 60, 300), ("one", 1, 120, 540), ("one", 2, 120, 240),
    ]  # fmt: skip
    assert {one.completed - NOON for one in found} == {540}


def test_an_execution_that_completed_earlier_is_left_out(service, jobs):
    service.executions = [execution("old", minute=1, ended=True), execution("new", minute=3, ended=True)]
    service.tasks[f"{JOB}/executions/new"] = [task(0, 1, 3)]
    assert [one.execution for one in jobs.ended(NOON + 120)] == ["new"]


def test_a_task_that_never_started_was_not_billed(service, jobs):
    service.executions = [execution("one", minute=3, ended=True)]
    service.tasks[f"{JOB}/executions/one"] = [task(0, None, 3), task(1, 1, None)]
    assert [(one.index, one.ended - NOON) for one in jobs.ended(NOON)] == [(1, 180)]


def test_however_many_executions_there_were_only_recent_ones_are_looked_at(service, jobs):
    service.executions = [execution(f"old-{n}", minute=n % 50, ended=True) for n in range(300)]
    assert jobs.ended(NOON + 24 * 3600) == []
    assert len(service.asked) == 1


def test_where_nobody_says_what_has_ended_it_is_tried_again(service, jobs):
    service.error = (grpc.StatusCode.PERMISSION_DENIED, "no")
    with pytest.raises(Transient, match=r"roles/run\.viewer"):
        jobs.ended(0.0)
