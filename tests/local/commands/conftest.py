"""A command line with a state of its own."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from local import cli
from local.backend.embedded_ports import open_ports
from shared.settings import Settings


@pytest.fixture
def call(tmp_path, monkeypatch):
    monkeypatch.setenv("DROPSCRIBE_STATE_DIR", str(tmp_path))
    for name in ("DEEPGRAM_API_KEY", "ROLLOUT_PERCENT", "TRANSCRIPTION_METHOD", "DROPSCRIBE_ENGINES"):
        monkeypatch.delenv(name, raising=False)

    def call(*arguments, **environment):
        return CliRunner().invoke(cli.app, [*arguments], env=environment)

    return call


@pytest.fixture
def ports(tmp_path):
    ports = open_ports(Settings(state_dir=tmp_path))
    yield ports
    ports.close()
