"""After a deployment: do the workers work, who may open the page, and does an upload become a transcript?"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from http import HTTPStatus
from typing import TYPE_CHECKING

import requests

from deployment.api import Api, Refused
from deployment.rollout.services import CONSOLE, RUN
from deployment.target import ROOT, Target
from shared.errors import ConfigurationError
from shared.model import Options, Recording, StoredObject, recording_id
from shared.state import documents

if TYPE_CHECKING:
    from shared.ports import Ports

SAMPLE = ROOT / "samples" / "voice-note.opus"

PATIENCE = 900.0
"""Most seconds for the GPU's check, and for the transcript: a GPU has to be found and started."""
PROXY_PATIENCE = 300.0
"""Maximum seconds until Identity-Aware Proxy requires sign-in."""
SIGN_IN = frozenset({HTTPStatus.FOUND, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})
"""What it answers to those it does not know."""
EVERY = 5.0
"""Seconds between two polls."""


def run(
    target: Target, api: Api, ports: Ports, say: Callable[[str], None], now: Callable[[], float] = time.time
) -> Recording:
    """Check the jobs and the page, then upload a sample and wait for its transcript; returns its recording, DONE.

    Raises:
        ConfigurationError: something does not work; says what, and where to look.
        Transient: something did not answer; run it again.
    """
    for job in target.jobs:
        check_job(job, target, api, say)
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
    return _transcript(recording_id(source, Options()), ports, api)


def check_job(job: str, target: Target, api: Api, say: Callable[[str], None]) -> None:
    """Run `python -m gpu_job --check` in a job of the workers.

    Raises:
        ConfigurationError: it fails; says where its log is.
    """
    what, of = (
        ("GPU", "the GPU, its driver and the weights")
        if job == "gpu"
        else ("machine", "the weights on a processor")
    )
    say(f"Checking {of} …")
    path = f"{RUN}/projects/{target.project}/locations/{target.region}/jobs/dropscribe-{job}"
    overrides = {"taskCount": 1, "containerOverrides": [{"args": ["-m", "gpu_job", "--check"]}]}
    started = api.call("POST", f"{path}:run", {"overrides": overrides})
    execution = str(started["metadata"]["name"])
    log = (
        f"gcloud logging read 'labels.\"run.googleapis.com/execution_name\"={execution.rpartition('/')[2]}' "
        f"--project={target.project} --format='value(textPayload)'"
    )

    def succeeded() -> bool:
        found = api.get(f"{RUN}/{execution}") or {}
        if found.get("succeededCount"):
            return True
        if found.get("failedCount") or found.get("cancelledCount") or found.get("completionTime"):
            raise ConfigurationError(f"The check of the job dropscribe-{job} failed. Its log says why: {log}")
        return False

    if not api.wait(succeeded, EVERY, PATIENCE):
        raise ConfigurationError(
            f"No {what} was available within {PATIENCE / 60:.0f} minutes: `make preflight` shows the quota. Uploads are "
            "transcribed by the other engines until then, if there are any."
        )


Ask = Callable[[str, str], int]
"""Gives the status of a URL, 0 if there is no response; with a token, or unauthenticated."""


def check_console(
    target: Target,
    api: Api,
    say: Callable[[str], None],
    ask: Ask | None = None,
    now: Callable[[], float] = time.time,
) -> None:
    """Check that the page's service has started, refuses unauthenticated requests, and admits `console_members`.

    Raises:
        ConfigurationError: it does not start, serves unauthenticated requests, or refuses a member.
    """
    ask = ask or _status
    found = api.get(f"{RUN}/projects/{target.project}/locations/{target.region}/services/{CONSOLE}") or {}
    created, ready = found.get("latestCreatedRevision", ""), found.get("latestReadyRevision", "")
    if not ready or created != ready:
        raise ConfigurationError(
            f"The page does not start: {created or CONSOLE} does not answer /health. Its log says why: "
            f"gcloud run services logs read {CONSOLE} --region={target.region} --project={target.project}"
        )
    address = f"{found['uri']}/health"
    say(f"Requesting {address} without signing in …")

    def refused() -> bool:
        status = ask(address, "")
        if status == HTTPStatus.OK:
            raise ConfigurationError(
                f"{address} responds without sign-in: Identity-Aware Proxy is not in front of it. Take the page down (empty "
                "console_members, `make deploy`), and see what happened to `iap_enabled` of the service."
            )
        return status in SIGN_IN

    if not api.wait(refused, EVERY, PROXY_PATIENCE):
        raise ConfigurationError(
            f"Identity-Aware Proxy does not require sign-in at {address}. It may take some minutes after it is "
            "switched on: run the same command again."
        )
    _signed_in(found["uri"], target, api, say, ask, now())


def _signed_in(page: str, target: Target, api: Api, say: Callable[[str], None], ask: Ask, now: float) -> None:
    """Ask as a service account that may open the page, if there is one in whose name this person may sign.

    https://cloud.google.com/iap/docs/authentication-howto
    """
    kind = "serviceAccount:"
    accounts = [one.removeprefix(kind) for one in target.members if one.startswith(kind)]
    if not accounts:
        say(
            f"The page was not checked as a member: no service account is in console_members. Open it yourself: {page}"
        )
        return
    claims = {
        "iss": accounts[0],
        "sub": accounts[0],
        "aud": f"{page}/*",
        "iat": int(now),
        "exp": int(now) + 3600,
    }
    signer = f"iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/{accounts[0]}:signJwt"
    try:
        token = str(api.call("POST", signer, {"payload": json.dumps(claims)})["signedJwt"])
    except Refused as error:
        say(
            f"The page was not checked as a member: you may not sign as {accounts[0]} ({error}). Open it yourself: {page}, or: "
            f"gcloud iam service-accounts add-iam-policy-binding {accounts[0]} --member=user:YOU "
            "--role=roles/iam.serviceAccountTokenCreator"
        )
        return
    say(f"Asking {page}/health, and the page itself, as {accounts[0]} …")
    for address, meaning in (
        (f"{page}/health", "Identity-Aware Proxy turns away who is in console_members"),
        (f"{page}/", "it does not take the proxy's signature; its log says why"),
    ):
        last = 0

        def well(address: str = address) -> bool:
            nonlocal last
            last = ask(address, token)
            return last == HTTPStatus.OK

        # A new member is known everywhere after some minutes.
        if not api.wait(well, EVERY, PROXY_PATIENCE):
            raise ConfigurationError(f"{address} answers {last} to {accounts[0]}: {meaning}.")


def _status(address: str, token: str) -> int:
    """The status of an answer, redirects not followed; 0: there was none."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        return requests.get(address, headers=headers, allow_redirects=False, timeout=30).status_code
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
