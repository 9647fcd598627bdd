"""GpuJobs over Cloud Run: the workers of a pool are the executions of one job.

No method that an upload needs raises, and every call has a short timeout: an upload must not wait for the service
that starts workers, or fail with it. There is no idempotency token, so a start whose reply was lost may be
repeated; the second execution finds no work and ends.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from google.api_core import exceptions as google
from google.auth import exceptions as auth

from shared.adapters import credentials
from shared.errors import ConfigurationError, StoreUnavailable, Transient
from shared.in_words import counted, human_duration
from shared.ports import TaskRun, WorkerState

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    import grpc  # type: ignore[import-untyped]  # grpcio publishes no types
    from google.cloud import run_v2

EXPECTED = (
    google.GoogleAPICallError,
    google.RetryError,
    auth.GoogleAuthError,
    ConfigurationError,
    StoreUnavailable,
)
"""Errors that the client and the credentials raise."""
LONGEST = 12 * 3600.0
"""Longest duration of an execution, seconds: one that was created so long before a moment has ended by then."""

WAITS = 180.0
"""Seconds that an execution may wait for a machine until none counts as available. Most get one within half a minute."""

PAGE = 100
"""Executions to read. They come newest first, and fewer than a hundred start within the hour that one lasts."""


class CloudRunJobs:
    """Counts the running tasks of a job, and starts more. Thread-safe.

    Implements `shared.ports.GpuJobs`. The service account needs `roles/run.jobsExecutorWithOverrides` on the job, and
    `roles/run.viewer` to see what runs; `roles/run.developer` includes both. Messages about missing quota depend on
    `gpu`. An open `channel` is used instead of Google's address and credentials.
    """

    def __init__(
        self,
        project: str,
        region: str,
        job: str,
        *,
        gpu: bool = True,
        timeout: float = 5.0,
        channel: grpc.Channel | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._name = f"projects/{project}/locations/{region}/jobs/{job}"
        self._where = f"--project {project} --region {region}"
        self._job = job
        self._quota, self._variable = (
            ("Cloud Run GPUs", "DROPSCRIBE_GPU_JOB") if gpu else ("Cloud Run CPUs", "DROPSCRIBE_CPU_JOB")
        )
        self._timeout = timeout
        self._channel = channel
        self._now = now

    def state(self) -> WorkerState:
        """How many tasks are running or about to start. Never raises: a failure is in the state.

        If nothing runs and what was started has waited for a machine longer than `WAITS`, the state is `pending`.
        """
        request = _library().ListExecutionsRequest(parent=self._name, page_size=PAGE)
        try:
            pager = self._executions.list_executions(request, retry=None, timeout=self._timeout)
            page = next(iter(pager.pages)).executions
        except EXPECTED as error:
            return self._explained(error, "roles/run.viewer")
        left = sum(map(_left, page))
        running = sum(min(one.running_count, _left(one)) for one in page)  # those that have a machine
        since = min((one.create_time.timestamp() for one in page if _left(one)), default=self._now())
        waited = self._now() - since
        if left and not running and waited > WAITS:
            return WorkerState(
                status="pending",
                pending=left,
                reason=f"{counted(left, 'task')} of {self._job} {'has' if left == 1 else 'have'} waited for a machine for "
                f"{human_duration(waited)}: the region has none to give now. Nothing has to be done: they start when "
                "there is one. If it lasts, ask for more "
                f"quota of {self._quota}, or deploy to another region.",
            )
        return WorkerState(status="ready", running=left, pending=left - running)

    def start(self, tasks: int) -> WorkerState:
        """Start an execution with this many tasks. Never raises: a failure is in the state.

        Returns:
            `ready` with the started tasks, or why there are none.
        """
        library = _library()
        overrides = library.RunJobRequest.Overrides(task_count=tasks)
        request = library.RunJobRequest(name=self._name, overrides=overrides)
        try:
            # The operation is not awaited: it ends when the workers do.
            self._jobs.run_job(request, retry=None, timeout=self._timeout)
        except EXPECTED as error:
            return self._explained(error, "roles/run.jobsExecutorWithOverrides")
        return WorkerState(
            status="ready", running=tasks, reason=f"started {self._job} with {counted(tasks, 'task')}"
        )

    def ended(self, since: float) -> list[TaskRun]:
        """The tasks of all executions that have completed since `since` (seconds since 1970).

        Raises:
            Transient: Cloud Run did not answer, or a permission is missing; says which.
        """
        oldest = datetime.fromtimestamp(max(0.0, since - LONGEST), UTC)
        request = _library().ListExecutionsRequest(parent=self._name, page_size=PAGE)
        found: list[TaskRun] = []
        try:
            for one in self._executions.list_executions(request, retry=None, timeout=self._timeout):
                if one.create_time < oldest:
                    break
                if one.completion_time and one.completion_time.timestamp() >= since:
                    found += self._tasks_of(one)
        except EXPECTED as error:
            raise Transient(self._explained(error, "roles/run.viewer").reason) from error
        return found

    def _tasks_of(self, execution: run_v2.Execution) -> list[TaskRun]:
        # The name of a listed execution may be full or only its last part.
        name = execution.name.rpartition("/")[2]
        request = _library().ListTasksRequest(parent=f"{self._name}/executions/{name}", page_size=PAGE)
        tasks = self._tasks.list_tasks(request, retry=None, timeout=self._timeout)
        completed = execution.completion_time.timestamp()
        return [
            TaskRun(
                execution=name,
                index=one.index,
                started=one.start_time.timestamp(),
                ended=one.completion_time.timestamp() if one.completion_time else completed,
                completed=completed,
            )
            for one in tasks
            if one.start_time  # a task that was cancelled before it started was not billed
        ]

    # Two threads that build one of these at once make two clients, of which one is dropped: harmless.

    @cached_property
    def _jobs(self) -> run_v2.JobsClient:
        client: run_v2.JobsClient = self._client("Jobs")
        return client

    @cached_property
    def _executions(self) -> run_v2.ExecutionsClient:
        client: run_v2.ExecutionsClient = self._client("Executions")
        return client

    @cached_property
    def _tasks(self) -> run_v2.TasksClient:
        client: run_v2.TasksClient = self._client("Tasks")
        return client

    def _client(self, service: str) -> Any:
        """A client of one of the library's services."""
        client = getattr(_library(), f"{service}Client")
        if self._channel:
            return client(transport=client.get_transport_class("grpc")(channel=self._channel))
        return client(credentials=credentials.default())

    def _explained(self, error: Exception, role: str) -> WorkerState:
        if isinstance(error, google.Unauthorized):
            error = credentials.meaning(error)
        said = getattr(error, "message", None) or str(error)
        if isinstance(error, google.ResourceExhausted) or _is_quota(error, said):
            return WorkerState(
                status="quota",
                reason=f"No more capacity for {self._job} now: {said}. Wait, or ask for more quota of "
                f"{self._quota} in this region (console: IAM & Admin, Quotas).",
            )
        if isinstance(error, google.PermissionDenied) and error.reason == "SERVICE_DISABLED":
            cure = "Enable the service: gcloud services enable run.googleapis.com"
            return WorkerState(status="denied", reason=f"{said}. {cure}")
        if isinstance(error, ConfigurationError):
            return WorkerState(status="denied", reason=said)
        if isinstance(error, google.PermissionDenied):
            return WorkerState(
                status="denied",
                reason=f"{said}. Give the service account {role} on the job: gcloud run jobs "
                f"add-iam-policy-binding {self._job} {self._where} --role {role} "
                "--member serviceAccount:ACCOUNT",
            )
        if isinstance(error, google.NotFound):
            return WorkerState(
                status="missing",
                reason=f"There is no job {self._job} in this project and region ({said}). Deploy it "
                f"(docs/google-cloud.md), or name an existing one in {self._variable} and DROPSCRIBE_REGION.",
            )
        return WorkerState(
            status="unreachable",
            reason=f"Cloud Run did not answer properly ({type(error).__name__}: {said}). "
            "The sweeper tries again in a minute.",
        )


def _library() -> ModuleType:
    """Loaded by the first call, because that takes nearly as long as all of Google's other clients together."""
    from google.cloud import run_v2  # noqa: PLC0415 - as above

    return run_v2


def _left(execution: run_v2.Execution) -> int:
    """Tasks of an execution that have not ended, including those that wait for a machine."""
    # An execution has a completion time as soon as its last task has ended.
    if execution.completion_time:
        return 0
    over = execution.succeeded_count + execution.failed_count + execution.cancelled_count
    return max(1, execution.task_count - over)


def _is_quota(error: Exception, said: str) -> bool:
    """Whether an error is about quota: some limits are reported as a failed precondition, not as exhausted."""
    return isinstance(error, (google.FailedPrecondition, google.InvalidArgument)) and "quota" in said.lower()
