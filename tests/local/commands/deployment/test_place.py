from __future__ import annotations

import contextlib
import io

import pytest

from deployment import api, plans
from local.commands.deployment import place
from shared.errors import BadRequest, ConfigurationError
from tests.deployment.fake_terraform import FakeTerraform
from tests.deployment.google import TARGET, Google


def test_without_a_terminal_and_a_yes_nothing_is_agreed(monkeypatch):
    monkeypatch.setattr(place, "at_terminal", lambda: False)
    with pytest.raises(BadRequest, match="Add YES=1"):
        place.agrees_with(yes=False)("Go on?")
    assert place.agrees_with(yes=True)("Go on?")


@pytest.mark.parametrize(
    ("value", "yes"), [("1", True), ("yes", True), ("", False), ("0", False), (None, False)]
)
def test_yes_stands_in_the_environment(monkeypatch, value, yes):
    monkeypatch.delenv("YES", raising=False)
    if value is not None:
        monkeypatch.setenv("YES", value)
    monkeypatch.setattr(place, "at_terminal", lambda: False)
    agrees = place.agrees_with(yes=False)
    with contextlib.nullcontext() if yes else pytest.raises(BadRequest):
        assert agrees("Go ahead?")


def test_a_key_that_is_piped_in_is_the_first_line(monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("secret\nmore\n"))
    assert place.key_of("DEEPGRAM_API_KEY") == "secret\n"


def test_a_key_at_a_terminal_is_not_shown(monkeypatch):
    asked = {}
    monkeypatch.setattr(place, "at_terminal", lambda: True)
    monkeypatch.setattr(place.typer, "prompt", lambda name, **more: asked.update(more, name=name) or "secret")
    assert place.key_of("DEEPGRAM_API_KEY") == "secret"
    assert (asked["name"], asked["hide_input"]) == ("DEEPGRAM_API_KEY", True)


@pytest.mark.parametrize(
    "buckets", [{}, {"my-project-terraform": {"projectNumber": "123456"}}], ids=["no state", "empty state"]
)
def test_a_rollout_of_nothing_says_to_deploy_first(monkeypatch, buckets):
    google = Google()
    google.buckets = buckets
    terraform = FakeTerraform(google)
    monkeypatch.setattr(api, "Api", lambda _: google.api())
    monkeypatch.setattr(plans, "Terraform", lambda _: terraform)
    with pytest.raises(ConfigurationError, match="Nothing is deployed in my-project"), place.moving(TARGET):
        pass
