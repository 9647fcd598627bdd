from __future__ import annotations

import pytest
from typer.testing import CliRunner

from deployment import api, plans
from local import cli
from local.commands.deployment import destroy, place
from tests.deployment.fake_terraform import FakeTerraform
from tests.deployment.google import Google

HERE = ["destroy", "--project", "my-project", "--region", "europe-west4"]


@pytest.fixture
def terraform(monkeypatch):
    google = Google()
    google.buckets["my-project-terraform"] = {"projectNumber": "123456"}
    terraform = FakeTerraform(google, foundation=True)
    monkeypatch.setattr(plans, "Terraform", lambda _: terraform)
    monkeypatch.setattr(api, "Api", lambda _: google.api())
    monkeypatch.delenv("YES", raising=False)
    monkeypatch.delenv("DATA", raising=False)
    return terraform


def run(*more, **environ):
    return CliRunner().invoke(cli.app, [*HERE, *more], env=environ)


def test_data_stay(terraform):
    assert run(YES="1").exit_code == 0
    assert (terraform.laid, terraform.destroyed) == ([(None, "")], False)


def test_what_happens_to_data_is_one_of_two_words(terraform):
    refused = run("--data", "foo", "--yes")
    told = " ".join(refused.stderr.split())
    assert (refused.exit_code, "--data" in told, "keep" in told, "delete" in told) == (2, True, True, True)
    assert (terraform.laid, terraform.destroyed) == ([], False)


def test_yes_deletes_no_data_and_without_a_terminal_nobody_does(terraform):
    refused = run("--yes", DATA="delete")
    assert (refused.exit_code, "only be deleted from a terminal" in refused.stderr) == (2, True)
    assert (terraform.laid, terraform.destroyed) == ([], False)


def test_data_go_only_when_the_name_of_the_project_is_typed_at_a_terminal(terraform, monkeypatch):
    monkeypatch.setattr(destroy, "at_terminal", lambda: True)
    typed = {"": 2, "yes": 2, "my-projekt": 2, " my-project\n": 0}
    for word, code in typed.items():
        assert terraform.laid == []
        monkeypatch.setattr(
            destroy.typer,
            "prompt",
            lambda question, word=word, **_: word if "permanently" in question else "my-project",
        )
        done = run("--data", "delete")
        assert (done.exit_code, "not the name of the project" in done.stderr) == (code, code == 2)
    assert (terraform.laid, terraform.destroyed) == ([(None, "", ("delete_data", True))], True)


def test_a_no_changes_nothing(terraform, monkeypatch):
    monkeypatch.setattr(place, "at_terminal", lambda: True)
    monkeypatch.setattr(place.typer, "confirm", lambda *_, **__: False)
    assert run().exit_code == 1
    assert (terraform.laid, terraform.destroyed) == ([], False)


def test_where_nothing_is_deployed_it_says_so(terraform):
    terraform.google.buckets.clear()
    refused = run(YES="1")
    assert (refused.exit_code, "Nothing is deployed in my-project" in refused.stderr) == (78, True)
    assert terraform.laid == []
