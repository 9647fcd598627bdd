"""What a project lacks: each lack is named with its cure, and an empty project lacks what it lacks, all at once."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from deployment import preflight
from deployment.preflight import STATE
from deployment.quotas import CPU, L4, MEMORY
from deployment.target import ROOT
from tests.deployment.google import TARGET


def lacks(google, target=TARGET):
    return preflight.check(target, google.api())


def test_a_project_that_has_everything_lacks_nothing_and_a_look_changes_nothing(google):
    assert lacks(google) == []
    assert google.log == []


GIB = 2**30
BREAKS = {
    "no project": (lambda g: setattr(g, "project", None), "There is no project my-project", "gcloud projects create"),
    "silent": (lambda g: g.disabled.add("serviceusage"), "answers no questions", "gcloud services enable serviceusage"),
    "billing": (lambda g: setattr(g, "billing", False), "no billing account", "gcloud billing projects link my-project"),
    "role": (lambda g: g.denied.add("run.services.create"), "You may not run.services.create", "--role=roles/run.admin"),
    "region": (lambda g: g.locations.remove("europe-west4"), "no region europe-west4", "us-central1"),
    "no L4": (lambda g: g.quotas.update({L4: 0}), "take 2 L4s", "--quota-id=NvidiaL4GpuAlloc"),
    "database": (lambda g: setattr(g, "database", {"type": "DATASTORE_MODE"}), "Datastore mode", "Name another one"),
    "elsewhere": (
        lambda g: setattr(g, "database", {"type": "FIRESTORE_NATIVE", "locationId": "nam5"}),
        "is in nam5, not in europe-west4",
        "Deploy there",
    ),
    "another's database": (
        lambda g: setattr(g, "database", {"type": "FIRESTORE_NATIVE", "locationId": "europe-west4"}),
        "There is a database (default) in the project, and Dropscribe did not make it",
        "Name another one",
    ),
    "taken": (lambda g: g.buckets.update({"my-project-audio": "taken"}), "my-project-audio (audio) is taken", '"audio": "…"'),
    "of another": (
        lambda g: g.buckets.update({"my-project-work": {"projectNumber": "999", "labels": {"app": "dropscribe"}}}),
        "my-project-work (work) is taken",
        "Name another one",
    ),
    "state taken": (lambda g: g.buckets.update({"my-project-terraform": "taken"}), "(state) is taken", "another id"),
    "not ours": (
        lambda g: g.buckets.update({"my-project-audio": {"projectNumber": "123456"}}),
        "Dropscribe did not make it",
        "gcloud storage buckets delete",
    ),
}  # fmt: skip


def test_the_database_of_a_deployment_stands_in_nobodys_way(google):
    google.database = {"type": "FIRESTORE_NATIVE", "locationId": "europe-west4"}
    google.buckets["my-project-terraform"] = {"projectNumber": "123456", "labels": {"app": "dropscribe"}}
    google.objects["my-project-terraform", STATE] = {"resources": [{"type": "google_firestore_database"}]}
    assert lacks(google) == []


def test_anothers_database_is_still_anothers_after_a_first_run_that_failed(google):
    google.database = {"type": "FIRESTORE_NATIVE", "locationId": "europe-west4"}
    google.buckets["my-project-terraform"] = {"projectNumber": "123456", "labels": {"app": "dropscribe"}}
    for state in (None, {}, {"resources": [{"type": "google_project_service"}]}):
        if state is not None:
            google.objects["my-project-terraform", STATE] = state
        (found,) = lacks(google)
        assert (found.blocks, "Dropscribe did not make it" in found.what) == (True, True)


def test_the_state_is_looked_for_where_terraform_keeps_it():
    backend = re.search(
        r'backend "gcs" \{\s*prefix = "([^"]+)"', (ROOT / "terraform/versions.tf").read_text("utf-8")
    )
    assert f"{backend[1]}/default.tfstate" == STATE


@pytest.mark.parametrize("name", BREAKS)
def test_what_blocks_a_deployment_is_named_with_its_cure(google, name):
    damage, what, cure = BREAKS[name]
    damage(google)
    (found,) = lacks(google)
    assert (what in found.what, cure in found.cure, found.blocks) == (True, True, True), found


@pytest.mark.parametrize(
    ("quota", "value", "what", "command"),
    [
        (L4, 1, "take 2 L4s", "--preferred-value=2"),
        (CPU, 9_999, "take 10 vCPUs", "--quota-id=CpuAllocPerProjectRegion --dimensions=region=europe-west4 --preferred-value=10000"),
        (MEMORY, 35 * GIB, "take 36 GiB", f"--preferred-value={36 * GIB}"),
    ],
)  # fmt: skip
def test_a_small_quota_is_told_with_the_exact_request_and_blocks_nothing(google, quota, value, what, command):
    google.quotas[quota] = value
    (found,) = lacks(google)
    assert (what in found.what, command in found.cure, found.blocks) == (True, True, False), found
    assert (
        "gcloud beta quotas preferences create --project=my-project --service=run.googleapis.com"
        in found.cure
    )


def test_the_quota_of_a_new_project_holds_the_default(google):
    google.quotas.update({L4: 2, CPU: 20_000, MEMORY: 40 * GIB})
    assert lacks(google) == []


def test_a_quota_of_which_nothing_is_said_is_told(google):
    del google.quotas[L4]
    (found,) = lacks(google)
    assert ("nothing is known of it" in found.what, found.blocks) == (True, False)


@pytest.mark.parametrize(
    ("region", "what"),
    [("asia-south1", "by invitation only"), ("europe-north1", "no L4s in europe-north1")],
)
def test_a_region_without_l4s_is_refused_unless_no_gpu_is_wanted(google, region, what):
    there = replace(TARGET, region=region)
    google.target = there
    assert [what in one.what for one in lacks(google, there) if one.blocks] == [True]
    without = replace(there, variables={"gpu": None, "hosted": {"deepgram": {}}})
    assert lacks(google, without) == []


def test_a_project_that_was_let_into_a_region_may_deploy_there(google):
    google.target = there = replace(
        TARGET, region="asia-south1", variables={"invited_regions": ["asia-south1"]}
    )
    assert lacks(google, there) == []


def test_where_a_region_may_be_by_invitation_the_cure_says_so(google):
    google.target = there = replace(TARGET, region="us-central1")
    google.quotas[L4] = 0
    (found,) = lacks(google, there)
    assert "us-central1 may be by invitation only" in found.cure


def test_everything_that_is_missing_is_told_at_once(google):
    google.billing, google.quotas[L4] = False, 0
    google.denied.update({"run.services.create", "storage.buckets.create"})
    assert len(lacks(google)) == 4


def test_terraform_knows_the_same_regions():
    text = (ROOT / "terraform" / "locals.tf").read_text("utf-8")
    listed = ", ".join(f'"{one}"' for one in preflight.L4)
    assert f"l4_regions = [{listed}]" in text
