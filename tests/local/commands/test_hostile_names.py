"""Every command, on a state full of names that were made to move cursors, forge lines and set titles."""

from __future__ import annotations

import re

import pytest

from local import cli
from shared.errors import Permanent
from shared.flow import record
from shared.state import dead_letters
from shared.telemetry import show_logs
from tests.local.commands.conftest import Deployment

FORGED = "12:00:00 done"
HOSTILE = f"x\r\n{FORGED} \x1b]0;owned\x07\x1b[2J\x9b31m\u202e3pm\x7f.wav"
HARMFUL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e]")

READ_ONLY = [
    "doctor",
    "models list",
    "flags",
    "cost",
    "cost --by label",
    "cost --csv",
    "status",
    "status --ids",
    "show RECORDING",
    "status RECORDING",
]
READ_ONLY += ["dead-letters list", "dead-letters show LETTER", "route URI"]
AS_JSON = [
    f"{words} --json"
    for words in READ_ONLY
    if words != "cost --csv" and not words.startswith(("dead", "route"))
]
CHANGING = [
    "submit URI --request-id ID",
    "cancel RECORDING",
    "retry --failed --yes",
    "dead-letters replay --all --yes",
]
CHANGING += ["dead-letters discard --all --yes", "transcribe MISSING", "submit MISSING"]


@pytest.fixture
def hostile(tmp_path, monkeypatch):
    monkeypatch.setenv("DROPSCRIBE_STATE_DIR", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "140")
    state = Deployment(tmp_path)
    state.done("good " + HOSTILE)
    state.upload("planned " + HOSTILE)
    bad = state.upload("bad " + HOSTILE)
    record.fail(bad.id, Permanent(f"no {HOSTILE} left"), state.ports)
    message = {"messageId": "1", "data": "", "attributes": {"from": HOSTILE, "request_id": HOSTILE}}
    dead_letters.keep(message, state.ports, f"cannot read {HOSTILE}")
    yield state, bad
    state.close()


def shown(capfd, words, state, bad):
    """What a command writes to both of its outputs."""
    known = {
        "LETTER": "1", "URI": f"gs://audio/good {HOSTILE}", "RECORDING": bad.id, "ID": HOSTILE, "MISSING": HOSTILE,
    }  # fmt: skip
    capfd.readouterr()
    with pytest.raises(SystemExit):
        cli.app([known.get(word, word) for word in words.split()], standalone_mode=True)
    out, err = capfd.readouterr()
    return out + err


@pytest.mark.parametrize("words", [*READ_ONLY, *AS_JSON, *CHANGING])
def test_no_command_lets_a_name_through(capfd, hostile, words):
    state, bad = hostile
    told = shown(capfd, words, state, bad)
    assert told.strip()
    assert HARMFUL.findall(told) == []
    assert [line for line in told.splitlines() if line.startswith(FORGED)] == []


def test_a_name_in_the_log_of_up_is_on_its_own_line(capfd, hostile):
    state, _ = hostile
    show_logs()
    state.done("more " + HOSTILE)
    lines = capfd.readouterr().err.splitlines()
    assert sum("more x" in line for line in lines) >= 2
    assert HARMFUL.findall("".join(lines)) == []
    assert [line for line in lines if FORGED in line and "more x" not in line] == []
