"""`status`, `cost`, `doctor`, and how tables and progress look."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import pytest
from rich.console import Console
from typer.testing import CliRunner

from gpu_job.speech import loading
from local import cli
from local.backend.embedded_ports import open_ports
from local.commands import report
from local.commands.screen import Screen, printable
from local.runtime.events import object_resource
from shared.errors import BadMedia, EngineFailed, EngineLimit, StoreUnavailable
from shared.flow import chunk, dispatch, record, upload
from shared.messages import ChunkDone
from shared.model import Decision, Options, Recording, StoredObject
from shared.recovery import fallback
from shared.settings import Settings
from shared.state import dead_letters, failure_log
from tests.world import ScriptedMedia, heard


@pytest.fixture
def call(tmp_path, monkeypatch):
    monkeypatch.setenv("DROPSCRIBE_STATE_DIR", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "140")
    monkeypatch.delenv("PARAKEET_MODEL_NAME", raising=False)
    return lambda *arguments: CliRunner().invoke(cli.app, [*arguments])


class State:
    """The state that the commands will open, and the few moves that tests make in it."""

    def __init__(self, folder):
        self.settings = Settings(state_dir=folder, chunk_minutes=0.5, model="tiny")
        self.media = ScriptedMedia()
        self.ports = replace(open_ports(self.settings), media=self.media)
        self.inbox = self.ports.inbox
        self.inbox.mkdir(parents=True)

    def upload(self, name):
        (self.inbox / name).write_bytes(b"sound")
        return upload.on_upload(json.loads(object_resource(self.ports.store.stat("audio", name))), self.ports)

    def finish(self, name):
        recording = self.upload(name)
        for one in recording.chunks:
            chunk.commit_result(*heard(recording, one), self.ports)
        return record.on_chunk_done(ChunkDone(recording=recording.id, index=0), self.ports)


@pytest.fixture
def state(tmp_path):
    state = State(tmp_path)
    yield state
    state.ports.store.close()
    state.ports.records.close()


def test_status_of_nothing_says_what_to_try(call):
    assert "dropscribe demo" in call("status").stdout


def test_status_shows_done_and_failed_with_the_reason(call, state):
    state.finish("talk.wav")
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
    assert "0 of 2 chunks; Parakeet on this CPU: no other engine is set up" in call("status").stdout
    (told,) = json.loads(call("status", "--json").stdout)["recordings"]
    assert told["method"] == "parakeet"
    assert [one["method"] for one in told["considered"]] == ["parakeet", "hybrid", "deepgram"]
    assert told["considered"][1]["why_not"] == "Deepgram is not set up"


def test_status_shows_which_parts_went_to_another_engine(call, state):
    state.ports = replace(state.ports, engines=frozenset({"parakeet-cpu", "deepgram"}))
    recording = state.upload("talk.wav")
    assert "handed on" not in call("status").stdout
    for message in dispatch.missing(recording, state.ports)[:1]:
        fallback.hand_on(message, EngineLimit("It does not fit."), state.ports)
    assert "0 of 2 chunks, 1 handed on (deepgram);" in " ".join(call("status").stdout.split())
    (told,) = json.loads(call("status", "--json").stdout)["recordings"]
    assert told["chunks_handed_on"] == {"deepgram": 1}


def test_status_counts_failed_attempts_by_place_and_class_where_there_are_any(call, state):
    state.finish("talk.wav")
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
    assert "Dead letters (messages that could not be handled): 1. The newest:" in call("status").stdout
    assert ": no uri\n    {}\n" in call("status").stdout
    (told,) = json.loads(call("status", "--json").stdout)["newest_dead_letters"]
    assert told == {"time": 1e9, "where": "", "reason": "no uri", "message": "{}"}


def test_cost_sums_the_ledger_and_compares(call, state):
    state.finish("talk.wav")
    told = json.loads(call("cost", "--json").stdout)
    assert told["usd"] == pytest.approx(0.002)
    assert told["attempts"] == 2
    assert told["deepgram_usd"] == pytest.approx(0.0043)
    assert "$0.0043" in call("cost").stdout


def test_doctor_says_what_can_run_here(call):
    result = call("doctor", "--json")
    found = {one["what"]: one for one in json.loads(result.stdout)}
    assert result.exit_code == 0
    assert found["weights tiny"]["state"] == "ok"
    default = next(one for what, one in found.items() if "the default for your files" in what)
    assert (default["state"], bool(default["fix"])) in {("ok", False), ("download", True)}
    assert "the default for your files" in next(what for what in found if "0.6b-v3" in what)
    assert "weights tiny" in call("doctor").stdout


def test_doctor_says_whether_there_is_deepgram_and_never_shows_the_key(call, monkeypatch):
    assert "no key" in call("doctor").stdout
    monkeypatch.setenv("DEEPGRAM_API_KEY", "s3cret")
    told = call("doctor", "--json").stdout
    [finding] = [one for one in json.loads(told) if one["what"] == "Deepgram"]
    assert (finding["state"], finding["found"]) == (
        "ok",
        "a key is set (not tested), for https://api.deepgram.com",
    )
    assert "s3cret" not in told
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    assert "dropscribe[deepgram]" in call("doctor", "--json").stdout


@pytest.fixture
def gpu(monkeypatch):
    """A machine with a GPU; gives a way to say whether NeMo is installed."""
    monkeypatch.setenv("DROPSCRIBE_ENGINES", "")
    monkeypatch.setattr(loading, "has_gpu", lambda: True)
    monkeypatch.setattr(loading, "_has_nemo", lambda: True)
    return lambda there: monkeypatch.setattr(loading, "_has_nemo", lambda: there)


def test_doctor_shows_the_weights_that_a_gpu_takes_where_there_is_one(call, gpu):
    found = {one["what"]: one for one in json.loads(call("doctor", "--json").stdout)}
    assert (found["GPU"]["state"], found["weights tiny for the GPU"]["state"]) == ("ok", "ok")
    default = found["weights nvidia/parakeet-tdt-0.6b-v3 for the GPU, the default for your files"]
    assert default["state"] == "ok" or "models pull nvidia/parakeet-tdt-0.6b-v3 --nemo" in default["fix"]


def test_doctor_says_how_to_use_a_gpu_that_nothing_is_installed_for(call, gpu):
    gpu(False)
    found = {one["what"]: one for one in json.loads(call("doctor", "--json").stdout)}
    assert found["GPU"]["state"] == "optional"
    assert "pip install 'dropscribe[nemo]'" in found["GPU"]["fix"]
    assert "weights tiny" in found


def test_a_gpu_that_is_there_is_counted_on_unless_somebody_names_the_engines(call, gpu, state, monkeypatch):
    state.upload("talk.wav")
    sample = str(state.inbox / "talk.wav")
    monkeypatch.setattr("shared.flow.probe.look_at", lambda *_: state.media.info)
    assert "Parakeet on a GPU: no other engine" in call("route", sample).stdout
    monkeypatch.setenv("DROPSCRIBE_ENGINES", "parakeet-cpu")
    assert "Parakeet on this CPU: no other engine" in call("route", sample).stdout


def test_doctor_finds_wrong_settings(call, monkeypatch):
    monkeypatch.setenv("GPU_BATCH_SIZE", "none")
    result = call("doctor")
    assert result.exit_code == 1
    assert "GPU_BATCH_SIZE" in result.stdout


def test_a_wrong_setting_stops_any_command_in_one_sentence(call, monkeypatch):
    monkeypatch.setenv("CHUNK_DURATION_MINUTES", "0")
    result = call("status")
    assert result.exit_code == 2
    assert "CHUNK_DURATION_MINUTES" in result.stderr
    assert "Traceback" not in result.stderr


def line(name, state="DONE"):
    source = StoredObject(bucket="files", name=name, generation=1, size=1)
    decision = Decision(method="parakeet", engine="parakeet-cpu", model="tiny", reason="because")
    recording = Recording(
        id=name, source=source, options=Options(), state=state, created=0.0, decision=decision, duration=60.0, words=9,
        reason="It is empty." if state == "FAILED" else "",
    )  # fmt: skip
    return report.Line(
        file=name, recording=recording, usd=0.01, reference_usd=0.0043, busy_seconds=0.5, folder=None
    )


def drawn(lines, width):
    console = Console(file=io.StringIO(), width=width)
    console.print(report.table(lines, width))
    return console.file.getvalue()


def test_names_are_shown_as_they_are():
    assert "[bold]x[/bold].mp3" in drawn([line("[bold]x[/bold].mp3")], 120)


def test_a_failed_recording_shows_its_reason_below_the_table_or_in_its_line():
    failed = line("x.mp3", "FAILED")
    assert "FAILED" in drawn([failed], 140)
    assert report.notes([failed, line("y.mp3")])[1:] == ["FAILED x.mp3: It is empty."]
    assert report.plain(failed) == "x.mp3: FAILED: It is empty."


def test_the_reason_for_a_method_is_said_once():
    assert report.notes([line("a.mp3"), line("b.mp3")]) == ["parakeet: because (2 files)"]


def test_elsewhere_than_on_a_terminal_a_recording_is_one_line():
    assert report.plain(line("a.mp3")) == (
        "a.mp3: 1 min, 9 words, 120× real time, $0.01 (Deepgram $0.0043), parakeet (because), in "
    )


@pytest.mark.parametrize(
    ("name", "shown"),
    [("talk.mp3", "talk.mp3"), ("é 😀.mp3", "é 😀.mp3"), ("a\x1b[31mb\n.mp3", r"a\x1b[31mb\n.mp3")],
)
def test_names_cannot_move_the_cursor(name, shown):
    assert printable(name) == shown


@pytest.mark.parametrize("width", [80, 100, 140])
def test_the_table_fits_the_terminal(width):
    shown = drawn([line("a" * 60 + ".mp3"), line("b.mp3"), line("c.mp3", "FAILED")], width)
    assert all(len(one) <= width for one in shown.splitlines())
    assert "2 of 3 files" in shown


def test_of_very_many_only_the_failed_ones_are_listed():
    shown = drawn([line(f"{n}.mp3") for n in range(100)] + [line("bad.mp3", "FAILED")], 120)
    assert "bad.mp3" in shown
    assert "57.mp3" not in shown
    assert "100 of 101 files" in shown


@pytest.mark.parametrize("terminal", [True, False])
def test_progress_is_bars_on_a_terminal_and_lines_elsewhere(terminal):
    console = Console(file=io.StringIO(), force_terminal=terminal, width=100)
    recording = replace(line("r").recording, warnings=("the audio stops at 3.0 s",))
    with Screen(console, {"r": "talk [x].mp3", "s": "[/b]bad.mp3"}) as screen:
        screen.planned("r", 60.0)
        screen.heard("r", 30.0)
        screen.heard("s", 1.0)
        screen.ended(recording)
        screen.ended(replace(recording, id="s", state="FAILED", reason="It is [not] sound."))
    shown = console.file.getvalue()
    assert "[/b]bad.mp3: It is [not] sound." in shown
    assert "talk [x].mp3: the audio stops at 3.0 s" in shown
    assert ("done    talk [x].mp3: 1 min, 9 words" in shown) is not terminal
    assert ("\x1b[" in shown) is terminal
