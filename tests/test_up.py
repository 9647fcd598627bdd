"""`dropscribe up` as a person runs it: real processes, real files, real kills."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from local.platform import open_ports
from shared.flow import documents
from shared.settings import Settings

SAMPLES = Path(__file__).resolve().parent.parent / "samples"
PATIENCE = 90.0
"""Seconds: three interpreters and a model have to start on a busy machine."""


class Deployment:
    """One state directory, with its inbox and transcripts."""

    def __init__(self, folder):
        self.inbox, self.out, self.state = folder / "inbox", folder / "out", folder / "state"
        self.inbox.mkdir()
        self.log = (folder / "log").open("ab")
        self.ports = open_ports(Settings(state_dir=self.state))

    def close(self):
        self.log.close()
        self.ports.close()

    @contextmanager
    def up(self, *, killed=False):
        command = [sys.executable, "-m", "local.cli", "up", "--inbox", self.inbox, "--out", self.out]
        command += ["--model", "tiny", "--state-dir", self.state]
        environment = os.environ | {"CHUNK_DURATION_MINUTES": "0.5", "GPU_BATCH_SIZE": "1"}
        process = subprocess.Popen(command, stdout=self.log, stderr=self.log, env=environment)
        try:
            yield process
        finally:
            if killed:
                for pid in [process.pid, *children_of(process.pid)]:
                    os.kill(pid, signal.SIGKILL)
            else:
                process.send_signal(signal.SIGINT)
            code = process.wait(30)
        assert code == (-signal.SIGKILL if killed else 0)

    def recordings(self):
        return list(documents.recordings(self.ports.records))

    def chunks_done(self):
        return self.ports.records.count(documents.CHUNKS)

    def attempts(self):
        return self.ports.records.count(documents.LEDGER)

    def transcripts(self):
        return {path: path.read_bytes() for path in self.out.rglob("*.*") if path.is_file()}

    def wait(self, condition):
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < deadline, f"it did not get there: {self.recordings()}"
            time.sleep(0.05)

    def all_ended(self, count):
        return lambda: sum(one.ended for one in self.recordings()) == count


def children_of(pid):
    return map(int, subprocess.check_output(["ps", "-o", "pid=", "--ppid", str(pid)], text=True).split())


@pytest.fixture
def deployment(tmp_path):
    deployment = Deployment(tmp_path)
    yield deployment
    deployment.close()


def test_a_file_dropped_into_the_inbox_comes_out_as_a_transcript(deployment):
    with deployment.up():
        shutil.copy(SAMPLES / "voice-note.opus", deployment.inbox / "voice note 😀.opus")
        (deployment.inbox / "notes.mp3").write_text("This is a text about a meeting.\n" * 200)
        deployment.wait(deployment.all_ended(2))
    bad, good = sorted(deployment.recordings(), key=lambda one: one.source.name)
    assert (bad.state, bad.code) == ("FAILED", "not-media")
    assert good.state == "DONE"
    text = next(deployment.out.rglob("transcript.txt"))
    assert text.parent.parent.name == "voice note 😀.opus"
    assert len(text.read_text().split()) > 40


def test_killed_at_any_moment_and_started_again_it_loses_and_repeats_nothing(deployment):
    shutil.copy(SAMPLES / "status-meeting.mp3", deployment.inbox)
    shutil.copy(SAMPLES / "order-hotline.m4a", deployment.inbox)
    for stage in (deployment.recordings, deployment.chunks_done):
        with deployment.up(killed=True):
            deployment.wait(stage)
    assert not deployment.all_ended(2)()
    with deployment.up():
        deployment.wait(deployment.all_ended(2))
    recordings = deployment.recordings()
    assert [one.state for one in recordings] == ["DONE", "DONE"]
    chunks = sum(len(one.chunks) for one in recordings)
    assert deployment.chunks_done() == chunks
    # What was in the worker's hands when it was killed is recognised again, and nothing else.
    assert chunks <= deployment.attempts() <= chunks + 2
    before, attempts = deployment.transcripts(), deployment.attempts()
    with deployment.up():
        time.sleep(5)
    assert deployment.recordings() == recordings
    assert deployment.transcripts() == before
    assert deployment.attempts() == attempts


def test_a_second_one_on_the_same_state_is_refused(deployment):
    with deployment.up():
        deployment.wait((deployment.state / "up.lock").exists)
        time.sleep(1)
        command = [
            sys.executable,
            "-m",
            "local.cli",
            "up",
            "--model",
            "tiny",
            "--state-dir",
            deployment.state,
        ]
        second = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
        assert second.returncode == 2
        assert "Another `dropscribe up` runs" in second.stderr


def test_without_the_weights_it_says_so_and_does_not_start(deployment):
    command = [sys.executable, "-m", "local.cli", "up", "--model", "/no/such/folder"]
    result = subprocess.run(
        [*command, "--state-dir", deployment.state], check=False, capture_output=True, text=True, timeout=60
    )
    assert result.returncode == 2
    assert "/no/such/folder" in result.stderr
    assert "Traceback" not in result.stderr
