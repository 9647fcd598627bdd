"""`dropscribe up` ends at once, and with it what plans, while a recording takes minutes to plan."""

from __future__ import annotations

import os
import shutil
import signal
import time
from pathlib import Path

import pytest

from tests.local.commands.audio.test_up import SAMPLES, Deployment, children_of

pytestmark = pytest.mark.long

SLOW = """
import os, sys, time
if {"on_upload", "local.runtime.fork_server"} & set(sys.orig_argv):
    from shared.flow import probe

    def look_at(source, options, ports):
        open(os.environ["PLANNING"], "w").write(str(os.getpid()))
        until = time.monotonic() + 300
        while time.monotonic() < until:
            sum(range(100_000))
            time.sleep(0.02)

    probe.look_at = look_at
"""
"""A router that computes, though not all of the time, for five minutes for each plan."""
PROMPTLY = 20.0
"""Seconds, on a busy machine: `up` waits for five, and a process that does not obey is killed after ten."""


@pytest.fixture
def planning(tmp_path, monkeypatch):
    """A deployment whose router plans, and the file with its process id."""
    (tmp_path / "plug").mkdir()
    (tmp_path / "plug" / "sitecustomize.py").write_text(SLOW)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "plug"))
    monkeypatch.setenv("PLANNING", str(tmp_path / "planning"))
    deployment = Deployment(tmp_path)
    shutil.copy(SAMPLES / "voice-note.opus", deployment.inbox / "note.opus")
    yield deployment, tmp_path / "planning"
    deployment.close()


def running(pid):
    try:
        state = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def started(deployment, file):
    deployment.wait(lambda: file.exists() and file.read_text())
    return int(file.read_text())


def test_sigterm_ends_the_process_that_plans_before_it_has_to_be_killed(planning):
    deployment, file = planning
    with deployment.up():
        router = started(deployment, file)
        begun = time.monotonic()
        os.kill(router, signal.SIGTERM)
        deployment.wait(lambda: not running(router))
        assert time.monotonic() - begun < PROMPTLY / 2
        file.unlink()
        # It is started again, and has the message again; now `up` ends by Ctrl-C.
        router = started(deployment, file)
        begun = time.monotonic()
    assert time.monotonic() - begun < PROMPTLY
    assert not running(router)


@pytest.mark.parametrize("number", [pytest.param(signal.SIGTERM, marks=pytest.mark.slow), signal.SIGKILL])
def test_whatever_ends_up_ends_what_plans_and_the_next_start_plans_again(planning, monkeypatch, number):
    deployment, file = planning
    with deployment.up(killed=False) as process:
        router = started(deployment, file)
        pids = [process.pid, router, *children_of(process.pid)]
        begun = time.monotonic()
        process.send_signal(number)
        process.wait(30)
        assert time.monotonic() - begun < PROMPTLY
        deployment.wait(lambda: not any(running(one) for one in pids))
        assert time.monotonic() - begun < PROMPTLY
        assert process.returncode == (0 if number == signal.SIGTERM else -signal.SIGKILL)
        process.returncode = 0  # what `up` of this fixture expects
    monkeypatch.delenv("PYTHONPATH")
    with deployment.up():
        deployment.wait(deployment.all_ended(1))
    assert [one.state for one in deployment.recordings()] == ["DONE"]
