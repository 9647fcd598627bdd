"""Mistakes that a deployment may have, planted into what Terraform creates."""

from __future__ import annotations

import copy

from tests.terraform.deployed import Deployed


def planted(laid, fault):
    """The same deployment with a mistake."""
    resources = copy.deepcopy(laid.resources)
    fault(resources)
    return Deployed(resources)


def without_fault(_resources):
    pass


def swapped_topics(resources):
    one, other = (resources[f'google_pubsub_subscription.this["{name}"]'] for name in ("merger", "requests"))
    one["topic"], other["topic"] = other["topic"], one["topic"]


def environment(resources, address):
    template = resources[address]["template"][0]
    return template.get("template", [template])[0]["containers"][0]["env"]


def missing_variable(resources):
    told = environment(resources, 'google_cloud_run_v2_job.this["cpu"]')
    told[:] = [one for one in told if one["name"] != "DROPSCRIBE_PLATFORM"]


def wrong_model(resources):
    for one in environment(resources, 'google_cloud_run_v2_job.this["cpu"]'):
        if one["name"] == "PARAKEET_MODEL_NAME":
            one["value"] = "nvidia/parakeet-tdt-0.6b-v2"
