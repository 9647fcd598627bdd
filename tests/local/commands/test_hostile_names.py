"""Every command, on a state full of names that were made to move cursors, forge lines and set titles."""

from __future__ import annotations

import json
import logging
import re
from dataclasses import replace

import pytest

from local import cli
from shared.errors import Permanent
from shared.model import Options
from shared.state import dead_letters
from shared.telemetry import log, show_logs
from tests.local.commands.test_commands import State

FORGED = "12:00:00 done"
HOSTILE = f"x\r\n{FORGED} \x1b]0;owned\x07\x1b[2J\x9b31m\u202e3pm\x7f.wav"
HARMFUL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e]")

READ_ONLY = ["doctor", "models list", "flags", "cost", "cost --by label", "cost --csv", "status", "status --keys"]
READ_ONLY += ["dead-letters list", "dead-letters show LETTER", "route URI", "status RECORDING", "cost --by recording"]
CHANGING = ["submit URI --request-id ID", "cancel RECORDING", "retry --failed --yes", "dead-letters replay --all --yes"]
CHANGING += ["backfill INBOX --yes", "dead-letters discard --all --yes", "transcribe MISSING", "submit MISSING"]


@pytest.fixture
def hostile(tmp_path, monkeypatch):
    monkeypatch.setenv("DROPSCRIBE_STATE_DIR", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "140")
    state = State(tmp_path)
    state.finish("good " + HOSTILE)
    state.upload("planned " + HOSTILE)
    bad = state.upload("bad " + HOSTILE)
    from shared.flow import record

    record.fail(bad.id, Permanent(f"no {HOSTILE} left"), state.ports)
    message = {"messageId": "1", "data": "", "attributes": {"from": HOSTILE, "request_id": HOSTILE}}
    dead_letters.keep(message, state.ports, f"cannot read {HOSTILE}")
    yield state, bad
    state.ports.store.close()
    state.ports.records.close()


def shown(capfd, words, state, bad):
    """What a command writes to both of its outputs."""
    known = {
        "LETTER": "1", "URI": f"gs://audio/good {HOSTILE}", "RECORDING": bad.id, "ID": HOSTILE, "MISSING": HOSTILE,
        "INBOX": str(state.inbox),
    }  # fmt: skip
    capfd.readouterr()
    with pytest.raises(SystemExit):
        cli.app([known.get(word, word) for word in words.split()], standalone_mode=True)
    out, err = capfd.readouterr()
    return out + err
