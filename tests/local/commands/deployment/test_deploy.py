"""`dropscribe deploy` as it is typed: what goes wrong says what to do, with exit code 2."""

from __future__ import annotations

import contextlib

import pytest
from typer.testing import CliRunner

from deployment import api, deploy, plans, smoke, source
from deployment.source import Source
from local import cli
from local.commands.deployment import place
from tests.deployment.fake_terraform import FakeTerraform
from tests.deployment.google import TARGET, Google
from tests.deployment.test_deploy import DONE

HERE = ["--project", "my-project", "--region", "europe-west4"]


@pytest.fixture
def google(monkeypatch, world):
    google = Google()
    terraform = FakeTerraform(google)
    google.terraform = terraform
    monkeypatch.setattr(api, "Api", lambda _: google.api())
    monkeypatch.setattr(plans, "Terraform", lambda _: terraform)
    monkeypatch.setattr(source, "archive", lambda _: Source(name="abcdef012345", content=b""))
    monkeypatch.setattr(place, "records", lambda _: contextlib.nullcontext(world.ports))
    monkeypatch.setattr(smoke, "run", lambda *_: DONE)
    monkeypatch.setattr(deploy.build, "CONFIG", _config(world.settings.state_dir))
    monkeypatch.delenv("YES", raising=False)
    return google


def _config(folder):
    folder.mkdir(exist_ok=True)
    path = folder / "cloudbuild.yaml"
    path.write_text("steps: []\n")
    return path


def run(*arguments):
    return CliRunner().invoke(cli.app, list(arguments))


def test_without_a_terminal_yes_is_given_with_the_command_or_nothing_is_done(google, monkeypatch):
    refused = run("deploy", *HERE)
    assert refused.exit_code == 2
    assert "There is no terminal to ask at. Add YES=1 (or --yes)" in refused.stderr
    assert google.log == []
    monkeypatch.setenv("YES", "1")
    done = run("deploy", *HERE)
    assert (done.exit_code, "Drop audio into gs://my-project-audio" in done.stderr) == (0, True), done.stderr
    assert google.services["dropscribe-router"]["image"].startswith(TARGET.registry)


def test_a_plan_changes_nothing(google):
    planned = run("deploy", "--plan", *HERE)
    assert (planned.exit_code, google.log, google.terraform.drafts) == (0, [], 1)
    assert "These base resources would be created first" in planned.stderr


def test_what_a_project_lacks_is_an_error_with_its_cures(google):
    google.billing = False
    refused = run("deploy", "--yes", *HERE)
    assert (refused.exit_code, "gcloud billing projects link" in refused.stderr) == (78, True)


def test_a_project_and_a_region_must_be_named(google):
    for arguments, said in ([], "No project is named"), (["--project", "my-project"], "No region is named"):
        refused = run("deploy", *arguments)
        assert (refused.exit_code, said in refused.stderr) == (2, True)
