"""`dropscribe up` as a person runs it: real processes, real files, real kills."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from local import cli
from local.backend import remembered
from local.backend.embedded_ports import open_ports
from local.commands.audio import up
from local.runtime import page_address
from shared.errors import ConfigurationError
from shared.model import Options
from shared.settings import Settings
from shared.state import documents, sweep_notes
from shared.sweep import clock_steps
from tests import voices
from tests.ports import free_port

ROOT = Path(__file__).resolve().parents[4]
SAMPLES = ROOT / "samples"
PATIENCE = 90.0
"""Seconds: three interpreters and a model have to start on a busy machine."""


class Deployment:
    """One state directory, with its inbox and transcripts."""

    def __init__(self, folder):
        self.inbox, self.out, self.state = folder / "inbox", folder / "out", folder / "state"
        self.inbox.mkdir()
        self.said = folder / "log"
        self.log = self.said.open("ab")
        self.ports = open_ports(Settings(state_dir=self.state))

    def close(self):
        self.log.close()
        self.ports.close()

    @contextmanager
    def up(self, *more, killed=False, ready=None, page=False):
        # Relative paths, and a folder that is not the project's.
        command = [sys.executable, "-m", "local.cli", "up", "--inbox", "inbox", "--out", "out"]
        command += ["--model", "tiny", "--state-dir", "state", *more]
        # One process less to start.
        command += [] if page else ["--no-console"]
        environment = os.environ | {
            "CHUNK_DURATION_MINUTES": "0.5",
            "GPU_BATCH_SIZE": "1",
            # Another `up` on this machine may have the usual one.
            "DROPSCRIBE_CONSOLE_PORT": str(free_port()),
            "PYTHONPATH": os.pathsep.join([*filter(None, [os.environ.get("PYTHONPATH")]), str(ROOT)]),
        }
        before = self.said.stat().st_size
        process = subprocess.Popen(
            command, stdout=self.log, stderr=self.log, env=environment, cwd=self.state.parent
        )
        try:
            self.wait(ready or (lambda: b"Stop with Ctrl-C" in self.said.read_bytes()[before:]))
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


def call(*arguments):
    """A command in this process."""
    return CliRunner().invoke(cli.app, [*map(str, arguments)])


@pytest.fixture
def deployment(tmp_path):
    deployment = Deployment(tmp_path)
    yield deployment
    deployment.close()


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    """A deployment whose `up` runs, and the port of its measurements."""
    deployment, port = Deployment(tmp_path_factory.mktemp("running")), free_port()
    with deployment.up("--metrics-port", str(port), page=True):
        yield deployment, port
    deployment.close()


def test_the_clock_is_looked_at_before_a_recording_can_end(running):
    deployment, _ = running
    noted = deployment.ports.records.get(sweep_notes.SWEEPS, clock_steps.MARK)
    assert noted["boot"] == deployment.ports.clock.boot


def test_a_file_dropped_into_the_inbox_comes_out_as_a_transcript(running):
    deployment, port = running
    shutil.copy(SAMPLES / "voice-note.opus", deployment.inbox / "voice note 😀.opus")
    (deployment.inbox / "notes.mp3").write_text("This is a text about a meeting.\n" * 200)
    deployment.wait(deployment.all_ended(2))
    deployment.wait(deployment.transcripts)
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        measured = answer.read().decode()
    # By the router, and by the worker: all of the machine's processes.
    assert "dropscribe_uploads_total 2.0" in measured
    assert "dropscribe_worker_batches_total" in measured
    bad, good = sorted(deployment.recordings(), key=lambda one: one.source.name)
    assert (bad.state, bad.code) == ("FAILED", "not-media")
    assert good.state == "DONE"
    text = next(deployment.out.rglob("transcript.txt"))
    assert text.parent == deployment.out / "voice note 😀.opus"
    assert len(text.read_text().split()) > 40


@pytest.mark.slow
def test_its_worker_finds_the_networks_for_speakers_in_a_folder_named_from_here(deployment, monkeypatch):
    voices.networks(deployment.state.parent / "networks")
    monkeypatch.setenv("DROPSCRIBE_SPEAKER_WEIGHTS", "networks")
    with deployment.up("--diarize"):
        shutil.copy(SAMPLES / "voice-note.opus", deployment.inbox / "note.opus")
        deployment.wait(deployment.all_ended(1))
        deployment.wait(lambda: list(deployment.out.rglob("transcript.json")))
    [note] = deployment.recordings()
    assert note.state == "DONE", note.reason
    words = json.loads(next(deployment.out.rglob("transcript.json")).read_bytes())["words"]
    assert words[0]["speaker"] == 1


@pytest.mark.long
def test_killed_and_started_again_it_loses_and_repeats_nothing(deployment):
    shutil.copy(SAMPLES / "status-meeting.mp3", deployment.inbox)
    shutil.copy(SAMPLES / "order-hotline.m4a", deployment.inbox)
    with deployment.up(killed=True):
        deployment.wait(deployment.chunks_done)
    assert not deployment.all_ended(2)()
    with deployment.up():
        deployment.wait(deployment.all_ended(2))
        deployment.wait(lambda: len(deployment.transcripts()) == 12)
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


@pytest.mark.slow
def test_a_file_that_was_renamed_after_it_was_done_is_known_also_by_one_that_was_killed(deployment):
    shutil.copy(SAMPLES / "voice-note.opus", deployment.inbox / "note.opus")
    with deployment.up():
        deployment.wait(deployment.all_ended(1))
        deployment.wait(lambda: len(deployment.transcripts()) == 6)
    attempts = deployment.attempts()
    (deployment.inbox / "note.opus").rename(deployment.inbox / "Monday.opus")
    with deployment.up(killed=True):
        deployment.wait(lambda: len(deployment.recordings()) == 2)
    with deployment.up():
        deployment.wait(deployment.all_ended(2))
        deployment.wait(lambda: len(deployment.transcripts()) == 12)
    assert deployment.attempts() == attempts
    texts = [(deployment.out / name / "transcript.vtt").read_bytes() for name in ("note.opus", "Monday.opus")]
    assert texts[0] == texts[1]
    told = call("status", "Monday.opus", "--state-dir", deployment.state).stdout
    [earlier] = [one.id for one in deployment.recordings() if one.source.name == "note.opus"]
    assert f"same content as recording {earlier}" in " ".join(told.split())
    assert "$0" in told


@pytest.mark.slow
def test_transcribe_on_the_same_state_means_the_same_files_and_disturbs_nothing(deployment, tmp_path):
    shutil.copy(SAMPLES / "voice-note.opus", deployment.inbox)
    with deployment.up(killed=True):
        deployment.wait(deployment.recordings)
    command = ["transcribe", SAMPLES / "order-hotline.m4a", "--model", "tiny"]
    command += ["--state-dir", deployment.state, "--out", tmp_path / "mine"]
    assert call(*command).exit_code == 0
    assert (tmp_path / "mine" / "order-hotline.m4a" / "transcript.srt").is_file()
    with deployment.up():
        deployment.wait(deployment.all_ended(2))
        deployment.wait((deployment.out / "voice-note.opus" / "transcript.srt").is_file)
    assert [one.state for one in deployment.recordings()] == ["DONE", "DONE"]
    assert call(*command).exit_code == 0


def test_transcripts_may_not_go_into_the_inbox(deployment):
    folders = [
        "--inbox",
        deployment.inbox,
        "--out",
        deployment.inbox / "out",
        "--state-dir",
        deployment.state,
    ]
    result = call("up", "--model", "tiny", *folders)
    assert result.exit_code == 78
    assert "side by side" in result.stderr


@pytest.mark.parametrize(
    ("state", "says"),
    [(".", "state folder"), ("state", "state folder"), ("a/b", "state folder"), (".state", "side by side")],
)
def test_the_state_may_not_be_in_the_inbox_unless_it_is_hidden_there(tmp_path, state, says):
    folders = ["--inbox", tmp_path, "--out", tmp_path / "out", "--state-dir", tmp_path / state]
    tmp_path.chmod(0o700)
    result = call("up", "--model", "tiny", *folders)
    assert result.exit_code == 78
    assert says in result.stderr


@pytest.mark.parametrize("option", ["--inbox", "--out"])
def test_a_file_in_place_of_a_folder_is_refused_and_not_remembered(deployment, tmp_path, option):
    wrong = tmp_path / "a-file"
    wrong.touch()
    before = remembered.folders(deployment.ports.settings, deployment.ports.records)
    result = call("up", option, wrong, "--state-dir", deployment.state)
    assert result.exit_code == {"--out": 73, "--inbox": 78}[option]
    assert "Traceback" not in result.stderr
    assert "a-file" in result.stderr
    assert remembered.folders(deployment.ports.settings, deployment.ports.records) == before


def test_a_key_whose_library_is_missing_is_told_at_the_start(deployment, monkeypatch):
    ports = replace(deployment.ports, hosted={"deepgram": object()})
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(ConfigurationError, match="pip install 'dropscribe\\[deepgram\\]'"):
        up.run(ports, Options())


def test_a_second_one_on_the_same_state_is_refused(running):
    second = call("up", "--model", "tiny", "--state-dir", running[0].state)
    assert second.exit_code == 78
    assert "Another `dropscribe up` is running" in second.stderr


def test_without_the_weights_it_says_so_and_does_not_start(deployment):
    result = call("up", "--model", "/no/such/folder", "--state-dir", deployment.state)
    assert result.exit_code == 69
    assert "/no/such/folder" in result.stderr
    assert "Traceback" not in result.stderr


def test_without_the_weights_for_english_it_says_so_and_does_not_start_either(deployment, monkeypatch):
    monkeypatch.setenv("PARAKEET_ENGLISH_MODEL", "/no/such/english")
    result = call("up", "--model", "tiny", "--state-dir", deployment.state)
    assert result.exit_code == 69
    assert "/no/such/english" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(("named", "said"), [(True, ""), (False, " (--inbox FOLDER watches another)")])
def test_it_says_which_folder_it_watches_and_how_to_name_another(tmp_path, caplog, named, said):
    inbox = tmp_path / "inbox" if named else None
    ports = open_ports(Settings(state_dir=tmp_path / "state", inbox=inbox))
    with caplog.at_level("INFO", logger="dropscribe"):
        up._greet(ports)
    ports.close()
    assert f"watching {ports.inbox}{said}: drop audio there" in caplog.text


def test_it_prints_the_address_of_the_page_once_that_opens(running):
    deployment, _ = running
    deployment.wait(lambda: b"The page: http" in deployment.said.read_bytes())
    address = re.search(rb"The page: (http\S+)", deployment.said.read_bytes())[1].decode()
    with urllib.request.urlopen(address.partition("?")[0] + "health") as answer:
        assert answer.status == 200


@pytest.mark.slow
def test_quiet_it_says_nothing_while_all_goes_well(deployment):
    with deployment.up("--quiet", ready=lambda: page_address.running(deployment.ports.settings), page=True):
        shutil.copy(SAMPLES / "status-meeting.mp3", deployment.inbox / "a.mp3")
        deployment.wait(lambda: list(deployment.out.rglob("transcript.txt")))
    assert deployment.said.read_bytes() == b""
