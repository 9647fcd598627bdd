"""`dropscribe submit` as a person runs it."""

from __future__ import annotations

import fcntl
import json
import re

import pytest
from typer.testing import CliRunner

from local import cli
from local.backend.embedded_ports import open_ports
from local.commands.audio import inputs, submit
from local.runtime import submission
from local.runtime.events import pushed
from local.runtime.subscriptions import in_process
from shared.errors import BadRequest
from shared.flow import upload
from shared.messages import TranscriptReady, request_from_json
from shared.model import Options
from shared.routing import weights
from shared.settings import Settings
from shared.state import documents


@pytest.fixture
def state(tmp_path, monkeypatch):
    monkeypatch.setenv("DROPSCRIBE_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("PARAKEET_MODEL_NAME", "tiny")
    return tmp_path / "state"


@pytest.fixture
def run(state):
    return lambda *arguments: CliRunner().invoke(cli.app, ["submit", *map(str, arguments)])


def deliver(state):
    """What the router of a running deployment does."""
    ports = open_ports(Settings(state_dir=state))
    try:
        subscription = ports.queue.topology.subscription("requests")
        for one in ports.queue.pull("requests", 10, 60.0):
            in_process(ports)["requests"](pushed(subscription, one))
            ports.queue.ack("requests", one.lease)
    finally:
        ports.close()


def test_it_prints_the_id_of_the_request(run):
    result = run("gs://audio/talk.wav", "--request-id", "mine")
    assert result.stdout == "mine\n"


def test_options_go_with_the_request(run, state):
    run("gs://audio/talk.wav", "--diarize", "--label", "calls", "--language", "en")
    ports = open_ports(Settings(state_dir=state))
    [one] = ports.queue.pull("requests", 10, 60.0)
    ports.close()
    assert request_from_json(one.data).options == Options(diarize=True, label="calls", language="en")


def test_without_options_those_of_the_object_count(run, state):
    run("gs://audio/talk.wav")
    ports = open_ports(Settings(state_dir=state))
    [one] = ports.queue.pull("requests", 10, 60.0)
    ports.close()
    assert request_from_json(one.data).options is None


def test_it_says_that_nothing_runs_yet(run, state):
    result = run("gs://audio/talk.wav")
    assert result.exit_code == 69
    assert result.stderr == (
        f"Queued, but nothing is running that could transcribe it. Start `dropscribe up --state-dir {state}`.\n"
    )
    with (state / "up.lock").open("a+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        result = run("gs://audio/talk.wav")
        assert (result.exit_code, result.stderr) == (0, "")


def test_a_failure_is_shown_with_its_reason_and_exit_code_1(run, state):
    run("gs://audio/none.wav", "--request-id", "mine")
    deliver(state)
    result = run("gs://audio/none.wav", "--request-id", "mine", "--wait")
    assert result.exit_code == 1
    assert result.stdout.startswith("FAILED gs://audio/none.wav: There is nothing at gs://audio/none.wav.")


def test_the_answer_comes_as_json_where_asked_for(run, state, tmp_path):
    file = tmp_path / "empty file.wav"
    file.touch()
    run(file, "--request-id", "mine", "--metadata", "order=17", "--language", "de")
    deliver(state)
    arguments = ["--request-id", "mine", "--metadata", "order=17", "--language", "de", "--wait", "--json"]
    result = run(file, *arguments)
    answer = json.loads(result.stdout)
    assert (answer["state"], answer["code"]) == ("FAILED", "empty")
    assert answer["metadata"] == {"order": "17"}
    assert answer["source"] == f"file://{file}"


def test_waiting_is_given_up_after_its_time(run):
    result = run("gs://audio/talk.wav", "--wait", "--timeout", "0.1")
    assert result.exit_code == 75
    assert "it has not been received yet" in result.stderr


def test_who_waited_in_vain_is_told_how_to_wait_on_and_gets_the_answer(run, state):
    waited = run("gs://audio/gone.wav", "--wait", "--timeout", "0")
    again = re.search(r"with --request-id (\S+)\.$", waited.stderr.strip())[1]
    deliver(state)
    found = run("gs://audio/gone.wav", "--wait", "--timeout", "0", "--request-id", again)
    assert found.exit_code == 1
    assert "There is nothing at gs://audio/gone.wav" in found.stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["gs://audio/talk.wav", "--metadata", "order"], "name=value"),
        (["no such file.wav"], "There is no file"),
        (["https://example.com/talk.wav"], "`dropscribe transcribe https://example.com/talk.wav`"),
        (["-"], "`dropscribe transcribe -`"),
        (["ftp://example.com/talk.wav"], "not ftp://example.com/talk.wav. Download it and name the file."),
        (["gs://audio/talk.wav", "--timeout", "5"], "--timeout needs --wait."),
        (["gs://audio/talk.wav", "--language", "German!"], "language"),
    ],
)
def test_a_wrong_request_is_refused_with_what_is_wrong(run, arguments, says):
    result = run(*arguments)
    assert result.exit_code == (66 if "no such" in arguments[0] else 2)
    assert says in result.stderr


