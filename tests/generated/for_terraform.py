"""What Terraform is told of the code."""

from __future__ import annotations

import json
import re

from shared.deployment_sizes import functions
from shared.engines import ENGINES, PARAKEET_CPU, PARAKEET_GPU, hosted_specs
from shared.settings import every
from shared.telemetry.metrics import METRICS
from shared.topology import topology
from tests.test_architecture import ROOT

TERRAFORM = ROOT / "terraform"

ONE_MACHINE = {
    "DROPSCRIBE_STATE_DIR",
    "DROPSCRIBE_INBOX",
    "DROPSCRIBE_TRANSCRIPTS",
    "DROPSCRIBE_CPU_USD_PER_HOUR",
    "DROPSCRIBE_FOLLOW_LINKS",
    "DROPSCRIBE_FUNCTION_TOKEN",
    "DROPSCRIBE_QUIET",
}
"""Settings that mean nothing in a project."""
OF_CONSOLE = {"DROPSCRIBE_CONSOLE_HOST", "DROPSCRIBE_CONSOLE_PORT", "DROPSCRIBE_CONSOLE_TOKEN"}
"""Settings of a console that is not on Cloud Run."""
OF_IMAGES = {"DROPSCRIBE_IMAGE_MODEL", "DROPSCRIBE_SPEAKER_WEIGHTS"}
"""Settings that the Dockerfiles set."""


def deployment():
    """terraform/generated.json: topics, subscriptions, our own engines, keys of hosted ones, sizes of functions, and settings of a project."""
    pulled = {one.subscription for one in ENGINES.values() if one.hosted is None}
    pulled |= {one.canary_subscription for one in ENGINES.values() if one.canary_subscription}
    always = {one.name for one in topology().subscriptions}
    found = {
        "topics": list(topology().topics),
        "subscriptions": {
            one.name: {
                "topic": one.topic,
                "backoff": [one.min_backoff, one.max_backoff],
                "attempts": one.max_attempts,
                "pull": one.name in pulled,
                "webhook": one.name not in always,
            }
            for one in topology(webhooks=True).subscriptions
        },
        "engines": {"gpu": PARAKEET_GPU.name, "cpu": PARAKEET_CPU.name},
        "hosted_keys": {one.name: one.hosted.key_variable for one in hosted_specs()},
        "functions": {
            name: {"memory_mib": one.memory_mib, "requests": one.requests}
            for name, one in functions().items()
        },
        "settings": sorted(settable()),
    }
    return json.dumps(found, indent=2) + "\n"


def settable():
    """The settings that a project may set: all but those that Terraform sets by itself, and those that mean nothing there."""
    # Variables set nothing, and their descriptions have examples.
    root = "\n".join(one.read_text("utf-8") for one in TERRAFORM.glob("*.tf") if one.name != "variables.tf")
    own = {name for names in re.findall(r'\b([A-Z_]+) += |\bname += "([A-Z_]+)"', root) for name in names}
    keys = {one.hosted.key_variable for one in hosted_specs()}
    return {one.variable for one in every()} - keys - own - ONE_MACHINE - OF_CONSOLE - OF_IMAGES


def log_metrics():
    """terraform/log_metrics.json: the metrics that are made from lines of the log."""
    found = {
        one.full_name: {
            "description": one.about,
            "distribution": one.kind != "counter",
            "labels": list(one.labels),
            "bounds": list(one.bounds),
        }
        for one in METRICS.values()
        if one.by == "log"
    }
    return json.dumps(found, indent=2, ensure_ascii=False) + "\n"


def alerts():
    """terraform/alerts.json, with all subscriptions where it names several."""
    return _with_subscriptions("alerts.json")


def dashboard():
    """terraform/dashboard.json, the same."""
    return _with_subscriptions("dashboard.json")


def _with_subscriptions(name):
    named = ",".join(rf"\"{one.name}\"" for one in topology().subscriptions)
    return re.sub(
        r"(?<=subscription_id=one_of\()[^)]*",
        lambda _: named,
        (TERRAFORM / name).read_text("utf-8"),
    )
