"""Revisions and traffic of the functions, and the images of the jobs, by Cloud Run's interface."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from deployment.rollout.state import Images
from shared.errors import BadRequest, ConfigurationError, StoreUnavailable

if TYPE_CHECKING:
    from deployment.api import Api
    from deployment.target import Target

RUN = "run.googleapis.com/v2"
LATEST = "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST"
REVISION = "TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION"

FAILED = "CONDITION_FAILED"

POLL = 2.0
"""Seconds between two polls of a change of the traffic."""

PATIENCE = 300.0
"""Most seconds until a change of the traffic holds."""

CANARY = "dropscribe-gpu-canary"

CONSOLE = "dropscribe-console"

LOCK = "dropscribe/default.tflock"
"""The lock of Terraform's state, by the prefix of terraform/versions.tf; its generation is what `force-unlock` takes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Service:
    """One function as it is deployed."""

    name: str
    """Name of the service."""
    image: str
    """Image of its newest revision."""
    created: str
    """The newest revision, ready or not."""
    ready: str
    """The newest revision that is ready."""
    traffic: Mapping[str, int]
    """Percent by revision; an empty name stands for the newest ready one."""

    @property
    def serving(self) -> str:
        """The revision with the most traffic."""
        most = max(self.traffic, key=lambda one: self.traffic[one], default="")
        return most or self.ready


class Traffic:
    """Moves the traffic of functions, and ends the next release's workers."""

    def __init__(self, project: str, region: str, api: Api) -> None:
        self._api = api
        self._path = f"{RUN}/projects/{project}/locations/{region}"

    def service(self, name: str) -> Service:
        """A service as it is deployed.

        Raises:
            ConfigurationError: it is missing; deploy first.
        """
        return _read(name, self._found(name))

    def _found(self, name: str) -> dict[str, Any]:
        found = self._api.get(f"{self._path}/services/{name}")
        if found is None:
            raise ConfigurationError(f"There is no service {name}: run `make deploy` first.")
        return found

    def bind(self, shares: Mapping[str, Mapping[str, int]]) -> None:
        """Give revisions their shares of the traffic, in all services at one time. Those that have them are left.

        Percent by service and revision; an empty name stands for the newest ready revision.

        Raises:
            ConfigurationError: Cloud Run says no, or a service is missing.
            StoreUnavailable: some may have their shares; do it again.
        """
        begun = [
            name
            for name, wanted in shares.items()
            if self._bind(self.service(name), {one: at for one, at in wanted.items() if at})
        ]
        for name in begun:
            self._settle(name)

    def _bind(self, service: Service, wanted: Mapping[str, int]) -> bool:
        if dict(service.traffic) == dict(wanted):
            return False
        traffic: list[dict[str, Any]] = [
            {"type": REVISION, "revision": name, "percent": percent}
            if name
            else {"type": LATEST, "percent": percent}
            for name, percent in wanted.items()
        ]
        self._api.call(
            "PATCH",
            f"{self._path}/services/{service.name}",
            {"traffic": traffic},
            params={"updateMask": "traffic"},
        )
        return True

    def _settle(self, name: str) -> None:
        """Wait until a change holds. The service is asked, because who may change it may not see the operation."""

        def settled() -> dict[str, Any] | None:
            found = self._found(name)
            return None if found.get("reconciling") else found

        found = self._api.wait(settled, POLL, PATIENCE)
        if found is None:
            raise StoreUnavailable(f"The traffic of {name} has not moved after {PATIENCE:.0f} s.")
        condition = found.get("terminalCondition", {})
        if condition.get("state") == FAILED:
            raise ConfigurationError(f"The traffic of {name} cannot be moved: {condition.get('message')}")

    def stop_canary(self) -> int:
        """Cancel the executions of the next release's job; what they held is redelivered. Returns how many."""
        found = self._api.get(f"{self._path}/jobs/{CANARY}/executions", pageSize="50") or {}
        running = [one for one in found.get("executions", ()) if not one.get("completionTime")]
        for one in running:
            self._api.call("POST", f"{RUN}/{one['name']}:cancel", {})
        return len(running)


class CloudRun(Traffic):
    """The functions and jobs of a deployment."""

    def __init__(self, target: Target, api: Api) -> None:
        super().__init__(target.project, target.region, api)
        self._target = target

    def services(self) -> dict[str, Service]:
        """Every function by its name.

        Raises:
            ConfigurationError: one is missing; deploy first.
        """
        return {name: self.service(name) for name in self._target.services}

    def has(self, name: str) -> bool:
        """Whether a service is deployed."""
        return self._api.exists(f"{self._path}/services/{name}")

    def anything(self) -> bool:
        """Whether any function or job is deployed, of a whole deployment or of one that was begun."""
        jobs = [f"jobs/dropscribe-{one}" for one in self._target.jobs]
        services = [*self._target.services, *([CONSOLE] if self._target.console else [])]
        names = [*(f"services/{one}" for one in services), *jobs]
        return any(self._api.exists(f"{self._path}/{one}") for one in names)

    def check_idle(self) -> None:
        """Check that no other operator is changing this deployment: Terraform locks its state meanwhile.

        Raises:
            BadRequest: one is; says since when, and what to do if that command was killed.
        """
        bucket, name = self._target.state_bucket, quote(LOCK, safe="")
        lock = self._api.get(f"storage.googleapis.com/storage/v1/b/{bucket}/o/{name}")
        if lock is not None:
            since = str(lock["timeCreated"])[:19].replace("T", " ")
            raise BadRequest(
                f"Terraform has been changing this deployment since {since} UTC: another `make deploy` runs, or one was "
                "killed. Wait for its end and run this again. If none runs: terraform -chdir=terraform force-unlock "
                f"{lock['generation']}"
            )

    def images(self) -> Images:
        """The images that are deployed.

        Raises:
            ConfigurationError: a function or a job is missing.
        """
        functions = self.service(self._target.services[0]).image
        return Images(
            functions=functions,
            gpu=self._job_image("dropscribe-gpu") if self._target.gpu else "",
            cpu=self._job_image("dropscribe-cpu") if self._target.cpu else "",
            console=self.service(CONSOLE).image if self._target.console else "",
        )

    def _job_image(self, name: str) -> str:
        found = self._api.get(f"{self._path}/jobs/{name}")
        if found is None:
            raise ConfigurationError(
                f"There is no job {name} in {self._target.project}: run `make deploy` first."
            )
        return str(found["template"]["template"]["containers"][0]["image"])


def _read(name: str, found: Mapping[str, Any]) -> Service:
    return Service(
        name=name,
        image=found["template"]["containers"][0]["image"],
        created=_last(found.get("latestCreatedRevision", "")),
        ready=_last(found.get("latestReadyRevision", "")),
        traffic={
            "" if one.get("type") == LATEST else _last(one["revision"]): int(one.get("percent", 0))
            for one in found.get("traffic", ())
        },
    )


def _last(name: str) -> str:
    """Cloud Run writes some names in full, and some as their last part."""
    return name.rpartition("/")[2]
