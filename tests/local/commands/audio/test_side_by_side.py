"""`up` and `transcribe` at the same time on one state, with different settings; each is stopped or killed in the middle."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from shared.state import documents
from tests.deepgram_server import KEY, counting, deepgram_server
from tests.local.commands.audio.test_up import SAMPLES, Deployment

pytestmark = pytest.mark.long

OWN = ("status-meeting.mp3", "order-hotline.m4a", "warehouse-tour.mp4")
"""Files of `transcribe`."""
OF_UP, ANOTHER = "voice-note.opus", "another.opus"


class Told(BaseHTTPRequestHandler):
    """The receiver of the webhook of `up`."""

    def do_POST(self):
        self.server.told.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def told(monkeypatch):
    """What the webhook of `up` was told: the states of recordings."""
    server = HTTPServer(("127.0.0.1", 0), Told)
    server.told = []
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    monkeypatch.setenv("DROPSCRIBE_WEBHOOK_URL", f"http://127.0.0.1:{server.server_port}/")
    monkeypatch.setenv("DROPSCRIBE_WEBHOOK_SECRET", "whsec_" + "c2Vj" * 8)
    yield server.told
    server.shutdown()
    thread.join()
    server.server_close()


class Hosted:
    """A hosted engine that only `transcribe` knows, and whose calls wait."""

    def __init__(self, server):
        self.server, self.may_answer = server, threading.Event()
        server.heard = self.heard

    def heard(self, body):
        self.may_answer.wait(60)
        return counting(body)


@pytest.fixture
def hosted():
    with deepgram_server() as server:
        hosted = Hosted(server)
        yield hosted
        hosted.may_answer.set()


@pytest.fixture
def deployment(tmp_path, told):
    # Room for nothing that costs money.
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BUDGET_DAILY_USD", "0.00001")
        patch.setenv("DROPSCRIBE_LEASE_SECONDS", "6")
        deployment = Deployment(tmp_path)
        yield deployment
        deployment.close()


@pytest.fixture
def transcribe(deployment, hosted, tmp_path):
    """Starts `transcribe` of its own files, with an engine, formats and a budget of its own."""
    files = tmp_path / "mine"
    files.mkdir()
    for name in OWN:
        shutil.copy(SAMPLES / name, files)
    command = [sys.executable, "-m", "local.cli", "transcribe", *map(str, sorted(files.iterdir()))]
    command += ["--state-dir", str(deployment.state), "--out", str(tmp_path / "texts"), "--json"]
    command += ["--method", "deepgram", "--format", "txt,srt"]
    own = {"DEEPGRAM_API_KEY": KEY, "DROPSCRIBE_DEEPGRAM_URL": hosted.server.url}
    shared = {
        name: value for name, value in os.environ.items() if "WEBHOOK" not in name and "BUDGET" not in name
    }
    runs = []

    def start():
        runs.append(
            subprocess.Popen(
                command, env=shared | own, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
            )
        )
        return runs[-1]

    yield start
    for one in runs:
        one.kill()
        one.communicate()


def begin(deployment, transcribe, hosted):
    """Both in the middle of their work."""
    run = transcribe()
    shutil.copy(SAMPLES / OF_UP, deployment.inbox)
    deployment.wait(
        lambda: len(hosted.server.asked) == len(OWN) and len(deployment.recordings()) == len(OWN) + 1
    )
    return run


def left(ports):
    """How many messages each subscription has."""
    counts = {one.name: ports.queue.pending(one.name) for one in ports.queue.topology.subscriptions}
    return {name: count for name, count in counts.items() if count}


def check(deployment, hosted, told, tmp_path, *of_up):
    """One transcript of each file with the settings of its command, a row for each call, and nothing is left."""
    ports = deployment.ports
    found = {one.source.name.rpartition("/")[2]: one for one in deployment.recordings()}
    assert sorted(found) == sorted([*OWN, *of_up])
    assert len(deployment.recordings()) == len(found)
    assert {one.state for one in found.values()} == {"DONE"}
    assert {name: {chunk.engine for chunk in one.chunks} for name, one in found.items()} == {
        **{name: {"deepgram"} for name in OWN},
        **{name: {"parakeet-cpu"} for name in of_up},
    }
    for name in OWN:
        assert sorted(one.name for one in (tmp_path / "texts" / name).iterdir()) == [
            "transcript.srt",
            "transcript.txt",
        ]
    assert all((deployment.out / name / "transcript.json").is_file() for name in of_up)
    assert not any((deployment.out / name).exists() for name in OWN)
    rows = [row for _, row in ports.records.query(documents.LEDGER, {})]
    assert sum(row["engine"] == "deepgram" for row in rows) == len(hosted.server.asked)
    heard = sorted((row["recording"], row["chunk"]) for row in rows if row["outcome"] == "heard")
    assert heard == sorted((one.id, chunk.index) for one in found.values() for chunk in one.chunks)
    assert left(ports) == {}
    ends = sorted((one["data"]["recording"], one["data"]["state"]) for one in told)
    assert ends == sorted((one.id, "DONE") for one in found.values())


def all_done(deployment, told, *of_up):
    """Every recording has ended, its folder and webhook know it, and nothing is left."""
    deployment.wait(deployment.all_ended(len(OWN) + len(of_up)))
    for name in of_up:
        deployment.wait((deployment.out / name / "transcript.json").is_file)
    deployment.wait(lambda: len(told) >= len(OWN) + len(of_up) and left(deployment.ports) == {})


def test_ups_that_are_stopped_and_killed_leave_transcribe_its_work_and_go_on_with_their_own(
    deployment, transcribe, hosted, told, tmp_path
):
    with deployment.up():
        run = begin(deployment, transcribe, hosted)
    with deployment.up(killed=True):
        shutil.copy(SAMPLES / OF_UP, deployment.inbox / ANOTHER)
        deployment.wait(lambda: len(deployment.recordings()) == len(OWN) + 2)
    hosted.may_answer.set()
    said = run.communicate(timeout=60)
    assert run.returncode == 0, said
    with deployment.up():
        all_done(deployment, told, OF_UP, ANOTHER)
    check(deployment, hosted, told, tmp_path, OF_UP, ANOTHER)


@pytest.mark.slow
def test_a_transcribe_that_is_killed_and_stopped_goes_on_when_it_is_called_again_beside_an_up(
    deployment, transcribe, hosted, told, tmp_path
):
    with deployment.up():
        killed = begin(deployment, transcribe, hosted)
        killed.kill()
        killed.communicate()
        stopped = transcribe()
        deployment.wait(lambda: len(hosted.server.asked) == 2 * len(OWN))
        stopped.send_signal(signal.SIGINT)
        hosted.may_answer.set()
        stopped.communicate(timeout=60)
        assert stopped.returncode == 130
        again = transcribe()
        said = again.communicate(timeout=90)
        assert again.returncode == 0, said
        all_done(deployment, told, OF_UP)
        check(deployment, hosted, told, tmp_path, OF_UP)
        what_a_killed_transcribe_had_to_itself_is_done_by_up_soon(deployment, tmp_path)


def what_a_killed_transcribe_had_to_itself_is_done_by_up_soon(deployment, tmp_path):
    path, before = tmp_path / "mine.m4a", deployment.chunks_done()
    shutil.copy(SAMPLES / "order-hotline.m4a", path)
    command = [sys.executable, "-m", "local.cli", "transcribe", str(path), "--model", "tiny"]
    command += ["--state-dir", str(deployment.state), "--out", str(tmp_path / "texts")]
    run = subprocess.Popen(
        command, env=os.environ | {"CHUNK_DURATION_MINUTES": "0.1", "MAX_CONCURRENT_CHUNKS": "1"}
    )
    deployment.wait(lambda: deployment.chunks_done() > before)
    run.kill()
    run.wait()
    deployment.wait(deployment.all_ended(len(OWN) + 2))
    deployment.wait(lambda: left(deployment.ports) == {})
    [recording] = [one for one in deployment.recordings() if one.source.name == str(path).lstrip("/")]
    assert recording.state == "DONE"
