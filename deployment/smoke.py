"""After a deployment: do the workers work, and does an upload become a transcript?"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from deployment.rollout.services import RUN
from deployment.target import ROOT
from shared.errors import ConfigurationError
from shared.model import Options, Recording, StoredObject, recording_id
from shared.state import documents

if TYPE_CHECKING:
    from collections.abc import Callable

    from deployment.api import Api
    from deployment.target import Target
    from shared.ports import Ports

SAMPLE = ROOT / "samples" / "voice-note.opus"

PATIENCE = 900.0
"""Most seconds for the GPU's check, and for the transcript: a GPU has to be found and started."""
EVERY = 5.0
"""Seconds between two looks."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Smoke:
    """What was found."""

    checked: tuple[str, ...]
    """Executions of the jobs in which the weights were checked."""
    recording: Recording
    """The sample, DONE."""


def run(
    target: Target, api: Api, ports: Ports, say: Callable[[str], None], now: Callable[[], float] = time.time
) -> Smoke:
    """Check the jobs, then upload a sample and wait for its transcript.

    Raises:
        ConfigurationError: something does not work; says what, and where to look.
        Transient: something did not answer; run it again.
    """
    checked = tuple(check_job(one, target, api, say) for one in target.images if one != "functions")
    name = f"dropscribe-smoke/{int(now())}-{SAMPLE.name}"
    say(f"Uploading a sample to gs://{target.buckets['audio']}/{name} …")
    uploaded = api.call(
        "POST",
        f"storage.googleapis.com/upload/storage/v1/b/{target.buckets['audio']}/o",
        params={"uploadType": "media", "name": name, "ifGenerationMatch": "0"},
        data=SAMPLE.read_bytes(),
    )
    source = StoredObject(
        bucket=target.buckets["audio"],
        name=name,
        generation=int(uploaded["generation"]),
        size=SAMPLE.stat().st_size,
    )
    recording = _transcript(recording_id(source, Options()), ports, api)
    return Smoke(checked=checked, recording=recording)


def check_job(job: str, target: Target, api: Api, say: Callable[[str], None]) -> str:
    """Run `python -m gpu_job --check` in a job of the workers; returns the execution.

    Raises:
        ConfigurationError: it fails; says where its log is.
    """
    say(
        "Checking the GPU, its driver and the weights …"
        if job == "gpu"
        else "Checking the weights on a processor …"
    )
    path = f"{RUN}/projects/{target.project}/locations/{target.region}/jobs/dropscribe-{job}"
    overrides = {"taskCount": 1, "containerOverrides": [{"args": ["-m", "gpu_job", "--check"]}]}
    started = api.call("POST", f"{path}:run", {"overrides": overrides})
    what = "GPU" if job == "gpu" else "machine"
    execution = started["metadata"]["name"]
    name = str(execution).rpartition("/")[2]
    log = (
        f"gcloud logging read 'labels.\"run.googleapis.com/execution_name\"={name}' "
        f"--project={target.project} --format='value(textPayload)'"
    )

    def succeeded() -> bool:
        found = api.get(f"{RUN}/{execution}") or {}
        if found.get("succeededCount"):
            return True
        if found.get("failedCount") or found.get("cancelledCount") or found.get("completionTime"):
            raise ConfigurationError(f"The check of the job dropscribe-{job} failed. Its log says why: {log}")
        return False

    if api.wait(succeeded, EVERY, PATIENCE):
        return name
    raise ConfigurationError(
        f"No {what} was to be had within {PATIENCE / 60:.0f} minutes: `make preflight` shows the quota. Uploads are "
        "transcribed by the other engines meanwhile, if there are any."
    )


def _transcript(key: str, ports: Ports, api: Api) -> Recording:
    def ended() -> Recording | None:
        found = documents.get_recording(ports.records, key)
        return found if found is not None and found.ended else None

    found = api.wait(ended, EVERY, PATIENCE)
    if found is None:
        raise ConfigurationError(
            f"The sample has no transcript after {PATIENCE / 60:.0f} minutes. `dropscribe status` says where it is; "
            '"When something does not work" in docs/google-cloud.md says what to look at.'
        )
    if found.state != "DONE":
        raise ConfigurationError(f"The sample was not transcribed: {found.reason}")
    return found
