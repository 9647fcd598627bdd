"""Terraform's variables as a person may give them: names and types of terraform/variables.tf.

Terraform only warns of a variable that it does not know, and drops parts of one without a word: with a misspelt `kms_key`
everything would be deployed without that key. Ranges are Terraform's to check.
"""

from __future__ import annotations

from typing import Any

import msgspec


class Gpu(msgspec.Struct, forbid_unknown_fields=True):
    """Parts of `gpu`."""

    vcpus: int = 4
    memory_gib: int = 16
    max_tasks: int = 2
    timeout_minutes: int = 60


class Cpu(msgspec.Struct, forbid_unknown_fields=True):
    """Parts of `cpu`."""

    vcpus: int = 4
    memory_gib: int = 8
    max_tasks: int = 2
    timeout_minutes: int = 360


class HostedVariables(msgspec.Struct, forbid_unknown_fields=True):
    """Parts of one engine in `hosted`."""

    max_instances: int = 10


class Webhook(msgspec.Struct, forbid_unknown_fields=True):
    """Parts of `webhook`."""

    url: str


class Buckets(msgspec.Struct, forbid_unknown_fields=True):
    """Parts of `buckets`."""

    audio: str | None = None
    transcripts: str | None = None
    work: str | None = None


class Database(msgspec.Struct, forbid_unknown_fields=True):
    """Parts of `database`."""

    name: str = "(default)"
    backup_days: int = 7


class Budget(msgspec.Struct, forbid_unknown_fields=True):
    """Parts of `budget`."""

    billing_account: str
    monthly: int
    currency: str = "USD"


class Alerts(msgspec.Struct, forbid_unknown_fields=True):
    """Parts of `alerts`."""

    emails: list[str] = []
    channels: list[str] = []
    runbook: str | None = None


class Variables(msgspec.Struct, forbid_unknown_fields=True):
    """All but those that the commands set themselves (`OURS` in target.py)."""

    invited_regions: list[str] = []
    gpu: Gpu | None = None
    cpu: Cpu | None = None
    hosted: dict[str, HostedVariables] = {}
    webhook: Webhook | None = None
    console_members: list[str] = []
    console_names: list[str] = []
    model: str = ""
    settings: dict[str, str | int | float | bool] = {}
    buckets: Buckets | None = None
    source_buckets: list[str] = []
    audio_days: int | None = None
    database: Database | None = None
    budget: Budget | None = None
    alerts: Alerts | None = None
    kms_key: str | None = None
    binary_authorization: bool = False
    labels: dict[str, str] = {}


def check(given: dict[str, Any]) -> None:
    """Compare values with the types.

    Raises:
        msgspec.ValidationError: a name is unknown, or a value has another type; says which, and where.
    """
    msgspec.convert(given, Variables)