def test_values_of_metadata_may_hold_anything():
    assert submit.metadata_of(["a=b=c", "d="]) == {"a": "b=c", "d": ""}
    with pytest.raises(BadRequest, match="name=value"):
        submit.metadata_of(["a"])


def test_a_transcript_is_shown_with_the_paths_of_its_files(state):
    ports = open_ports(Settings(state_dir=state))
    try:
        answer = TranscriptReady(
            recording="x", source="file:///a.wav", state="DONE", reason="", duration=61.0, method="parakeet",
            outputs=("gs://transcripts/files/a.wav/1-x/transcript.txt",), usd=0.0,
        )  # fmt: skip
        first, path = submit._told(answer, ports).splitlines()
    finally:
        ports.close()
    assert first == "DONE file:///a.wav: 1 min 1 s by parakeet, $0"
    assert path == str(state / "buckets" / "transcripts" / "files" / "a.wav" / "1-x" / "transcript.txt")


def test_a_file_is_one_recording_whether_it_is_submitted_or_transcribed(run, state, tmp_path):
    (tmp_path / "talk.wav").write_bytes(b"RIFF")
    run(tmp_path / "talk.wav")
    deliver(state)
    ports = open_ports(Settings(state_dir=state))
    [recording] = documents.recordings(ports.records)
    wanted = weights.named(Options(), ports.settings)
    [found] = submission.look(inputs.collect([tmp_path / "talk.wav"]).files, wanted, ports)
    ports.close()
    assert (found.key, wanted.model) == (recording.id, recording.options.model)
    assert wanted.model is not None


def test_a_file_that_an_older_version_knows_without_its_weights_keeps_its_recording(run, state, tmp_path):
    (tmp_path / "talk.wav").write_bytes(b"RIFF")
    ports = open_ports(Settings(state_dir=state))
    before = upload.accept(ports.file(tmp_path / "talk.wav"), Options(), ports)
    run(tmp_path / "talk.wav")
    deliver(state)
    assert [one.id for one in documents.recordings(ports.records)] == [before.id]
    ports.close()


def test_weights_that_do_not_exist_are_refused_and_those_that_are_not_here_are_told(
    run, tmp_path, monkeypatch
):
    file = tmp_path / "talk.wav"
    file.write_bytes(b"x")
    refused = run(file, "--model", "nosuch")
    assert refused.exit_code == 69
    assert "There are no weights called 'nosuch'" in refused.stderr
    assert refused.stdout == ""
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "none"))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "none"))
    monkeypatch.setattr("gpu_job.weights.catalogue.Release.on_disk", lambda _: None)
    told = run(file, "--model", "nvidia/parakeet-tdt-0.6b-v3")
    assert re.search(
        r"parakeet-tdt-0\.6b-v3 are not on this machine yet: [\d.]+ GB are downloaded first, or now with `dropscribe "
        r"models pull nvidia/parakeet-tdt-0\.6b-v3`\.",
        told.stderr,
    )


def test_json_of_an_answer_has_paths_of_this_machine(run, state, tmp_path, monkeypatch):
    answer = TranscriptReady(
        recording="x", source="file:///a.wav", state="DONE", reason="", duration=61.0, method="parakeet",
        outputs=("gs://transcripts/files/a.wav/1-x/transcript.txt",), usd=0.0,
    )  # fmt: skip
    monkeypatch.setattr("shared.client.wait", lambda *_, **__: answer)
    file = tmp_path / "a.wav"
    file.write_bytes(b"x")
    result = run(file, "--wait", "--json")
    path = state / "buckets" / "transcripts" / "files" / "a.wav" / "1-x" / "transcript.txt"
    assert json.loads(result.stdout)["outputs"] == [str(path)]


def test_a_project_cannot_read_a_file_of_this_machine():
    with pytest.raises(BadRequest, match=r"gcloud storage cp 'a talk\.mp3' gs://BUCKET/"):
        submit.readable_uri("a talk.mp3", None)
    assert submit.readable_uri("gs://calls/a.mp3", None) == "gs://calls/a.mp3"


def test_quiet_says_nothing_but_what_went_wrong(run, state):
    queued = run("gs://audio/none.wav", "--request-id", "mine", "--quiet")
    assert (queued.exit_code, queued.stdout) == (69, "")
    assert queued.stderr.startswith("Queued, but nothing is running")
    deliver(state)
    with (state / "up.lock").open("a+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        again = run("gs://audio/none.wav", "--request-id", "mine", "-q")
        assert (again.exit_code, again.output) == (0, "")
        failed = run("gs://audio/none.wav", "--request-id", "mine", "--wait", "--quiet")
    assert (failed.exit_code, failed.stdout) == (1, "")
    assert failed.stderr.startswith("FAILED gs://audio/none.wav: There is nothing at")
