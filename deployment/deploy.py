"""A deployment from an empty project, in order. Each step checks what exists, so a second run changes nothing.

preflight   what is missing, and how to fix it; nothing has been changed yet
prepare     services of Google, service agents, the bucket of Terraform's state
foundation  Terraform without images: registry, buckets, database, secrets
key         of each hosted engine, from standard input into its secret; one that signs webhooks, made here
build       images by Cloud Build, named by the content of the sources
plan, yes   what Terraform would change, and a person's yes
apply       functions, jobs, subscriptions, scheduler jobs, the page
smoke       the GPU's check; the page requires sign-in; an upload becomes a transcript
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from deployment import apis, build, preflight
from deployment.rollout import state
from deployment.rollout.phases import unready
from deployment.rollout.services import CloudRun
from shared.engines import ENGINES
from shared.errors import BadRequest, ConfigurationError
from shared.webhooks import secret

if TYPE_CHECKING:
    from deployment.api import Api
    from deployment.plans import Terraform
    from deployment.rollout.state import Images
    from deployment.source import Source
    from deployment.target import Target
    from shared.model import Recording
    from shared.ports import Ports


@dataclass(frozen=True, kw_only=True, slots=True)
class Person:
    """The operator who runs the command."""

    say: Callable[[str], None]
    """Tells a line."""
    agrees: Callable[[str], bool]
    """Asks a question; True is yes."""
    key_of: Callable[[str], str]
    """Gives the API key of a hosted engine, by the name of its variable; empty if there is none to give."""


class Blocked(ConfigurationError):  # noqa: N818 - see `Transient` in shared/errors.py
    """The project lacks something without which a deployment would fail."""

    def __init__(self, lacks: list[preflight.Lack], changed: str) -> None:
        lines = "\n".join(f"- {one.what}\n  {one.cure}" for one in lacks)
        super().__init__(f"{changed} The project lacks:\n{lines}\nThen run the same command again.")


class Deploy:
    """One deployment.

    `ports_of` opens its records, from the settings that Terraform gives out.
    """

    def __init__(
        self,
        target: Target,
        api: Api,
        terraform: Terraform,
        person: Person,
        ports_of: Callable[[Mapping[str, str]], Ports],
        smoke: Callable[[Ports], Recording],
    ) -> None:
        self._target, self._api, self._terraform = target, api, terraform
        self._person, self._ports_of, self._smoke = person, ports_of, smoke
        self._cloud = CloudRun(target, api)

    def check(self, changed: str = "Nothing was changed.") -> None:
        """Tell what the project lacks.

        Raises:
            Blocked: a deployment would fail.
        """
        lacks = preflight.check(self._target, self._api)
        if blocking := [one for one in lacks if one.blocks]:
            raise Blocked(blocking, changed)
        for one in lacks:
            self._person.say(f"{one.what} {one.cure}")

    def plan(self, source: Source) -> None:
        """Tell what `run` would do. Changes nothing.

        Raises:
            Blocked: it would fail.
            ConfigurationError: Terraform refused, or is missing.
        """
        self._terraform.check()
        self.check()
        begun = self._has_state()
        images = build.built(source, self._target, self._api) if begun else None
        if images is None:
            names = ", ".join(self._target.images)
            self._person.say(f"The images {names} would be built from these sources ({source.name}).")
        if not begun:
            self._person.say("Nothing is deployed yet. These base resources would be created first:")
            self._terraform.plan_without_state()
            self._person.say("Functions, jobs and subscriptions follow when the images are built.")
            return
        images = images or self._running()
        if images is None and self._cloud.anything():
            self._person.say("What Terraform would change can be shown when the images are built.")
            return
        self._terraform.plan(images, images.gpu if images else "")

    def run(self, source: Source) -> bool:
        """Deploy; returns whether it was done, False if the person said no.

        Raises:
            Blocked: the project lacks something.
            ConfigurationError: a step failed; says which and what to do. Run it again to go on.
            BadRequest: a rollout is under way.
            Transient: something did not answer; run it again.
        """
        self._terraform.check()
        self.check()
        self._no_rollout()
        if not self._has_state() and not self._person.agrees(
            f"Create the foundation in {self._target.project}, {self._target.region} (registry, buckets, database: "
            "cents a month), and build the images?"
        ):
            return False
        if self._prepare():
            # What could not be asked before the services were enabled: quotas, roles.
            self.check("Google's services were enabled, and nothing was created yet.")
        if not self._cloud.anything():
            # Without images whatever runs would be taken down.
            self._terraform.apply(None)
            self._abandon(self._ports_of(self._terraform.outputs()["environment"]))
        images = build.build(source, self._target, self._api, self._person.say)
        self._keys(images)
        if self._terraform.plan(images, images.gpu):
            if not self._person.agrees("Make these changes?"):
                self._person.say("Nothing more was changed. `make deploy` continues from here.")
                return False
            # One may have been begun during the build, or while the person read.
            self._no_rollout()
            self._terraform.apply(images, images.gpu)
        else:
            self._person.say("Everything is as it should be.")
        outputs = self._terraform.outputs()
        ports = self._ports_of(outputs["environment"])
        self._no_rollout_in(ports)
        self._traffic()
        self._tell(outputs, self._smoke(ports))
        return True

    def _has_state(self) -> bool:
        return preflight.has_state(self._target, self._api)

    def _running(self) -> Images | None:
        """The images that run; None if nothing does."""
        try:
            return self._cloud.images()
        except ConfigurationError:
            return None

    def _no_rollout(self) -> None:
        """Look for a rollout in what is deployed."""
        if self._cloud.anything() and "environment" in (outputs := self._terraform.outputs()):
            self._no_rollout_in(self._ports_of(outputs["environment"]))

    def _no_rollout_in(self, ports: Ports) -> None:
        """A deployment moves all traffic at once, so none is made in the middle of a rollout."""
        stored = state.read(ports)
        if stored is None or stored.ended:
            return
        if all(self._cloud.has(one) for one in stored.old_revisions):
            raise BadRequest(
                f"A rollout is under way ({stored.phase}): `make rollout` resumes it, `make rollback` ends it. "
                "Deploy after that."
            )
        self._abandon(ports)

    def _abandon(self, ports: Ports) -> None:
        """End a rollout whose functions were taken down: it could go neither on nor back."""
        if state.abandon("what it moved was taken down", ports):
            self._person.say("A rollout was under way when functions were taken down: it has ended.")

    def _traffic(self) -> None:
        """Give all traffic to what was deployed; a rollout that broke off may have bound it to an older revision.

        Raises:
            ConfigurationError: a revision does not start, so an older one would answer.
        """
        services = self._cloud.services()
        if problem := next(filter(None, map(unready, services.values())), ""):
            raise ConfigurationError(f"Not everything is deployed: {problem}. Then run `make deploy` again.")
        self._cloud.bind({name: {"": 100} for name in services})

    def _prepare(self) -> bool:
        """Services, service agents, the bucket of the state; returns whether services had to be enabled."""
        enabled = apis.prepare(self._target, self._api)
        if not self._has_state():
            self._api.call(
                "POST",
                "storage.googleapis.com/storage/v1/b",
                {
                    "name": self._target.state_bucket,
                    "location": self._target.region,
                    "versioning": {"enabled": True},
                    "labels": {"app": preflight.LABEL},
                    "iamConfiguration": {
                        "uniformBucketLevelAccess": {"enabled": True},
                        "publicAccessPrevention": "enforced",
                    },
                },
                params={"project": self._target.project},
            )
        return enabled

    def _keys(self, images: Images) -> None:
        """Put missing keys into their secrets: by Google's interface, so neither a command line nor a state has them."""
        for name in self._target.hosted:
            if self._has_value(f"{name}-api-key", images):
                continue
            hosted = ENGINES[name].hosted
            assert hosted is not None, "terraform/variables.tf takes hosted engines only"
            key = self._person.key_of(hosted.key_variable).strip()
            if not key or len(key.split()) != 1:
                raise BadRequest(
                    f"{ENGINES[name].in_sentences} needs its API key, one word ({hosted.console}): run the same "
                    f"command again with it on standard input: make deploy … < file-with-the-key"
                )
            self._keep(f"{name}-api-key", key)
        if self._target.webhooks and not self._has_value("webhook-secret", images):
            self._keep("webhook-secret", secret.new())
            self._person.say(
                "Webhooks are signed with a new secret. Give it to the receiver: gcloud secrets versions access latest "
                f"--secret=webhook-secret --project={self._target.project}"
            )

    def _has_value(self, name: str, images: Images) -> bool:
        """Whether there is something in a secret, which is created if it is not there yet."""
        path = self._secret(name)
        if self._api.get(path) is None:
            self._terraform.lay_secrets(images)
        return self._api.get(f"{path}/versions/latest") is not None

    def _keep(self, name: str, value: str) -> None:
        data = base64.b64encode(value.encode()).decode()
        self._api.call("POST", f"{self._secret(name)}:addVersion", {"payload": {"data": data}})

    def _secret(self, name: str) -> str:
        return f"secretmanager.googleapis.com/v1/projects/{self._target.project}/secrets/{name}"

    def _tell(self, outputs: Mapping[str, object], done: Recording) -> None:
        buckets = outputs["buckets"]
        assert isinstance(buckets, dict), "terraform/outputs.tf"
        took = (done.finished or 0.0) - done.created
        self._person.say(f"It works: a sample was transcribed in {took:.0f} s.")
        self._person.say(f"Drop audio into gs://{buckets['audio']}")
        self._person.say(f"Transcripts appear in gs://{buckets['transcripts']}")
        if page := outputs.get("console"):
            self._person.say(f"The page, for those in console_members: {page}")
