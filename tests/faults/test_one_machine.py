"""`dropscribe up` on a machine whose database is locked and whose disk is full for a while."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import threading
import time
from contextlib import closing, contextmanager

import pytest

from shared.state import documents
from tests.deepgram_server import KEY, counting, deepgram_server
from tests.faults import assertions, media
from tests.faults import deployment as faults
from tests.local.commands.audio.test_up import SAMPLES, Deployment

pytestmark = pytest.mark.long

LOCKED = 33.0
"""Seconds: longer than any process waits for the database."""


@pytest.fixture
def deployment(tmp_path, monkeypatch):
    monkeypatch.setenv("DROPSCRIBE_LEASE_SECONDS", "6")
    deployment = Deployment(tmp_path)
    yield deployment
    deployment.close()


def descendants(pid):
    """A process and all that it has started, directly or not."""
    rows = subprocess.check_output(["ps", "-eo", "pid=,ppid=,args="], text=True).splitlines()
    found = {pid: ""}
    for _ in rows:
        for child, parent, args in (row.split(None, 2) for row in rows):
            if int(parent) in found:
                found[int(child)] = args
    return found


def kept(deployment, name, text):
    """The assertions of every fault: one recording that is done, one transcript, each part heard and billed once."""
    [recording] = [one for one in deployment.recordings() if one.source.name == name]
    assert recording.state == "DONE"
    assert text in (deployment.out / name / "transcript.txt").read_text()
    rows = [row for _, row in deployment.ports.records.query(documents.LEDGER, {"recording": recording.id})]
    heard = [row["chunk"] for row in rows if row["outcome"] == "heard"]
    assert sorted(heard) == list(range(len(recording.chunks)))


def locked_with_a_lease(connection):
    """Lock the database while a worker has something in hand; False, and not locked, if it has not."""
    connection.execute("BEGIN IMMEDIATE")
    held = "SELECT count(*) FROM messages WHERE subscription = 'cpu-worker' AND lease IS NOT NULL"
    if connection.execute(held).fetchone() != (0,):
        return True
    connection.execute("ROLLBACK")
    return False


def test_a_database_that_is_locked_longer_than_anybody_waits_ends_nothing(deployment):
    name = "status-meeting.mp3"
    with deployment.up() as up:
        deployment.wait(lambda: "tiny is ready on processor" in deployment.said.read_text())
        shutil.copy(SAMPLES / name, deployment.inbox)
        other = sqlite3.connect(deployment.state / "dropscribe.sqlite", isolation_level=None)
        deployment.wait(lambda: locked_with_a_lease(other))
        locked = time.monotonic()
        # Its leases are given back by `up`, which needs the database for that.
        os.kill(min(pid for pid, args in descendants(up.pid).items() if "gpu_job" in args), signal.SIGKILL)
        deployment.wait(lambda: "not everything can be kept running now" in deployment.said.read_text())
        assert up.poll() is None
        assert time.monotonic() - locked > 30.0
        other.execute("ROLLBACK")
        other.close()
        deployment.wait((deployment.out / name / "transcript.txt").exists)
        kept(deployment, name, "a")


def allow_files(up, size):
    """What no file of the processes of `up` may grow beyond, bytes: with 0 every write fails as on a full disk."""
    for pid in descendants(up.pid):
        try:
            _, most = resource.prlimit(pid, resource.RLIMIT_FSIZE)
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, most))
        except ProcessLookupError:
            continue


def test_a_disk_that_is_full_for_a_while_at_any_moment_loses_and_repeats_nothing(deployment):
    name = "status-meeting.mp3"
    with deployment.up() as up:
        deployment.wait(lambda: "tiny is ready on processor" in deployment.said.read_text())
        for number, moment in enumerate((lambda: True, deployment.recordings, deployment.chunks_done)):
            deployment.wait(moment)
            allow_files(up, 0)
            if number == 0:
                shutil.copy(SAMPLES / name, deployment.inbox)
            time.sleep(4.0)
            assert up.poll() is None
            allow_files(up, resource.RLIM_INFINITY)
        deployment.wait((deployment.out / name / "transcript.txt").exists)
        kept(deployment, name, "a")


@contextmanager
def full(deployment):
    """No file of `up` can grow, except that in which its engine notes its calls."""
    allow_files(deployment.process, deployment.calls.stat().st_size + 2000)
    yield
    allow_files(deployment.process, resource.RLIM_INFINITY)


@contextmanager
def locked(deployment):
    """Nobody else can write to the database."""
    with closing(sqlite3.connect(deployment.state / "dropscribe.sqlite", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


@pytest.fixture
def transcribing(tmp_path):
    """Starts `up`, gives it a recording, and returns while an engine is at work on it."""
    with deepgram_server() as server:
        made, is_asked, may_answer = [], threading.Event(), threading.Event()

        def heard(body):
            is_asked.set()
            may_answer.wait(60)
            return counting(body)

        def begun(engine):
            keys = {"DEEPGRAM_API_KEY": KEY, "DROPSCRIBE_DEEPGRAM_URL": server.url}
            hosted = keys | {"TRANSCRIPTION_METHOD": "deepgram"}
            deployment = faults.Deployment(tmp_path, **(hosted if engine == "hosted" else {}))
            made.append(deployment)
            media.make(deployment.folder, media.NAMES[:1])
            deployment.start()
            deployment.drop(deployment.folder / media.NAMES[0])
            deployment.wait(
                is_asked.is_set if engine == "hosted" else lambda: deployment.calls.stat().st_size
            )
            return deployment, server, may_answer.set

        server.heard = heard
        yield begun
        may_answer.set()
        for deployment in made:
            deployment.close()


@pytest.mark.parametrize(
    ("engine", "away", "seconds"),
    [
        ("own", full, 4.0),
        pytest.param("hosted", full, 4.0, marks=pytest.mark.slow),
        pytest.param("own", locked, LOCKED, marks=pytest.mark.slow),
        pytest.param("hosted", locked, LOCKED, marks=pytest.mark.slow),
    ],
)
def test_what_an_engine_answers_meanwhile_is_kept_and_no_engine_is_asked_again(
    transcribing, engine, away, seconds
):
    deployment, server, answer = transcribing(engine)
    with away(deployment):
        answer()
        time.sleep(seconds)
    deployment.settle(1)
    [recording] = deployment.recordings()
    asked = deployment.calls.read_text().split() if engine == "own" else [one.body for one in server.asked]
    assert len(asked) == len(set(asked)) >= media.CHUNKS == len(recording.chunks)
    rows = sorted((row["chunk"], row["outcome"]) for row in assertions.rows(deployment.ports))
    assert (recording.state, rows) == ("DONE", [(index, "heard") for index in range(media.CHUNKS)])
