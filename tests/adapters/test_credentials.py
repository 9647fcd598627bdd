"""Who a process is on Google Cloud: found out at its start, in seconds, with one sentence where it is nobody."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import google.auth
import pytest
from google.auth import exceptions as auth
from google.auth.credentials import Credentials

from local import exit_codes
from shared.adapters import credentials
from shared.adapters.google_ports import open_ports
from shared.errors import ConfigurationError, StoreUnavailable
from shared.settings import Settings

ROOT = Path(__file__).resolve().parent.parent.parent
EMULATORS = ("PUBSUB_EMULATOR_HOST", "FIRESTORE_EMULATOR_HOST", "STORAGE_EMULATOR_HOST")


class Scripted(Credentials):
    """Are accepted, or not, as the test says."""

    def __init__(self, error=None):
        super().__init__()
        self.error = error
        self.refreshed = 0

    def refresh(self, _):
        self.refreshed += 1
        if self.error is not None:
            raise self.error


@pytest.fixture(autouse=True)
def forgotten(monkeypatch):
    for name in EMULATORS:
        monkeypatch.delenv(name, raising=False)
    credentials.default.cache_clear()
    yield
    credentials.default.cache_clear()


def found(monkeypatch, who):
    monkeypatch.setattr(google.auth, "default", lambda **_: (who, "some-project"))


def test_credentials_are_tried_once_and_shared(monkeypatch):
    who = Scripted()
    found(monkeypatch, who)
    assert credentials.default() is credentials.default() is who
    assert who.refreshed == 1


@pytest.mark.parametrize(
    ("error", "kind", "says"),
    [
        (auth.RefreshError("expired"), ConfigurationError, "gcloud auth application-default login"),
        (auth.RefreshError("busy", retryable=True), StoreUnavailable, "did not answer"),
        (auth.TransportError("no route"), StoreUnavailable, "did not answer"),
    ],
)
def test_credentials_that_are_not_accepted_are_known_at_once(monkeypatch, error, kind, says):
    who = Scripted(error)
    found(monkeypatch, who)
    with pytest.raises(kind, match=says):
        credentials.default()
    who.error = None
    assert credentials.default() is who


def test_a_deployment_without_credentials_does_not_open(monkeypatch):
    def none(**_):
        raise auth.DefaultCredentialsError("none here")

    monkeypatch.setattr(google.auth, "default", none)
    settings = Settings(platform="google", project="some-project")
    with pytest.raises(ConfigurationError, match="gcloud auth application-default login"):
        open_ports(settings)


def nobody(tmp_path):
    """The environment of somebody who has never logged in, on a computer that is not Google's."""
    kept = {name: value for name, value in os.environ.items() if name not in EMULATORS}
    return kept | {
        "DROPSCRIBE_PLATFORM": "google",
        "GOOGLE_CLOUD_PROJECT": "some-project",
        "PARAKEET_MODEL_NAME": "tiny",
        "CLOUDSDK_CONFIG": str(tmp_path),
        "NO_GCE_CHECK": "true",
    }


@pytest.mark.parametrize(
    "command",
    [
        ["-m", "gpu_job"],
        ["-m", "local.cli", "status"],
        ["-m", "local.cli", "cost"],
        ["-m", "local.cli", "submit", "gs://bucket/talk.mp3"],
    ],
)
def test_who_is_not_logged_in_is_told_so_in_one_line_before_any_client_has_given_up(tmp_path, command):
    ended = subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env=nobody(tmp_path),
        capture_output=True,
        text=True,
        timeout=120,  # seconds; Google's clients ask for five minutes and more
        check=False,
    )
    assert ended.returncode == (2 if "gpu_job" in command else exit_codes.CONFIGURATION), ended.stderr
    assert "gcloud auth application-default login" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert len(ended.stderr.splitlines()) == 1
