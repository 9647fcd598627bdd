"""What a project lacks for a deployment, and how to fix it. Changes nothing.

Everything is checked, whatever else is missing, so that a person can fix all of it at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from deployment import apis, quotas
from deployment.api import DISABLED, Api, Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from deployment.target import Target

STATE = "dropscribe/default.tfstate"
"""Object with Terraform's state (terraform/versions.tf)."""

PERMISSIONS = {
    "serviceusage.services.enable": "roles/serviceusage.serviceUsageAdmin",
    "resourcemanager.projects.setIamPolicy": "roles/resourcemanager.projectIamAdmin",
    "iam.serviceAccounts.create": "roles/iam.serviceAccountAdmin",
    "iam.serviceAccounts.actAs": "roles/iam.serviceAccountUser",
    "run.services.create": "roles/run.admin",
    "run.jobs.setIamPolicy": "roles/run.admin",
    "pubsub.topics.setIamPolicy": "roles/pubsub.admin",
    "storage.buckets.create": "roles/storage.admin",
    "datastore.databases.create": "roles/datastore.owner",
    "secretmanager.secrets.create": "roles/secretmanager.admin",
    "artifactregistry.repositories.create": "roles/artifactregistry.admin",
    "cloudbuild.builds.create": "roles/cloudbuild.builds.editor",
    "cloudscheduler.jobs.create": "roles/cloudscheduler.admin",
    "monitoring.alertPolicies.create": "roles/monitoring.editor",
    "logging.logMetrics.create": "roles/logging.configWriter",
}
"""A permission that represents each role which a deployment needs; an owner has all of them."""

PROXY = {"iap.web.setIamPolicy": "roles/iap.admin"}
"""The same where there is a page."""

KMS = {"cloudkms.cryptoKeys.setIamPolicy": "roles/cloudkms.admin"}
"""The same where there is a customer-managed key in the same project."""

L4 = ("asia-southeast1", "europe-west1", "europe-west4", "us-central1", "us-east4")
"""https://cloud.google.com/run/docs/configuring/jobs/gpu, read on 2026-11-29; terraform/locals.tf has the same."""

BY_INVITATION = ("asia-south1",)
"""Google's account team lets a project in; the same page."""

PERHAPS_BY_INVITATION = ("us-central1",)
"""One newer page marks it so; a project's quota there says whether it is in."""

