from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from deployment import api
from deployment.quotas import CPU
from local import cli
from tests.deployment.google import Google

HERE = ["preflight", "--project", "my-project", "--region", "europe-west4"]


@pytest.fixture
def google(monkeypatch):
    google = Google()
    monkeypatch.setattr(api, "Api", lambda _: google.api())
    return google


def test_nothing_missing_is_said_and_is_a_success(google):
    shown = CliRunner().invoke(cli.app, HERE)
    assert (shown.exit_code, shown.stdout) == (0, "Nothing is missing: `make deploy` can continue.\n")


def test_what_must_be_mended_fails_and_what_may_be_does_not(google):
    google.quotas[CPU] = 1000
    shown = CliRunner().invoke(cli.app, HERE)
    assert (shown.exit_code, shown.stdout.startswith("may   All tasks at one time take 10 vCPUs")) == (
        0,
        True,
    )
    google.billing = False
    shown = CliRunner().invoke(cli.app, HERE)
    assert (shown.exit_code, "must  The project my-project has no billing account." in shown.stdout) == (
        1,
        True,
    )


def test_a_program_reads_json(google):
    google.billing = False
    shown = CliRunner().invoke(cli.app, [*HERE, "--json"])
    (found,) = json.loads(shown.stdout)
    assert (set(found), found["blocks"]) == ({"what", "cure", "blocks"}, True)
