from __future__ import annotations

import pytest

from deployment import build
from tests.deployment.google import Google


@pytest.fixture
def google():
    return Google()


@pytest.fixture(autouse=True)
def config(tmp_path, monkeypatch):
    """A build of its own."""
    path = tmp_path / "cloudbuild.yaml"
    path.write_text("steps: [{name: x}]\nsubstitutions: {_MODEL: none, _OTHER: kept}\ntimeout: 7200s\n")
    monkeypatch.setattr(build, "CONFIG", path)
