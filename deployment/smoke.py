"""After a deployment: do the workers work, and does an upload become a transcript?"""

from __future__ import annotations

import time
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

import requests

from deployment.rollout.services import CONSOLE, RUN
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
PROXY_PATIENCE = 300.0
"""Most seconds until Identity-Aware Proxy asks strangers to sign in."""
SIGN_IN = frozenset({HTTPStatus.FOUND, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})
"""What it answers to those it does not know."""
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
    """Check the jobs and the page, then upload a sample and wait for its transcript.

    Raises:
        ConfigurationError: something does not work; says what, and where to look.
        Transient: something did not answer; run it again.
    """
    checked = tuple(check_job(one, target, api, say) for one in target.jobs)
    if target.console:
        check_console(target, api, say)
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


def check_console(
    target: Target, api: Api, say: Callable[[str], None], ask: Callable[[str], int] | None = None
) -> None:
    """Look whether the page's service has started, which asks its /health, and whether it lets no stranger in.

    Args:
        target: the deployment.
        api: how to talk to Google.
        say: tells a line.
        ask: gives the status of an address that is asked without an account; None: over the network.

    Raises:
        ConfigurationError: it does not start, or answers strangers.
    """
    found = api.get(f"{RUN}/projects/{target.project}/locations/{target.region}/services/{CONSOLE}") or {}
    created, ready = found.get("latestCreatedRevision", ""), found.get("latestReadyRevision", "")
    if not ready or created != ready:
        raise ConfigurationError(
            f"The page does not start: {created or CONSOLE} does not answer /health. Its log says why: "
            f"gcloud run services logs read {CONSOLE} --region={target.region} --project={target.project}"
        )
    address = f"{found['uri']}/health"
    say(f"Asking {address} as a stranger …")

    def refused() -> bool:
        status = (ask or _as_a_stranger)(address)
        if status == HTTPStatus.OK:
            raise ConfigurationError(
                f"{address} answers strangers: Identity-Aware Proxy does not stand before it. Take the page down (empty "
                "console_members, `make deploy`), and see what happened to `iap_enabled` of the service."
            )
        return status in SIGN_IN

    if not api.wait(refused, EVERY, PROXY_PATIENCE):
        raise ConfigurationError(
            f"Identity-Aware Proxy does not ask strangers at {address} to sign in. It may take some minutes after it is "
            "switched on: run the same command again."
        )


def _as_a_stranger(address: str) -> int:
    """The status of an answer, redirects not followed; 0: there was none."""
    try:
        return requests.get(address, allow_redirects=False, timeout=30).status_code
    except requests.RequestException:
        return 0


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
