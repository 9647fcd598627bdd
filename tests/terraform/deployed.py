"""A deployment as Terraform creates it: its topics, subscriptions, buckets, functions and jobs, from an inventory file.

References between resources are followed, and nothing is filled in: what is not in the file is not in the deployment.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from google.protobuf.duration_pb2 import Duration
from google.pubsub_v1.types import DeadLetterPolicy, ExpirationPolicy, PushConfig, RetryPolicy, Subscription

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.terraform.inventory import Resources

REFERENCE = re.compile(r"\$\{(.*)\.(\w+)\}")
KEY = re.compile(r'\["(.*)"\]$')


@dataclass(frozen=True, kw_only=True)
class Process:
    """A function, or the worker of a job."""

    name: str
    """Name of its service or job."""
    account: str
    """Key of its service account."""
    arguments: tuple[str, ...]
    """Of its container; none: the image's own."""
    environment: dict[str, str]
    """Variables with a value."""
    secrets: dict[str, str]
    """Variables with the value of a secret, by the secret's name."""
    timeout: float
    """Seconds that a request or a task may last."""
    memory_gib: float
    """Memory."""


@dataclass(frozen=True, kw_only=True)
class Grant:
    """A role that somebody has."""

    who: str
    """Key of the account, such as `router`, or the full name of one that is not ours."""
    role: str
    """The role."""
    kind: str
    """Of what: `topic`, `subscription`, `bucket`, `job`, `service`, `secret`, `account`, `project`, …"""
    on: str
    """Its name."""


