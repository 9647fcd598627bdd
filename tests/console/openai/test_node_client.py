"""OpenAI's own client for Node, unmodified, against a server process with the demo model."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.console.openai import speakers
from tests.test_architecture import ROOT

HERE = Path(__file__).parent / "node"
INSTALLED = Path(sys.prefix, "node")
"""Where `make test` installs what package.json names."""


@pytest.fixture(scope="module")
def got(served):
    node = shutil.which("node")
    if node is None or not (INSTALLED / "node_modules" / "openai").is_dir():
        pytest.skip(
            "OpenAI's client for Node is not installed: install Node.js with npm, then run `make .venv/.node`"
        )
    command = [node, str(HERE / "client.mjs"), str(INSTALLED), served.address]
    ran = subprocess.run(
        [*command, str(ROOT / "samples" / "voice-note.opus")], capture_output=True, timeout=120, check=False
    )
    assert ran.returncode == 0, ran.stderr.decode()
    return json.loads(ran.stdout)


def test_every_format_says_the_same(got):
    text = got["json"]["text"]
    assert text.startswith("my brother lost the ticket")
    assert got["text"] == text + "\n"
    assert got["vtt"].startswith("WEBVTT\n")
    assert " ".join(one["word"] for one in got["verbose"]["words"]) == text
    assert "".join(one["text"] for one in got["verbose"]["segments"]).strip() == text
    assert got["keywords"]["languages"] == [{"code": "en"}]


def test_speakers_have_letters(got):
    assert [(one["speaker"], one["text"]) for one in got["diarized"]["segments"]] == [
        ("AB"[number], text) for number, text in speakers.SAID
    ]


def test_a_stream_ends_with_the_text_of_its_deltas(got):
    *deltas, done = got["events"]
    assert done == {"type": "transcript.text.done", "text": got["json"]["text"]}
    assert "".join(one["delta"] for one in deltas) == done["text"]


def test_models_and_errors_are_understood(got):
    assert {"whisper-1", "tiny"} <= set(got["models"])
    assert got["error"] == {
        "kind": "NotFoundError",
        "status": 404,
        "code": "model_not_found",
        "param": "model",
    }
