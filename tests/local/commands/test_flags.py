"""`dropscribe flags`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from shared.messages import to_fields
from shared.routing import conditions
from shared.routing.conditions import Conditions
from shared.routing.parakeet_share import Asked, ParakeetShare, Step
from shared.state import audit

SAMPLE = str(Path(__file__).resolve().parents[3] / "samples" / "status-meeting.mp3")


def test_flags_are_set_for_every_later_command_and_taken_away_again(call):
    assert call("flags", "TRANSCRIPTION_METHOD=deepgram").exit_code == 0
    assert "no Deepgram engine" in call("route", SAMPLE).output
    told = json.loads(call("flags", "--json", TRANSCRIPTION_METHOD="hybrid").output)["flags"]
    assert told["TRANSCRIPTION_METHOD"] == {"value": "deepgram", "flag": True}
    assert call("flags", "TRANSCRIPTION_METHOD=").exit_code == 0
    assert call("route", SAMPLE).exit_code == 0


def test_flags_show_where_each_value_comes_from(call):
    shown = call("flags", "ROLLOUT_PERCENT=50", ENABLE_FALLBACK="false").output
    rows = {line.split()[0]: line.split()[1:] for line in shown.splitlines() if line.strip()}
    assert rows["ROLLOUT_PERCENT"][:3] == ["50", "flag", "since"]
    assert rows["ENABLE_FALLBACK"] == ["false", "environment"]
    assert rows["COST_OPTIMIZATION"] == ["false", "default"]


@pytest.mark.parametrize(
    ("argument", "says"),
    [
        ("ROLLOUT_PERCENT", "ROLLOUT_PERCENT sets nothing: write NAME=VALUE"),
        ("ROLLOUT=50", "There is no flag ROLLOUT"),
        ("ROLLOUT_PERCENT=most", "ROLLOUT_PERCENT cannot be 'most': it must be a number"),
        ("ROLLOUT_PERCENT=500", "With this flag, "),
        ("ENABLE_FALLBACK=no", "ENABLE_FALLBACK cannot be 'no': it must be true or false"),
    ],
)
def test_a_wrong_flag_is_told_in_one_sentence_and_not_noted(call, ports, argument, says):
    told = call("flags", argument)
    assert told.exit_code == 2
    assert says in told.output
    assert list(audit.entries(ports.records)) == []


def test_a_rollout_that_was_set_back_is_shown_with_its_reason(call, ports):
    step = Step(time=1.0, percent=10.0, reason="set back from 100 % to 10 %: 9% failed")
    back = ParakeetShare(asked=Asked(percent=100.0, since=0.0), percent=10.0, since=1.0, history=(step,))
    ports.records.create(conditions.STATE, conditions.KEY, to_fields(Conditions(rollout=back)))
    assert "Parakeet gets 10 % of the recordings: set back from 100 % to 10 %" in call("flags").output
    assert json.loads(call("flags", "--json").output)["rollout"]["percent"] == 10.0
    assert "Parakeet gets" not in call("flags", "ROLLOUT_PERCENT=100").output