LABEL = "dropscribe"
"""Label `app` of what these commands and terraform/versions.tf make."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Lack:
    """Something that is missing."""

    what: str
    """One sentence."""
    cure: str
    """What to do: a sentence or a command."""
    blocks: bool = True
    """Whether a deployment would fail; otherwise it works, but less well."""


def check(target: Target, api: Api) -> list[Lack]:
    """Everything that the project lacks; empty if it can be deployed.

    Raises:
        StoreUnavailable: Google did not answer.
        ConfigurationError: there are no credentials.
    """
    project = _project(target, api)
    if isinstance(project, Lack):
        # Nothing else can be asked of a project that is not there.
        return [project]
    found = []
    steps: tuple[Callable[[Target, Api], Iterator[Lack]], ...] = (
        _billing, _permissions, _apis, _region, _quotas, _database,
    )  # fmt: skip
    for step in steps:
        found += _tried(step, target, api)
    found += list(_names(target, api, project))
    return found


def has_state(target: Target, api: Api) -> bool:
    """Whether Terraform's state is there: without it nothing was ever deployed.

    Raises:
        Refused: the bucket may not be looked at.
        StoreUnavailable: Google did not answer.
        ConfigurationError: there are no credentials.
    """
    return api.exists(f"storage.googleapis.com/storage/v1/b/{target.state_bucket}")


def _tried(step: Callable[[Target, Api], Iterator[Lack]], target: Target, api: Api) -> list[Lack]:
    """What a check finds; one that may not look says so, and the others go on."""
    try:
        return list(step(target, api))
    except Refused as error:
        what = f"{step.__name__.strip('_').capitalize()} could not be looked at"
        if error.reason == DISABLED:
            cure = "`make deploy` looks again when it has enabled the service."
            return [Lack(what=f"{what}: the service that knows is not enabled.", cure=cure, blocks=False)]
        cure = "Ask for roles/viewer on the project, and run it again."
        return [Lack(what=f"{what}: {error}.", cure=cure, blocks=False)]


def _project(target: Target, api: Api) -> str | Lack:
    """The number of the project. The service that answers is the one that every project has from its beginning."""
    try:
        found = api.get(
            f"serviceusage.googleapis.com/v1/projects/{target.project}/services/run.googleapis.com"
        )
    except Refused as error:
        if error.reason == DISABLED:
            cure = f"gcloud services enable serviceusage.googleapis.com --project={target.project}"
            return Lack(what=f"The project {target.project} answers no questions about itself.", cure=cure)
        found = None
    if found is None:
        return Lack(
            what=f"There is no project {target.project}, or you may not see it.",
            cure=f"gcloud projects create {target.project}, or ask its owner for roles/owner on it.",
        )
    return str(found["name"]).split("/")[1]


def _billing(target: Target, api: Api) -> Iterator[Lack]:
    info = api.get(f"cloudbilling.googleapis.com/v1/projects/{target.project}/billingInfo") or {}
    if not info.get("billingEnabled"):
        yield Lack(
            what=f"The project {target.project} has no billing account.",
            cure=f"gcloud billing projects link {target.project} --billing-account=ACCOUNT "
            "(gcloud billing accounts list shows yours).",
        )


def _permissions(target: Target, api: Api) -> Iterator[Lack]:
    wanted = (
        PERMISSIONS | (KMS if target.variables.get("kms_key") else {}) | (PROXY if target.console else {})
    )
    path = f"cloudresourcemanager.googleapis.com/v3/projects/{target.project}:testIamPermissions"
    held = api.call("POST", path, {"permissions": list(wanted)}).get("permissions", ())
    for role in dict.fromkeys(role for permission, role in wanted.items() if permission not in held):
        missing = ", ".join(one for one, its in wanted.items() if its == role and one not in held)
        yield Lack(
            what=f"You may not {missing} in {target.project}.",
            cure=f"Ask an owner: gcloud projects add-iam-policy-binding {target.project} "
            f"--member=user:YOU --role={role}",
        )


def _apis(target: Target, api: Api) -> Iterator[Lack]:
    if off := apis.off(target, api):
        names = " ".join(f"{one}.googleapis.com" for one in off)
        yield Lack(
            what=f"Services are not enabled yet: {', '.join(off)}.",
            cure=f"`make deploy` enables them, or: gcloud services enable {names} --project={target.project}",
            blocks=False,
        )


def _region(target: Target, api: Api) -> Iterator[Lack]:
    answer = api.get(f"run.googleapis.com/v1/projects/{target.project}/locations", pageSize="200") or {}
    known = {one.get("locationId") for one in answer.get("locations", ())}
    if known and target.region not in known:
        yield Lack(
            what=f"Cloud Run has no region {target.region}.",
            cure=f"Choose one of {', '.join(L4)}.",
        )
    elif target.gpu and target.region in target.invited_regions:
        return
    elif target.gpu and target.region in BY_INVITATION:
        yield Lack(
            what=f"Cloud Run gives L4s in {target.region} by invitation only.",
            cure=f"Choose one of {', '.join(L4)}, or ask Google's account team. Once they have let the project in, "
            f'say so in the variables: {{"invited_regions": ["{target.region}"]}}.',
        )
    elif target.gpu and target.region not in L4:
        yield Lack(
            what=f"Cloud Run has no L4s in {target.region}.",
            cure=f"Choose one of {', '.join(L4)}, or set gpu to null: no GPU.",
        )


def _quotas(target: Target, api: Api) -> Iterator[Lack]:
    path = f"cloudquotas.googleapis.com/v1/projects/{target.project}/locations/global"
    infos, token = [], ""
    while True:
        page = api.call(
            "GET", f"{path}/services/{quotas.SERVICE}/quotaInfos", params={"pageSize": "500", "pageToken": token}
        )  # fmt: skip
        infos += page.get("quotaInfos", [])
        token = page.get("nextPageToken", "")
        if not token:
            break
    for quota in quotas.needed(target):
        has = quotas.granted(infos, quota, target.region)
        if has is not None and has >= quota.needed:
            continue
        told = "nothing is known of it" if has is None else f"the project has {has}"
        invited = ""
        if quota.id == quotas.L4 and not has and target.region in PERHAPS_BY_INVITATION:
            invited = f" {target.region} may be by invitation only: europe-west4 is open."
        yield Lack(
            what=f"All tasks at one time take {quota.needed} {quota.unit} ({quota.in_words}) in {target.region}, "
            f"and {told}.",
            cure=f"{quotas.request(quota, target.project, target.region)}{invited}"
            + (
                ""
                if not has
                else f" Until then fewer tasks run: set max_tasks to what {has} {quota.unit} hold."
            ),
            # Without any L4 the job cannot even be created.
            blocks=quota.id == quotas.L4 and has == 0,
        )


def _database(target: Target, api: Api) -> Iterator[Lack]:
    path = f"firestore.googleapis.com/v1/projects/{target.project}/databases/{target.database}"
    found = api.get(path)
    if found is None:
        return
    if found.get("type") != "FIRESTORE_NATIVE":
        yield Lack(
            what=f"The database {target.database} is in Datastore mode, and Dropscribe needs native mode.",
            cure='Name another one in the variables: {"database": {"name": "dropscribe"}}.',
        )
    elif found.get("locationId") != target.region:
        yield Lack(
            what=f"The database {target.database} is in {found.get('locationId')}, not in {target.region}.",
            cure='Deploy there, or name another one in the variables: {"database": {"name": "dropscribe"}}.',
        )
    elif not _is_ours(target, api):
        yield Lack(
            what=f"There is a database {target.database} in the project, and Dropscribe did not make it.",
            cure='Name another one in the variables: {"database": {"name": "dropscribe"}}.',
        )


def _is_ours(target: Target, api: Api) -> bool:
    """Whether Terraform's state holds the database: a run that failed before it came to that has a state, too."""
    name = quote(STATE, safe="")
    state = api.get(f"storage.googleapis.com/storage/v1/b/{target.state_bucket}/o/{name}", alt="media") or {}
    return any(one.get("type") == "google_firestore_database" for one in state.get("resources", ()))


def _names(target: Target, api: Api, number: str) -> Iterator[Lack]:
    """Names of buckets are one for the whole world."""
    wanted = {**target.buckets, "sources": target.sources_bucket, "state": target.state_bucket}
    for use, name in wanted.items():
        found = None
        try:
            found = api.get(f"storage.googleapis.com/storage/v1/b/{name}")
            taken = found is not None and str(found.get("projectNumber", number)) != number
        except Refused as error:
            taken = error.status == 403 and error.reason != DISABLED
        if found and not taken and (found.get("labels") or {}).get("app") != LABEL:
            yield Lack(
                what=f"There is a bucket {name} in the project, and Dropscribe did not make it.",
                cure=f"Delete it (gcloud storage buckets delete gs://{name}), or name another one in the variables.",
            )
        if taken:
            cure = f'Name another one in the variables: {{"buckets": {{"{use}": "…"}}}}.'
            if use not in target.buckets:
                cure = "Deploy to a project with another id: this name follows from it."
            yield Lack(what=f"The name of the bucket {name} ({use}) is taken by another project.", cure=cure)
