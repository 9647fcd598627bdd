"""Google's services that a deployment needs: which are off, enabling them, and their agents."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from deployment.api import Api
    from deployment.target import Target

APIS = (
    *("serviceusage", "cloudresourcemanager", "cloudbilling", "cloudquotas", "iam", "storage"),
    *("artifactregistry", "cloudbuild", "run", "pubsub", "firestore", "secretmanager", "monitoring"),
)
"""What the commands themselves talk to; Terraform enables what only it needs."""

PROXY = "iap"
"""The service that lets people in where there is a page; its agent calls the page's service."""

AGENTS = ("pubsub",)
"""Services whose agents are granted roles: they must exist by then. Cloud Storage's is made when Terraform asks for it."""
KEY_AGENTS = ("artifactregistry", "firestore", "run", "secretmanager")
"""The same where there is a customer-managed key, which they use (terraform/encryption.tf)."""


def needed(target: Target) -> tuple[str, ...]:
    """The services that must be enabled before Terraform runs, without `.googleapis.com`."""
    return (*APIS, *([PROXY] if target.console else []))


def off(target: Target, api: Api) -> list[str]:
    """The services that are not enabled, without `.googleapis.com`.

    Raises:
        Refused: the permission is missing.
    """
    project = f"projects/{target.project}"
    query = "&".join(f"names={project}/services/{one}.googleapis.com" for one in needed(target))
    answer = api.call("GET", f"serviceusage.googleapis.com/v1/{project}/services:batchGet?{query}")
    found = answer.get("services", ())
    on = {one["name"].rpartition("/")[2] for one in found if one.get("state") == "ENABLED"}
    return [one for one in needed(target) if f"{one}.googleapis.com" not in on]


def prepare(target: Target, api: Api) -> bool:
    """Enable the services that the commands talk to, and create the service agents. Repeats change nothing.

    Returns:
        Whether services were enabled, so that more can be looked at now.

    Raises:
        Refused: the permission is missing.
        StoreUnavailable: Google did not answer, or has not finished.
    """
    path = f"serviceusage.googleapis.com/v1/projects/{target.project}/services"
    if missing := off(target, api):
        ids = [f"{one}.googleapis.com" for one in missing]
        api.settle(
            "serviceusage.googleapis.com/v1",
            api.call("POST", f"{path}:batchEnable", {"serviceIds": ids}),
            300.0,
        )
    beta = path.replace("/v1/", "/v1beta1/")
    with_key = KEY_AGENTS if target.variables.get("kms_key") else ()
    for one in (*AGENTS, *([PROXY] if target.console else []), *with_key):
        operation = api.call("POST", f"{beta}/{one}.googleapis.com:generateServiceIdentity")
        api.settle("serviceusage.googleapis.com/v1beta1", operation, 120.0)
    return bool(missing)
