"""What each process does with Google's services, where in the code, and which permissions that takes.

`NEEDS` is written by hand. The tests compare it with Terraform in both directions, look whether each place is there and
makes such a call, and record the calls of simulated histories and of the processes on emulators: none may be missing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared import engines
from shared.messages import CHUNKS_DONE
from shared.topology import DEAD_LETTERS, MERGER, REQUESTS, ROUTER, topology

if TYPE_CHECKING:
    from tests.terraform.deployed import Deployed

Needs = dict[str, str]
"""Calls of ports, as `call` or `call on-what`, each with a place that makes it: file:function."""

SWEEPER = "sweeper"
GUARD = "guard"
CONSOLE = "console"
HOSTED = tuple(one.subscription for one in engines.hosted_specs())
WORKERS = ("gpu", "gpu-canary", "cpu")
PLANNERS = (ROUTER, REQUESTS, SWEEPER)
MERGERS = (MERGER, DEAD_LETTERS)
HEARERS = (*HOSTED, *WORKERS)
CHUNK_TOPICS = [one for one in topology().topics if one.startswith("chunks-") and one != CHUNKS_DONE]

NEEDS: tuple[tuple[tuple[str, ...], Needs], ...] = (
    (
        (*PLANNERS, *MERGERS, *HEARERS),
        {
            "records": "shared/state/documents.py:change_recording_first",
            "spans": "shared/adapters/cloud_telemetry.py:flush",
            "jobs.state": "shared/flow/capacity.py:_start",
            "jobs.start": "shared/flow/capacity.py:_start",
            "queue.publish chunks-done": "shared/flow/dispatch.py:say_done",
            "queue.publish transcripts-ready": "shared/flow/record.py:_announce",
            **{f"queue.publish {one}": "shared/flow/dispatch.py:_publish_chunks" for one in CHUNK_TOPICS},
        },
    ),
    (
        PLANNERS,
        {
            "store.read audio": "shared/flow/probe.py:read",
            "store.list work": "shared/flow/redo.py:without_result",
        },
    ),
    # Which engines there are depends on who has a key.
    ((*PLANNERS, *HOSTED), {"key": "shared/settings.py:from_environment"}),
    ((REQUESTS,), {"store.stat audio": "shared/flow/request.py:locate"}),
    (
        (SWEEPER,),
        {
            "store.list audio": "shared/sweep/sweep.py:take_lost",
            "store.delete audio": "shared/flow/erase.py:_erase_objects",
            "jobs.ended": "shared/costs/executions.py:_reconcile",
            "queue.publish budget-alerts": "shared/sweep/release_held.py:_publish_once",
        },
    ),
    (
        MERGERS,
        {
            "store.load work": "shared/flow/record.py:_results",
            "store.create work": "shared/flow/transcript_files.py:keep",
            "store.create transcripts": "shared/flow/transcript_files.py:write",
        },
    ),
    (
        (*MERGERS, SWEEPER),
        {
            f"store.{call} transcripts": "shared/flow/transcript_files.py:delete"
            for call in ("stat", "load", "delete")
        },
    ),
    (
        (*MERGERS, SWEEPER),
        {
            f"store.{call} {bucket}": "shared/flow/erase.py:_erase_objects"
            for call in ("list", "delete")
            for bucket in ("work", "transcripts")
        },
    ),
    (
        (*MERGERS, SWEEPER),
        {
            "store.create work": "shared/adapters/object_search.py:_swap",
            "store.load work": "shared/adapters/object_search.py:_fetched",
            "store.stat work": "shared/adapters/gcs.py:delete",
        },
    ),
    (
        HEARERS,
        {
            "store.read audio": "shared/flow/probe.py:read",
            "store.create work": "shared/flow/chunk.py:_commit_result",
            "store.load work": "shared/flow/chunk.py:_stored",
            "store.stat work": "shared/flow/chunk.py:is_stored",
        },
    ),
    (HOSTED, {"store.signed_url audio": "shared/hosted/hosted_chunk.py:_address"}),
    (
        (CONSOLE,),
        {
            "records": "shared/state/documents.py:change_recording_first",
            "spans": "shared/adapters/cloud_telemetry.py:flush",
            "queue.publish transcribe-requests": "shared/client.py:submit",
            "queue.publish transcripts-ready": "shared/flow/record.py:_announce",
            **{
                f"queue.publish {one}": "shared/recovery/replay.py:replay"
                for one in ("audio-finalized", *CHUNK_TOPICS, CHUNKS_DONE, "budget-alerts")
            },
            "store.upload_url audio": "console/api/storage_uploads.py:begin",
            "store.create_from audio": "console/openai/intake.py:_create",
            "store.stat audio": "shared/flow/retry.py:obstacle",
            "store.read audio": "console/api/audio.py:_bytes",
            "store.delete audio": "shared/flow/erase.py:_erase_objects",
            "store.stat work": "shared/flow/reading/rendition.py:kept",
            "store.read work": "console/api/audio.py:_bytes",
            "store.create_from work": "shared/flow/reading/rendition.py:make",
            "store.load work": "shared/flow/record.py:_results",
            "store.create work": "shared/adapters/object_search.py:_swap",
            "store.create transcripts": "shared/flow/reading/revision.py:_written",
            **{
                f"store.{call} transcripts": "shared/flow/transcript_files.py:delete"
                for call in ("stat", "load", "delete")
            },
            **{
                f"store.{call} {bucket}": "shared/flow/erase.py:_erase_objects"
                for call in ("list", "delete")
                for bucket in ("work", "transcripts")
            },
        },
    ),
    (
        (GUARD,),
        {
            "records": "shared/state/documents.py:change",
            "spans": "shared/adapters/cloud_telemetry.py:flush",
            "traffic": "deployment/rollout/services.py:_bind",
            "canary.stop": "deployment/rollout/services.py:stop_canary",
            "queue.pull": "deployment/rollout/guard.py:_empty_lane",
            "queue.publish chunks-gpu": "deployment/rollout/guard.py:_empty_lane",
            "figures": "deployment/rollout/figures.py:_metric",
        },
    ),
    (
        WORKERS,
        {
            "queue.pull": "gpu_job/pipeline/consumer.py:_pull_from",
            "measurements": "shared/adapters/cloud_telemetry.py:flush",
        },
    ),
)
"""Who does what."""

ROLES = {
    "roles/datastore.user": {"datastore.entities"},
    "roles/iam.serviceAccountUser": {"iam.serviceAccounts.actAs"},
    "roles/iam.serviceAccountTokenCreator": {"iam.serviceAccounts.signBlob"},
    "roles/monitoring.viewer": {"monitoring.timeSeries.list"},
    "roles/pubsub.publisher": {"pubsub.topics.publish"},
    "roles/pubsub.subscriber": {"pubsub.subscriptions.consume"},
    "roles/run.developer": {
        "run.executions.cancel", "run.executions.list", "run.services.get", "run.services.update",
    },
    "roles/run.jobsExecutorWithOverrides": {"run.jobs.runWithOverrides"},
    "roles/run.viewer": {"run.executions.list", "run.tasks.list"},
    "roles/secretmanager.secretAccessor": {"secretmanager.versions.access"},
    "roles/storage.objectCreator": {"storage.objects.create"},
    "roles/storage.objectUser": {
        "storage.objects.create", "storage.objects.delete", "storage.objects.get", "storage.objects.list",
    },
    "roles/storage.objectViewer": {"storage.objects.get", "storage.objects.list"},
    "roles/telemetry.metricsWriter": {"monitoring.timeSeries.create"},
    "roles/telemetry.tracesWriter": {"telemetry.traces.write"},
}  # fmt: skip
"""Of what a role contains (https://cloud.google.com/iam/docs/roles-permissions) that which our calls take."""

METHODS = {
    # A missing object is looked for, so that a missing bucket is told apart.
    "store.stat": {"storage.objects.get", "storage.objects.list"},
    "store.read": {"storage.objects.get", "storage.objects.list"},
    "store.load": {"storage.objects.get"},
    "store.list": {"storage.objects.list"},
    # Where the reply was lost, the object is looked at.
    "store.create": {"storage.objects.create", "storage.objects.get"},
    "store.create_from": {"storage.objects.create", "storage.objects.get"},
    "store.upload_url": {"storage.objects.create"},
    "store.delete": {"storage.objects.delete", "storage.objects.get"},
    "store.signed_url": {"iam.serviceAccounts.signBlob"},
    "queue.publish": {"pubsub.topics.publish"},
    "queue.pull": {"pubsub.subscriptions.consume"},
    "jobs.state": {"run.executions.list"},
    "jobs.ended": {"run.executions.list", "run.tasks.list"},
    "jobs.start": {"run.jobs.runWithOverrides"},
    # Cloud Run lets only those change a service, of which the traffic is a part, that may act as its account.
    "traffic": {"iam.serviceAccounts.actAs", "run.services.get", "run.services.update"},
    "canary.stop": {"run.executions.cancel", "run.executions.list"},
    "figures": {"monitoring.timeSeries.list"},
    "key": {"secretmanager.versions.access"},
    "records": {"datastore.entities"},
    # https://docs.cloud.google.com/stackdriver/docs/reference/telemetry/overview
    "spans": {"telemetry.traces.write"},
    "measurements": {"monitoring.timeSeries.create"},
}
"""The permissions that a call of an adapter takes."""

KINDS = {
    "store": "bucket",
    "queue.publish": "topic",
    "queue.pull": "subscription",
    "jobs": "job",
    "key": "secret",
}


def stated(process: str) -> Needs:
    """What a function or a worker does, by its name; a worker is `gpu`, `cpu`, …"""
    return {call: place for who, needs in NEEDS if process in who for call, place in needs.items()}


def permissions(laid: Deployed, process: str, call: str) -> set[tuple[str, str, str]]:
    """What a call takes: kind of resource, its name and the permission.

    A call without a name is one on all resources of its kind that the process has to do with.
    """
    method, _, on = call.partition(" ")
    if process == GUARD and method.startswith("queue.") and "gpu-canary" not in laid.jobs:
        return set()  # there are no workers of a next release, and it empties no lane
    kind = KINDS.get(method) or KINDS.get(method.partition(".")[0], "project")
    if method == "store.signed_url":
        kind, names = "account", [process]
    elif method == "traffic":
        return {
            (kind, name, permission)
            for key, one in laid.functions.items()
            if key != process
            for permission in METHODS[method]
            for kind, name in [("account", key) if permission.startswith("iam.") else ("service", one.name)]
        }
    elif method == "canary.stop":
        kind, names = "job", [one.name for key, one in laid.jobs.items() if key == "gpu-canary"]
    elif kind == "bucket":
        names = [laid.buckets[on]]
    elif kind == "topic":
        names = [on]
    elif kind == "job":
        own = laid.jobs[process].environment["DROPSCRIBE_ENGINES"] if process in laid.jobs else ""
        # A worker hands chunks to other engines only.
        names = [one.name for one in laid.jobs.values() if one.environment["DROPSCRIBE_ENGINES"] != own]
    elif kind == "subscription":
        # The guard empties the lane of the next release's workers.
        puller = "gpu-canary" if process == GUARD else process
        names = [puller.replace("gpu", "gpu-worker").replace("cpu", "cpu-worker")]
    elif kind == "secret":
        found = laid.functions.get(process)
        names = sorted(found.secrets.values()) if found else []
    else:
        names = [laid.project]
    return {(kind, name, permission) for name in names for permission in METHODS[method]}


def granted(laid: Deployed, process: str) -> set[tuple[str, str, str]]:
    """What a process may do: kind of resource, its name and the permission."""
    return {
        (one.kind, one.on, permission)
        for one in laid.grants()
        if one.who == process
        for permission in ROLES[one.role]
        # A role has what is done with all kinds; on a service it is worth what is done with services.
        if one.role != "roles/run.developer"
        or permission.startswith("run.services.") == (one.kind == "service")
    }