class Deployed:
    """What an inventory says.

    Args:
        resources: by their addresses.
    """

    def __init__(self, resources: Resources) -> None:
        self.resources = resources

    @classmethod
    def read(cls, path: Path) -> Deployed:
        """The deployment of a file."""
        return cls(json.loads(path.read_text("utf-8")))

    @classmethod
    def of_project(cls, path: Path, project: str) -> Deployed:
        """The deployment of a file, in another project."""
        told = path.read_text("utf-8")
        return cls(json.loads(told.replace(cls.read(path).project, project)))

    def of(self, kind: str, name: str = "") -> dict[str, dict[str, Any]]:
        """The resources of a type (without `google_`), by their keys, or by their addresses where they have none.

        Args:
            kind: type of the resources.
            name: only those with this name.
        """
        found = {}
        for address, values in self.resources.items():
            of, _, rest = address.partition(".")
            if of == f"google_{kind}" and (not name or rest.partition("[")[0] == name):
                key = KEY.search(rest)
                found[key.group(1) if key else address] = values
        return found

    @property
    def project(self) -> str:
        """ID of the project."""
        [project] = {one["project"] for one in self.of("pubsub_topic").values()}
        return project

    @property
    def topics(self) -> tuple[str, ...]:
        """Names of the topics."""
        return tuple(one["name"] for one in self.of("pubsub_topic").values())

    @property
    def buckets(self) -> dict[str, str]:
        """Names of the buckets of the flow, by their use."""
        return {use: one["name"] for use, one in self.of("storage_bucket", "this").items()}

    @property
    def notification(self) -> tuple[str, str]:
        """The bucket whose uploads are told, and the topic to which."""
        [one] = self.of("storage_notification").values()
        assert (one["event_types"], one["payload_format"]) == (["OBJECT_FINALIZE"], "JSON_API_V1")
        return one["bucket"], self._named(one["topic"])

    @property
    def functions(self) -> dict[str, Process]:
        """The functions, by the subscription or clock that feeds them."""
        return {
            key: self._process(one["template"][0], one)
            for key, one in self.of("cloud_run_v2_service", "this").items()
        }

    @property
    def console(self) -> Process:
        """The service of the page."""
        [one] = self.of("cloud_run_v2_service", "console").values()
        return self._process(one["template"][0], one)

    @property
    def processes(self) -> dict[str, Process]:
        """All of them."""
        return {**self.functions, **self.jobs, "console": self.console}

    @property
    def jobs(self) -> dict[str, Process]:
        """The workers: `gpu`, `cpu`."""
        return {
            key: self._process(one["template"][0]["template"][0], one)
            for key, one in self.of("cloud_run_v2_job").items()
        }

    def subscriptions(self, endpoints: Mapping[str, str], project: str = "") -> list[Subscription]:
        """The subscriptions, as Pub/Sub's clients make them.

        Args:
            endpoints: addresses of the functions, by their keys.
            project: another project than that of the file.
        """
        topics = f"projects/{project or self.project}/topics/"
        made = []
        for one in self.of("pubsub_subscription").values():
            wanted = Subscription(
                name=f"projects/{project or self.project}/subscriptions/{one['name']}",
                topic=topics + self._named(one["topic"]),
                ack_deadline_seconds=one["ack_deadline_seconds"],
                message_retention_duration=_duration(one["message_retention_duration"]),
                expiration_policy=ExpirationPolicy() if one.get("expiration_policy") == [{}] else None,
            )
            for policy in one.get("retry_policy", []):
                wanted.retry_policy = RetryPolicy(
                    minimum_backoff=_duration(policy["minimum_backoff"]),
                    maximum_backoff=_duration(policy["maximum_backoff"]),
                )
            for policy in one.get("dead_letter_policy", []):
                wanted.dead_letter_policy = DeadLetterPolicy(
                    dead_letter_topic=topics + self._named(policy["dead_letter_topic"]),
                    max_delivery_attempts=policy["max_delivery_attempts"],
                )
            for push in one.get("push_config", []):
                wanted.push_config = PushConfig(push_endpoint=endpoints[self._key(push["push_endpoint"])])
            made.append(wanted)
        return made

    def pushed(self) -> dict[str, str]:
        """Name of each pushed subscription, and the key of the function that gets it."""
        return {
            one["name"]: self._key(push["push_endpoint"])
            for one in self.of("pubsub_subscription").values()
            for push in one.get("push_config", [])
        }

    @property
    def clocked(self) -> tuple[str, ...]:
        """Keys of the functions that Cloud Scheduler calls every minute."""
        jobs = self.of("cloud_scheduler_job").values()
        assert {(one["schedule"], one["http_target"][0]["http_method"]) for one in jobs} == {
            ("* * * * *", "POST")
        }
        return tuple(self._key(one["http_target"][0]["uri"]) for one in jobs)

    def grants(self) -> list[Grant]:
        """Every role that is given."""
        found = []
        for address, one in self.resources.items():
            if "_iam_member." not in address:
                continue
            kind = address.removeprefix("google_").partition("_iam_member")[0]
            names = {
                "pubsub_topic": ("topic", "topic"),
                "pubsub_subscription": ("subscription", "subscription"),
                "storage_bucket": ("bucket", "bucket"),
                "cloud_run_v2_job": ("job", "name"),
                "cloud_run_v2_service": ("service", "name"),
                "iap_web_cloud_run_service": ("proxy", "cloud_run_service_name"),
                "secret_manager_secret": ("secret", "secret_id"),
                "service_account": ("account", "service_account_id"),
                "artifact_registry_repository": ("repository", "repository"),
                "kms_crypto_key": ("key", "crypto_key_id"),
                "project": ("project", "project"),
            }
            short, attribute = names[kind]
            on = one[attribute]
            found.append(
                Grant(
                    who=self._account(one["member"]),
                    role=one["role"],
                    kind=short,
                    on=self._key(on) if on.startswith("${") else on,
                )
            )
        return found

    def _process(self, template: dict[str, Any], one: dict[str, Any]) -> Process:
        [container] = template["containers"]
        plain = {env["name"]: env["value"] for env in container["env"] if "value" in env}
        secret = {
            env["name"]: self._secret(env["value_source"][0]["secret_key_ref"][0]["secret"])
            for env in container["env"]
            if "value_source" in env
        }
        limits = container["resources"][0]["limits"]
        return Process(
            name=one["name"],
            account=self._account(template["service_account"]),
            arguments=tuple(container.get("args", ())),
            environment=plain,
            secrets=secret,
            timeout=float(template["timeout"].rstrip("s")),
            memory_gib=float(limits["memory"].removesuffix("Gi")),
        )

    def _named(self, reference: str) -> str:
        """The `name` of a resource that is referred to."""
        return str(self._of(reference).get("name", ""))

    def _secret(self, name: str) -> str:
        return name if not name.startswith("${") else str(self._of(name)["secret_id"])

    def _of(self, reference: str) -> dict[str, Any]:
        found = REFERENCE.fullmatch(reference)
        assert found is not None, f"{reference} refers to nothing"
        return self.resources[found.group(1)]

    @staticmethod
    def _key(reference: str) -> str:
        """The key of a resource that is referred to; its name where it has none."""
        found = REFERENCE.fullmatch(reference)
        assert found is not None, f"{reference} refers to nothing"
        key = KEY.search(found.group(1))
        return key.group(1) if key else found.group(1).rpartition(".")[2].partition("[")[0]

    def _account(self, member: str) -> str:
        return self._key(member) if member.startswith("${") else member


def _duration(text: str) -> Duration:
    duration = Duration()
    duration.FromJsonString(text)
    return duration
