"""`dropscribe up` as a person runs it, with engines that fail on purpose, beside a server that answers as Deepgram."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from shared.routing import flags
from shared.state import documents
from tests.deepgram_server import KEY, deepgram_server
from tests.local.commands.audio.test_up import SAMPLES, Deployment

pytestmark = pytest.mark.long

ROOT = Path(__file__).resolve().parents[4]


@pytest.fixture
def server():
    with deepgram_server() as running:
        yield running


@pytest.fixture
def deployment(tmp_path, server, monkeypatch):
    for name, value in {
        "DEEPGRAM_API_KEY": KEY,
        "DROPSCRIBE_DEEPGRAM_URL": server.url,
        "PYTHONPATH": str(ROOT / "tests" / "plug"),
        "TROUBLE": str(tmp_path / "trouble"),
    }.items():
        monkeypatch.setenv(name, value)
    deployment = Deployment(tmp_path)
    yield deployment
    deployment.close()


def transcribed(deployment, name):
    """The transcript of a file that is dropped now; its recording where it failed."""
    shutil.copy(SAMPLES / "voice-note.opus", deployment.inbox / name)

    def ended():
        return [one for one in deployment.recordings() if one.source.name == name and one.ended]

    deployment.wait(ended)
    [recording] = ended()
    if recording.state == "FAILED":
        return recording
    document = deployment.out / name / "transcript.json"
    deployment.wait(document.is_file)
    return json.loads(document.read_text())


def why(deployment, name):
    [reason] = [one.decision.reason for one in deployment.recordings() if one.source.name == name]
    return reason


@pytest.mark.slow
def test_fallback_is_switched_while_all_runs(deployment, tmp_path):
    trouble = tmp_path / "trouble"
    with deployment.up():
        trouble.write_text("oom")
        taken_over = transcribed(deployment, "one.opus")
        flags.change({"ENABLE_FALLBACK": "false"}, deployment.ports)
        failed = transcribed(deployment, "two.opus")
        flags.change({"ENABLE_FALLBACK": ""}, deployment.ports)
        trouble.write_text("raise")
        again = transcribed(deployment, "three.opus")
        trouble.unlink()
        well = transcribed(deployment, "four.opus")
    assert taken_over["method"] == "deepgram"
    assert why(deployment, "one.opus").endswith(
        "Deepgram did all of it in place of Parakeet on a CPU; the warnings say why"
    )
    assert "do not fit in the memory of the GPU" in taken_over["warnings"][0]
    assert failed.reason.endswith("No other engine was tried: ENABLE_FALLBACK is off.")
    assert again["method"] == "deepgram"
    assert "device-side assert" in again["warnings"][0]
    assert (well["method"], well["parts"][0]["engine"]) == ("parakeet", "parakeet-cpu")


@pytest.mark.slow
def test_a_worker_that_loses_its_card_is_started_again_and_its_chunk_goes_on(deployment, tmp_path):
    (tmp_path / "trouble").write_text("lost")
    with deployment.up():
        found = transcribed(deployment, "one.opus")
    assert found["method"] == "deepgram"
    assert "unspecified launch failure" in found["warnings"][0]
    assert deployment.said.read_text().count("worker ended with code 2; it will be started again") == 3


def test_a_part_that_kills_every_worker_goes_on_after_two_that_had_nothing_else(deployment, tmp_path):
    (tmp_path / "trouble").write_text("die")
    with deployment.up():
        found = transcribed(deployment, "one.opus")
    assert found["method"] == "deepgram"
    assert "died 2 times without an error message" in found["warnings"][0]
    assert deployment.said.read_text().count("worker ended with code -9; it will be started again") == 3


@contextmanager
def worker_without_gpu(deployment):
    environment = os.environ | {
        "POOL": "cpu", "DROPSCRIBE_ENGINES": "parakeet-cpu", "TROUBLE": str(deployment.state / "none"),
        "DROPSCRIBE_STATE_DIR": str(deployment.state), "PARAKEET_MODEL_NAME": "tiny",
    }  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, "-m", "gpu_job", "--stay"],
        env=environment, cwd=ROOT, stdout=deployment.log, stderr=deployment.log,
    )  # fmt: skip
    try:
        yield
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0


@pytest.mark.slow
def test_two_pools_side_by_side_each_do_what_is_theirs(deployment, tmp_path, server, monkeypatch):
    monkeypatch.setenv("DROPSCRIBE_ENGINES", "parakeet-gpu,parakeet-cpu")
    monkeypatch.setenv("POOL", "gpu")
    with deployment.up(), worker_without_gpu(deployment):
        on_gpu = transcribed(deployment, "one.opus")
        (tmp_path / "trouble").write_text("oom")
        on_cpu = transcribed(deployment, "two.opus")
    assert [part["engine"] for part in on_gpu["parts"]] == ["parakeet-gpu"]
    assert [part["engine"] for part in on_cpu["parts"]] == ["parakeet-cpu"]
    assert on_cpu["method"] == "parakeet"
    assert "Parakeet on a CPU did all of it in place of Parakeet on a GPU" in why(deployment, "two.opus")
    assert server.asked == []
    rows = [fields for _, fields in deployment.ports.records.query(documents.LEDGER)]
    heard = sorted(row["engine"] for row in rows if row["outcome"] == "heard")
    assert heard == ["parakeet-cpu", "parakeet-gpu"]


def test_an_inbox_that_is_away_for_a_while_fails_nothing_and_what_is_in_it_goes_on(deployment, tmp_path):
    away = tmp_path / "away"
    with deployment.up():
        for name in ("one.opus", "two.opus"):
            shutil.copy(SAMPLES / "voice-note.opus", deployment.inbox / name)
        deployment.wait(lambda: len(deployment.recordings()) == 2)
        deployment.inbox.rename(away)
        time.sleep(6)
        assert not any(one.ended for one in deployment.recordings())
        away.rename(deployment.inbox)
        deployment.wait(deployment.all_ended(2))
    assert [(one.state, one.reason) for one in deployment.recordings()] == [("DONE", "")] * 2
    assert deployment.said.read_text().count("What is in it waits, and continues automatically.") == 1


@pytest.mark.slow
def test_a_file_that_is_back_after_its_recording_failed_is_transcribed_without_another_word(
    deployment, tmp_path
):
    path, away = deployment.inbox / "one.opus", tmp_path / "one.opus"
    with deployment.up():
        shutil.copy(SAMPLES / "voice-note.opus", path)
        deployment.wait(deployment.recordings)
        path.rename(away)
        deployment.wait(deployment.all_ended(1))
        [failed] = deployment.recordings()
        assert (failed.state, failed.code) == ("FAILED", "missing")
        assert failed.reason.startswith("one.opus no longer exists. Put it back. `dropscribe up` then")
        away.rename(path)
        deployment.wait(lambda: [one.state for one in deployment.recordings()] == ["DONE"])
    [done] = deployment.recordings()
    assert (done.id, done.life) == (failed.id, failed.life + 1)
