"""What is deployed where: project, region, and the values of Terraform's variables."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from deployment.variables import Cpu, Gpu, check
from shared.errors import BadRequest
from shared.routing import weights
from shared.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
"""The checkout: sources, Terraform's root, the build."""

OURS = frozenset({"project", "region", "images", "delete_data"})
"""Variables that the commands set themselves."""

PROJECT = re.compile(r"[a-z][a-z0-9-]{4,28}[a-z0-9]")
REGION = re.compile(r"[a-z]+-[a-z]+[0-9]+")


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """One deployment."""

    project: str
    """ID of the project."""
    region: str
    """Region of everything: `europe-west4`."""
    variables: Mapping[str, Any] = field(default_factory=dict)
    """Values of Terraform's other variables (terraform/README.md)."""

    @property
    def state_bucket(self) -> str:
        """The bucket of Terraform's state."""
        return f"{self.project}-terraform"

    @property
    def sources_bucket(self) -> str:
        """The bucket of the sources that images are built from."""
        return f"{self.project}-build"

    @property
    def registry(self) -> str:
        """Where the images are, without the name of one."""
        return f"{self.region}-docker.pkg.dev/{self.project}/dropscribe"

    @property
    def gpu(self) -> Gpu | None:
        """Shape of the GPU job; None if there is none."""
        return msgspec.convert(self.variables.get("gpu", {}), Gpu | None)

    @property
    def cpu(self) -> Cpu | None:
        """Shape of the CPU job; None if there is none."""
        return msgspec.convert(self.variables.get("cpu"), Cpu | None)

    @property
    def hosted(self) -> tuple[str, ...]:
        """Hosted engines, by their names."""
        return tuple(self.variables.get("hosted") or ())

    @property
    def webhooks(self) -> bool:
        """Whether there is a webhook URL."""
        return bool(self.variables.get("webhook"))

    @property
    def console(self) -> bool:
        """Whether there is a page: it has members."""
        return bool(self.variables.get("console_members"))

    @property
    def members(self) -> tuple[str, ...]:
        """Who may open the page: `user:…`, `group:…`, `domain:…`, `serviceAccount:…`."""
        return tuple(sorted(self.variables.get("console_members") or ()))

    @property
    def buckets(self) -> dict[str, str]:
        """Names of the buckets with data, by `audio`, `transcripts` and `work`."""
        named = self.variables.get("buckets") or {}
        return {one: named.get(one) or f"{self.project}-{one}" for one in ("audio", "transcripts", "work")}

    @property
    def invited_regions(self) -> tuple[str, ...]:
        """Regions beside the open ones in which the project may use L4s."""
        return tuple(self.variables.get("invited_regions") or ())

    @property
    def database(self) -> str:
        """Name of the Firestore database."""
        return str((self.variables.get("database") or {}).get("name", "(default)"))

    @property
    def model(self) -> str:
        """Weights that the images hold: names, separated by spaces."""
        english = (self.variables.get("settings") or {}).get(weights.ENGLISH, "")
        named = (str(self.variables.get("model", Settings().model)), str(english))
        return " ".join(dict.fromkeys(filter(None, named)))

    @property
    def images(self) -> tuple[str, ...]:
        """The images that run, by their names in the registry."""
        return ("functions", *self.jobs, *(["console"] if self.console else []))

    @property
    def jobs(self) -> tuple[str, ...]:
        """The jobs of the workers, by the names of their images."""
        return (*(["gpu"] if self.gpu else []), *(["cpu"] if self.cpu else []))

    @property
    def services(self) -> tuple[str, ...]:
        """The functions' services, as terraform/locals.tf has them."""
        names = ("router", "requests", "merger", "dead-letters", "sweeper", "guard", *self.hosted)
        names += ("webhooks", "webhooks-budget") if self.webhooks else ()
        return tuple(f"dropscribe-{one}" for one in names)


def read(project: str, region: str, file: Path | None = None) -> Target:
    """The deployment that a person names.

    A JSON file with Terraform variable values; None: `terraform/PROJECT.tfvars.json`, if there is one.

    Raises:
        BadRequest: something is missing or wrong; says what it must be.
    """
    if not PROJECT.fullmatch(project):
        what = f"PROJECT is {project!r}, which is no id of a project" if project else "No project is named"
        raise BadRequest(f"{what}: PROJECT=my-project, one of those that `gcloud projects list` shows.")
    if not REGION.fullmatch(region):
        what = f"REGION is {region!r}, which is no region" if region else "No region is named"
        raise BadRequest(f"{what}: REGION=europe-west4, or another one with L4s (docs/google-cloud.md).")
    variables: dict[str, Any] = {}
    path = file or ROOT / "terraform" / f"{project}.tfvars.json"
    if file is not None or path.exists():
        try:
            variables = msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
        except OSError as error:
            raise BadRequest(f"{path} cannot be read: {error.strerror}.") from error
        except msgspec.MsgspecError as error:
            raise BadRequest(f"{path} must be a JSON object with Terraform's variables: {error}.") from error
    if taken := OURS & set(variables):
        raise BadRequest(f"{path} sets {', '.join(sorted(taken))}: leave it out, the command sets it.")
    try:
        check(variables)
    except msgspec.ValidationError as error:
        raise BadRequest(
            f"{path} does not fit Terraform's variables (terraform/README.md): {error}."
        ) from error
    return Target(project=project, region=region, variables=variables)
