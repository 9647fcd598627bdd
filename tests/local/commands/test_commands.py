"""`status`, `cost` and `route` on the same state, and what stops any command."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from gpu_job import loading
from local import cli
from shared.engines import methods
from shared.errors import BadMedia, EngineFailed, EngineLimit, StoreUnavailable
from shared.flow import dispatch
from shared.recovery import fallback
from shared.state import dead_letters, failure_log
from tests.local.commands.conftest import Deployment


@pytest.fixture
def call(tmp_path, monkeypatch):
    monkeypatch.setenv("DROPSCRIBE_STATE_DIR", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "140")
    monkeypatch.delenv("PARAKEET_MODEL_NAME", raising=False)
    return lambda *arguments: CliRunner().invoke(cli.app, [*arguments])


@pytest.fixture
def state(tmp_path):
    state = Deployment(tmp_path)
    yield state
    state.close()


def test_status_of_nothing_says_what_to_try(call):
    assert "dropscribe demo" in call("status").stdout


def test_status_shows_done_and_failed_with_the_reason(call, state):
    state.done("talk.wav")
    state.media.error = BadMedia("no-audio", "There is no audio track in this video.")
    state.upload("mute.mp4")
    shown = call("status").stdout
    assert "1 done, 1 failed" in shown
    assert "6 words by parakeet (demo model)" in shown
    assert "There is no audio track in this video." in " ".join(shown.split())
    told = json.loads(call("status", "--json").stdout)
    assert told["states"] == {"DONE": 1, "FAILED": 1}
    assert told["messages_waiting"]["router"] == 0


def test_status_shows_why_a_method_was_chosen_and_which_were_not(call, state):
    state.upload("talk.wav")
    assert "0 of 2 parts; Parakeet on this CPU: no other engine is set up" in call("status").stdout
    (told,) = json.loads(call("status", "--json").stdout)["recordings"]
    assert told["method"] == "parakeet"
    assert [one["method"] for one in told["considered"]] == methods()
    why_not = {one["method"]: one["why_not"] for one in told["considered"]}
    assert why_not["deepgram"] == why_not["hybrid"] == "Deepgram is not set up"


def test_status_shows_which_parts_went_to_another_engine(call, state):
    state.ports = replace(state.ports, engines=frozenset({"parakeet-cpu", "deepgram"}))
    recording = state.upload("talk.wav")
    assert "handed over" not in call("status").stdout
    for message in dispatch.missing(recording, state.ports)[:1]:
        fallback.hand_over(message, EngineLimit("It does not fit."), state.ports)
    assert "0 of 2 parts, 1 handed over (deepgram);" in " ".join(call("status").stdout.split())
    (told,) = json.loads(call("status", "--json").stdout)["recordings"]
    assert told["chunks_handed_on"] == {"deepgram": 1}


def test_status_counts_failed_attempts_by_place_and_class_where_there_are_any(call, state):
    state.done("talk.wav")
    assert "Failed attempts" not in call("status").stdout
    assert json.loads(call("status", "--json").stdout)["failed_attempts"] == {}
    slow, broken = EngineFailed("timeout", "No answer in time."), StoreUnavailable("The disk is full.")
    noted = [("deepgram", slow), ("deepgram", broken), ("deepgram", slow), ("merger", broken)]
    for number, (where, error) in enumerate(noted):
        failure_log.note(error, state.ports, where=where, message_id=str(number), attributes={})
    shown = " ".join(call("status").stdout.split())
    assert (
        "including those that a retry made good: merger 1 StoreUnavailable; deepgram 2 EngineFailed, 1 StoreUnavailable."
        in shown
    )
    told = json.loads(call("status", "--json").stdout)["failed_attempts"]
    assert told == {"deepgram": {"EngineFailed": 2, "StoreUnavailable": 1}, "merger": {"StoreUnavailable": 1}}


def test_status_shows_the_newest_dead_letters_with_their_reasons(call, state):
    state.ports.records.create(
        dead_letters.DEAD_LETTERS,
        "m",
        {"time": 1e9, "attributes": {dead_letters.ERROR: "no uri"}, "data": "{}"},
    )
    assert (
        "Dead letters (messages that could not be handled): 1. See `dropscribe dead-letters`. The newest:"
        in call("status").stdout
    )
    assert ": no uri\n    {}\n" in call("status").stdout
    (told,) = json.loads(call("status", "--json").stdout)["newest_dead_letters"]
    assert told == {"time": 1e9, "where": "", "reason": "no uri", "message": "{}"}


def test_cost_sums_the_ledger_and_compares(call, state):
    state.done("talk.wav")
    told = json.loads(call("cost", "--json").stdout)
    assert told["usd"] == pytest.approx(0.002)
    assert told["attempts"] == 2
    assert told["deepgram_usd"] == pytest.approx(0.0043)
    assert "$0.0043" in call("cost").stdout


@pytest.fixture
def gpu(monkeypatch):
    """A machine with a GPU and what it takes to use it."""
    monkeypatch.setenv("DROPSCRIBE_ENGINES", "")
    monkeypatch.setattr(loading, "has_gpu", lambda: True)
    monkeypatch.setattr(loading, "_has_nemo", lambda: True)


def test_a_gpu_that_is_there_is_counted_on_unless_somebody_names_the_engines(call, gpu, state, monkeypatch):
    state.upload("talk.wav")
    sample = str(state.ports.inbox / "talk.wav")
    monkeypatch.setattr("shared.flow.probe.look_at", lambda *_: state.media.info)
    assert "Parakeet on a GPU: no other engine" in call("route", sample).stdout
    monkeypatch.setenv("DROPSCRIBE_ENGINES", "parakeet-cpu")
    assert "Parakeet on this CPU: no other engine" in call("route", sample).stdout


def test_a_wrong_setting_stops_any_command_in_one_sentence(call, monkeypatch):
    monkeypatch.setenv("CHUNK_DURATION_MINUTES", "0")
    result = call("status")
    assert result.exit_code == 78
    assert "CHUNK_DURATION_MINUTES" in result.stderr
    assert "Traceback" not in result.stderr
