"""One deployment for all tests of a process."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from local.backend.embedded_ports import LocalPorts, open_ports
from shared.settings import Settings
from shared.state import documents
from tests.console.openai import speakers
from tests.deepgram_server import KEY, DeepgramServer, deepgram_server
from tests.ports import free_port
from tests.test_architecture import ROOT

PATIENCE = 60.0
"""Seconds: an interpreter and a model have to start on a busy machine."""
SAMPLES = ROOT / "samples"


@dataclass
class Served:
    """A running deployment."""

    address: str
    """Of the API, as OpenAI's clients want it."""
    ports: LocalPorts
    """The same, from this process."""
    deepgram: DeepgramServer
    """What its Deepgram was asked."""
    process: subprocess.Popen = field(repr=False)

    def recordings(self):
        return list(documents.recordings(self.ports.records))

    def wait(self, condition):
        deadline = time.monotonic() + PATIENCE
        while not (found := condition()):
            assert time.monotonic() < deadline, "it takes too long"
            time.sleep(0.05)
        return found


@pytest.fixture(scope="session")
def served(tmp_path_factory):
    folder = tmp_path_factory.mktemp("openai")
    with deepgram_server() as deepgram:
        deepgram.heard = speakers.heard
        settings = {
            "DROPSCRIBE_STATE_DIR": str(folder / "state"),
            "DROPSCRIBE_INBOX": str(folder / "inbox"),
            "TRANSCRIPTION_METHOD": "parakeet",
            "PARAKEET_MODEL_NAME": "tiny",
            "CHUNK_DURATION_MINUTES": "0.5",
            "DEEPGRAM_API_KEY": KEY,
            "DROPSCRIBE_DEEPGRAM_URL": deepgram.url,
            "PYTHONPATH": str(ROOT),
        }
        port = free_port()
        log = folder / "log"
        with log.open("wb") as said:
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.console.openai.deployment", str(port)],
                env=os.environ | settings, stdout=said, stderr=said, cwd=ROOT,
            )  # fmt: skip
        try:
            one = Served(
                address=f"http://127.0.0.1:{port}/v1",
                ports=open_ports(Settings.from_environment(settings)),
                deepgram=deepgram,
                process=process,
            )
            one.wait(lambda: _answers(one, log))
            yield one
            one.ports.close()
        finally:
            process.terminate()
            process.wait(30)


def _answers(served, log):
    assert served.process.poll() is None, log.read_text("utf-8")
    try:
        with urllib.request.urlopen(f"{served.address}/models", timeout=5) as response:
            return response.status == 200
    except OSError:
        return False


@pytest.fixture
def sample():
    """Gives `sample(name)`: the path of a bundled recording."""
    return lambda name: Path(SAMPLES, name)
