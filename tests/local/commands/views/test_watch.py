"""`dropscribe status --watch`."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys

import pytest

from local.commands.views import watch
from shared.errors import Permanent
from shared.flow import chunk, record
from tests.world import heard


@pytest.fixture
def steps(monkeypatch):
    """What happens between two looks, one after the other; then Ctrl-C."""
    left = []

    def sleep(seconds):
        assert seconds == watch.HERE
        if not left:
            raise KeyboardInterrupt
        left.pop(0)()

    monkeypatch.setattr(watch.concurrency, "sleep", sleep)
    return left


def test_where_there_is_no_terminal_each_change_is_a_line(deployment, ask, steps):
    recording = deployment.upload("talk.wav")
    first = recording.chunks[0]
    steps += [
        lambda: None,
        lambda: chunk.commit_result(*heard(recording, first), deployment.ports),
        lambda: deployment.upload("other.wav"),
        lambda: deployment.finish(recording),
    ]
    result = ask("status", "--watch")
    assert (result.exit_code, result.stderr) == (0, "")
    lines = [re.sub(r"^\d\d:\d\d:\d\d ", "", line) for line in result.stdout.splitlines()]
    assert [line.split(";")[0] for line in lines] == [
        "PLANNED talk.wav: 0 of 2 parts",
        "PLANNED talk.wav: 1 of 2 parts",
        "PLANNED other.wav: 0 of 2 parts",
        "DONE talk.wav: 6 words by parakeet (demo model)",
    ]


def test_named_ones_are_watched_until_they_have_ended(deployment, ask, steps):
    recording, other = deployment.upload("talk.wav"), deployment.upload("other.wav")
    steps += [lambda: None, lambda: record.fail(recording.id, Permanent("no engine left"), deployment.ports)]
    result = ask("status", "talk.wav", "--watch", "--json")
    assert result.exit_code == 0
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert [(one["recording"], one["state"]) for one in rows] == [
        (recording.id, "PLANNED"),
        (recording.id, "FAILED"),
    ]
    assert not deployment.stored(other).ended


def test_a_terminal_is_drawn_again_and_ctrl_c_ends_quietly(deployment):
    deployment.upload("talk.wav")
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "local.cli", "status", "--watch"],
        stdin=follower,
        stdout=follower,
        stderr=follower,
        env=os.environ | {"DROPSCRIBE_STATE_DIR": str(deployment.settings.state_dir), "COLUMNS": "80"},
    )
    os.close(follower)
    told = b""

    def read_until(text):
        nonlocal told
        while text not in told:
            told += os.read(leader, 4096)

    read_until(b"1 planned")
    deployment.upload("other.wav")
    read_until(b"2 planned")
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 0
    assert b"Aborted" not in told
    assert b"Traceback" not in told
    os.close(leader)
