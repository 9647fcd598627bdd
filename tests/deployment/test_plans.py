"""Terraform as a process: what it is called with, and what its answers mean."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from deployment import plans
from deployment.plans import Terraform, values
from shared.errors import ConfigurationError
from tests.deployment.google import TARGET
from tests.deployment.rollout.conftest import NEW, OLD

HOSTED = replace(TARGET, variables={"hosted": {"deepgram": {}}})


class Binary:
    """Notes its calls and the values that it was given, and answers with a status."""

    def __init__(self):
        self.calls, self.values, self.folders, self.codes, self.out = [], [], [], {}, "{}"

    def run(self, command, *, cwd, env, check, **_):
        assert (env["TF_IN_AUTOMATION"], check) == ("1", False)
        self.calls.append(command[1:])
        self.folders.append(Path(cwd))
        for one in command:
            if one.startswith("-var-file="):
                self.values.append(json.loads(Path(one.removeprefix("-var-file=")).read_text("utf-8")))
        code = self.codes.get(command[1], 0)
        return subprocess.CompletedProcess(command, code, self.out, "broken")


@pytest.fixture
def binary(monkeypatch):
    found = Binary()
    monkeypatch.setattr(plans.subprocess, "run", found.run)
    monkeypatch.setattr(plans.shutil, "which", lambda *_, **__: "/usr/bin/terraform")
    return found


def test_the_values_of_all_variables():
    assert values(HOSTED, None, "", {}) == {
        "hosted": {"deepgram": {}},
        "project": "my-project",
        "region": "europe-west4",
        "images": None,
    }
    mixed = values(TARGET, replace(NEW, gpu=OLD.gpu), NEW.gpu, {"delete_data": True})
    assert mixed["images"] == {"functions": NEW.functions, "gpu": OLD.gpu, "gpu_canary": NEW.gpu}
    assert mixed["delete_data"] is True


def test_it_is_set_up_once_with_the_bucket_of_the_state(binary):
    terraform = Terraform(TARGET, {})
    terraform.apply(None)
    terraform.apply(NEW, NEW.gpu)
    assert [one[0] for one in binary.calls] == ["init", "apply", "apply"]
    assert "-backend-config=bucket=my-project-terraform" in binary.calls[0]
    assert "-lock-timeout=10m" in binary.calls[1]
    assert [one["images"] is None for one in binary.values] == [True, False]
    assert set(binary.folders) == {plans.FOLDER}


def test_secrets_alone_are_laid_without_anything_that_reads_them(binary):
    Terraform(HOSTED, {}).lay_secrets(NEW)
    assert "-target=google_secret_manager_secret.keys" in binary.calls[-1]
    assert "-target=google_secret_manager_secret.webhook" in binary.calls[-1]
    text = (plans.FOLDER / "secrets.tf").read_text("utf-8")
    assert 'resource "google_secret_manager_secret" "keys"' in text


@pytest.mark.parametrize(("code", "changes"), [(0, False), (2, True)])
def test_a_plan_says_whether_anything_would_change(binary, code, changes):
    binary.codes["plan"] = code
    assert Terraform(TARGET, {}).plan(NEW) is changes


@pytest.mark.parametrize(("command", "images"), [("plan", [NEW]), ("apply", [NEW]), ("destroy", [])])
def test_a_failure_says_that_the_next_run_goes_on(binary, command, images):
    binary.codes[command] = 1
    with pytest.raises(ConfigurationError, match=f"terraform {command} failed"):
        getattr(Terraform(TARGET, {}), command)(*images)


def test_a_draft_for_an_empty_project_touches_neither_the_root_nor_a_bucket(binary):
    seen = {}

    def noting(command, **more):
        folder = Path(more["cwd"])
        seen[command[1]] = ((folder / "backend_override.tf").exists(), (folder / "variables.tf").exists())
        return Binary.run(binary, command, **more)

    plans.subprocess.run = noting
    Terraform(TARGET, {}).plan_without_state()
    assert seen == {"init": (True, True), "plan": (True, True)}
    assert plans.FOLDER not in binary.folders
    assert not (plans.FOLDER / "backend_override.tf").exists()
    assert not any("-backend-config" in part for one in binary.calls for part in one)


def test_outputs_are_read_by_their_names(binary):
    binary.out = json.dumps({"buckets": {"value": {"audio": "a"}, "type": "map"}})
    assert Terraform(TARGET, {}).outputs() == {"buckets": {"audio": "a"}}
    binary.codes["output"] = 1
    with pytest.raises(ConfigurationError, match="terraform output failed: broken"):
        Terraform(TARGET, {}).outputs()


def test_an_installed_package_says_that_it_takes_a_clone(monkeypatch, tmp_path):
    monkeypatch.setattr(plans, "FOLDER", tmp_path / "terraform")
    with pytest.raises(ConfigurationError, match="run this from a clone"):
        Terraform(TARGET, {}).check()


def test_without_terraform_it_says_where_to_get_it(monkeypatch):
    monkeypatch.setattr(plans.shutil, "which", lambda *_, **__: None)
    with pytest.raises(ConfigurationError, match=r"no terraform on this computer\. Install 1\.9"):
        Terraform(TARGET, {}).apply(None)


@pytest.mark.parametrize(
    ("out", "code", "said"),
    [
        ('{"terraform_version": "1.8.5"}', 0, "terraform is 1.8.5 here, which is too old. Install 1.9"),
        ("", 126, "terraform does not run here: broken. Install 1.9"),
        ("Terraform v0.11.1", 0, "terraform does not run here: .*Install 1.9"),
    ],
)
def test_a_terraform_that_cannot_do_it_is_refused_before_anything_is_changed(
    binary, monkeypatch, out, code, said
):
    def run(command, **_):
        binary.calls.append(command[1:])
        return subprocess.CompletedProcess(command, code, out, "broken" if code else "")

    monkeypatch.setattr(plans.subprocess, "run", run)
    with pytest.raises(ConfigurationError, match=said):
        Terraform(TARGET, {}).check()
    assert binary.calls == [["version", "-json"]]


@pytest.mark.parametrize("version", ["1.9.0", "1.11.4", "1.15.0-rc1", "2.0.0"])
def test_a_newer_terraform_will_do(monkeypatch, binary, version):
    answer = subprocess.CompletedProcess([], 0, json.dumps({"terraform_version": version}), "")
    monkeypatch.setattr(plans.subprocess, "run", lambda *_, **__: answer)
    Terraform(TARGET, {}).check()
