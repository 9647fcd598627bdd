"""The workflows: other people's actions are pinned by commit, and nothing has more rights than it needs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

FOLDER = Path(__file__).parent.parent.parent / ".github" / "workflows"
FILES = sorted(FOLDER.glob("*.yml"))


def test_they_are_found():
    assert {"ci.yml", "deploy.yml"} <= {one.name for one in FILES}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_actions_are_pinned_by_commit_with_the_version_beside_it(file):
    uses = [line for line in file.read_text("utf-8").splitlines() if re.match(r"\s*-? ?uses:", line)]
    assert uses
    for line in uses:
        assert re.fullmatch(r"\s*- uses: [\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line), line


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_workflow_has_no_rights_and_each_job_names_its_own(file):
    found = yaml.safe_load(file.read_text("utf-8"))
    assert found["permissions"] == {}
    for name, job in found["jobs"].items():
        rights = job["permissions"]
        assert rights.pop("id-token", "write") == "write"
        assert rights == {"contents": "read"}, name


def test_only_a_deployment_that_somebody_asks_for_gets_a_token_of_google():
    for file in FILES:
        found = yaml.safe_load(file.read_text("utf-8"))
        asks = [job for job in found["jobs"].values() if "id-token" in job["permissions"]]
        if asks:
            # YAML reads the key `on` as a truth value.
            assert list(found[True]) == ["workflow_dispatch"]
            assert all(job["environment"] for job in asks)
