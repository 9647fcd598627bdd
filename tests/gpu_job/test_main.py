from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from local.backend.embedded_ports import open_ports
from shared.flow import upload
from shared.settings import Settings
from shared.state import documents
from tests.speech import talk, write_wav

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def ports(tmp_path):
    ports = open_ports(Settings(state_dir=tmp_path / "state", model="tiny", chunk_minutes=0.5))
    yield ports
    ports.close()


IMPATIENT = (
    "import sys; from gpu_job import __main__; from shared.recovery import no_weights; no_weights.PATIENCE = 1.0; "
    "sys.exit(__main__.main())"
)
"""`python -m gpu_job` that looks for another second only for what it gave back."""


def started(ports, *command, model="tiny"):
    environment = os.environ | {
        "DROPSCRIBE_STATE_DIR": str(ports.settings.state_dir),
        "PARAKEET_MODEL_NAME": model,
    }
    return subprocess.Popen(
        [sys.executable, *(command or ("-m", "gpu_job")), "--stay"],
        cwd=ROOT,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    )


def due(ports, count):
    """Messages of the worker's subscription, once their back-off is over: all of them, at least so many."""
    found, deadline = [], time.monotonic() + 30
    while len(found) < count and time.monotonic() < deadline:
        found += ports.queue.pull("cpu-worker", 100, 60.0)
        time.sleep(0.05)
    return found


def leased(ports):
    with ports.queue._database.read() as connection:
        (count,) = connection.execute(
            "SELECT count(*) FROM messages WHERE subscription = 'cpu-worker' AND lease IS NOT NULL"
        ).fetchone()
    return count


def submitted(ports, tmp_path, minutes):
    path = tmp_path / "talk.wav"
    write_wav(path, talk(minutes * 60, seed=3)[0])
    return upload.on_object(ports.file(path), ports)


def test_a_worker_process_that_is_terminated_ends_with_0_and_leaves_nothing_under_lease(ports, tmp_path):
    recording = submitted(ports, tmp_path, 10)
    with started(ports) as worker:
        deadline = time.monotonic() + 60
        while not ports.records.count(documents.CHUNKS) and time.monotonic() < deadline:
            time.sleep(0.01)
        worker.send_signal(signal.SIGTERM)
        asked = time.monotonic()
        _, said = worker.communicate(timeout=30)
        took = time.monotonic() - asked
    assert worker.returncode == 0, said
    assert took < 10
    (line,) = [one for one in said.splitlines() if "worker ends:" in one]
    assert "given back" in line
    assert re.search(
        r"start-up: process \d+\.\d s, import \d+\.\d s, load \d+\.\d s, warm-up \d+\.\d s", line
    )
    assert line.endswith("; asked to stop")
    assert "tiny is ready on processor" in said
    done = ports.records.count(documents.CHUNKS)
    left = due(ports, len(recording.chunks) - done)
    assert done >= 1
    assert done + len(left) == len(recording.chunks), "every chunk is kept, or there for the next worker"
    assert {one.attempt for one in left} <= {1}, "none of them runs alone, for nothing is wrong with them"


def test_the_chunks_of_a_worker_that_was_killed_count_as_delivered(ports, tmp_path):
    submitted(ports, tmp_path, 1)
    with started(ports) as worker:
        deadline = time.monotonic() + 60
        while not leased(ports) and time.monotonic() < deadline:
            time.sleep(0.001)
        worker.kill()
        worker.communicate(timeout=30)
    assert ports.queue.reclaim() > 0
    left = ports.queue.pull("cpu-worker", 100, 60.0)
    assert left
    assert {one.attempt for one in left} == {2}


def test_a_worker_process_whose_weights_are_missing_ends_with_2_and_gives_everything_back(ports, tmp_path):
    recording = submitted(ports, tmp_path, 1)
    with started(ports, "-c", IMPATIENT, model=str(tmp_path / "nowhere")) as worker:
        _, said = worker.communicate(timeout=60)
    assert worker.returncode == 2
    assert "the worker cannot work: " in said
    assert "worker ends: 0.00 audio-hours" in said
    assert "; broke down (ModelUnavailable)" in said
    assert len(due(ports, len(recording.chunks))) == len(recording.chunks)
