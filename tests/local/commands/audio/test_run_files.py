"""One run of `transcribe` with its ways in and out, as a person or a script calls it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from local import cli
from local.backend import remembered
from local.backend.embedded_ports import open_ports
from shared.adapters.web import download
from shared.flow import upload
from shared.settings import Settings
from shared.state import documents, uploads
from tests.https_server import https_server, ok
from tests.speech import talk, write_media
from tests.world import replace_unnoticed

SAMPLE = Path(__file__).resolve().parents[4] / "samples" / "voice-note.opus"
TRUTH = SAMPLE.parent / "truth" / "voice-note.opus.txt"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DROPSCRIBE_STATE_DIR", str(tmp_path / "state"))
    shutil.copy(SAMPLE, tmp_path / "a.opus")
    shutil.copy(SAMPLE, tmp_path / "b.opus")
    (tmp_path / "bad.mp3").write_text("This is not sound. " * 100)
    return tmp_path


def call(*arguments, stdin=b""):
    command = ["transcribe", *map(str, arguments), "--model", "tiny"]
    return CliRunner().invoke(cli.app, command, input=stdin)


def test_standard_input_goes_to_standard_output(folder):
    result = call("-", "-o", "-", stdin=SAMPLE.read_bytes())
    assert result.exit_code == 0, result.stderr
    assert result.stdout.split() == TRUTH.read_text("utf-8").split()
    assert "done    stdin: 25.6 s" in result.stderr
    assert list((folder / "state" / "incoming").iterdir()) == []


def test_an_address_is_transcribed_under_its_name_and_known_in_the_next_run(folder, monkeypatch):
    with https_server(folder) as server:
        server.answers["/a/note.opus"] = ok(SAMPLE.read_bytes())
        monkeypatch.setattr(
            "local.commands.audio.sources.Download",
            lambda most_bytes: download.Download(most_bytes=most_bytes, **server.way),
        )
        for skipped in (False, True):
            result = call(server.url("/a/note.opus?sig=secret"), "--json")
            assert result.exit_code == 0, result.stderr
            (line,) = json.loads(result.stdout)
            assert line["file"] == "note.opus"
            assert line["skipped"] is skipped
            assert "secret" not in result.output
    assert (folder / "transcripts" / "note.opus" / "transcript.txt").exists()
    assert list((folder / "state" / "incoming").iterdir()) == []


def test_what_cannot_be_fetched_does_not_stop_the_others(folder):
    result = call("a.opus", "https://127.0.0.1/x.mp3", "gs://b/c.mp3", "--quiet")
    assert result.exit_code == 1
    assert "Skipped: 127.0.0.1 is not a public address." in result.stderr
    assert "Skipped: gs://b/c.mp3 is in a bucket." in result.stderr
    assert (folder / "transcripts" / "a.opus" / "transcript.txt").exists()


def test_what_could_not_be_read_is_an_object_of_the_json_too(folder):
    result = call("a.opus", "no.mp3", "https://127.0.0.1/x.mp3?sig=secret", "--jsonl", "--quiet")
    assert result.exit_code == 1
    lines = [json.loads(one) for one in result.stdout.splitlines()]
    assert [(one["file"], one["state"], one["code"], one["recording"] is None) for one in lines] == [
        ("no.mp3", "FAILED", "missing", True),
        ("https://127.0.0.1/x.mp3", "FAILED", "missing", True),
        ("a.opus", "DONE", None, False),
    ]
    assert "not a public address" in lines[1]["reason"]
    assert "secret" not in result.output


@pytest.mark.parametrize(
    ("argument", "code"),
    [("https://127.0.0.1/x.mp3", 2), ("gs://b/c.mp3", 2), ("https://nowhere.invalid/a.mp3", 69), ("no.mp3", 66)],
)  # fmt: skip
def test_alone_it_ends_with_the_exit_code_of_its_kind(folder, argument, code):
    result = call(argument)
    assert result.exit_code == code
    assert result.stdout == ""


def test_json_lines_come_one_for_each_file_with_the_paths_of_its_outputs(folder):
    result = call("a.opus", "bad.mp3", "b.opus", "--jsonl", "--quiet", "-f", "srt,csv")
    assert result.exit_code == 1
    lines = {one["file"]: one for one in map(json.loads, result.stdout.splitlines())}
    assert {name: one["state"] for name, one in lines.items()} == {
        "a.opus": "DONE", "b.opus": "DONE", "bad.mp3": "FAILED",
    }  # fmt: skip
    assert set(lines["a.opus"]["outputs"]) == {
        f"transcripts/a.opus/{name}" for name in ("transcript.srt", "words.csv", "paragraphs.csv")
    }
    assert all(Path(one).exists() for one in lines["a.opus"]["outputs"])
    assert lines["bad.mp3"]["outputs"] == []


def test_another_version_with_the_same_time_does_not_print_the_words_of_the_first(folder):
    assert call("a.opus", "-o", "-").exit_code == 0
    replace_unnoticed(folder / "a.opus", (SAMPLE.parent / "order-hotline.m4a").read_bytes())
    result = call("a.opus", "-o", "-")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "Give it a new time, e.g. with `touch`" in result.stderr
    (folder / "a.opus").touch()
    result = call("a.opus", "-o", "-")
    assert result.exit_code == 0
    assert result.stdout.split() != TRUTH.read_text("utf-8").split()


def test_a_file_from_before_1970_is_transcribed_once(folder):
    os.utime(folder / "a.opus", (-1, -1))
    for skipped in (False, True):
        result = call("a.opus", "--json")
        assert result.exit_code == 0, result.stderr
        assert [one["skipped"] for one in json.loads(result.stdout)] == [skipped]


def test_an_empty_file_that_is_called_like_a_folder_of_a_bucket_fails_like_any_other(folder):
    (folder / "a_$folder$").touch()
    result = call("a_$folder$", "a.opus", "--jsonl", "--quiet")
    assert result.exit_code == 1
    lines = {one["file"]: one for one in map(json.loads, result.stdout.splitlines())}
    assert (lines["a_$folder$"]["state"], lines["a_$folder$"]["code"]) == ("FAILED", "empty")
    assert lines["a.opus"]["state"] == "DONE"


def test_quiet_says_nothing_but_what_went_wrong(folder):
    assert call("a.opus", "--quiet").output == ""
    result = call("a.opus", "bad.mp3", "--quiet")
    assert result.stdout == ""
    assert result.stderr.startswith("failed  bad.mp3: This is text")
    assert len(result.stderr.splitlines()) == 1


def test_captions_are_beside_the_file(folder):
    result = call("a.opus", "--beside")
    assert result.exit_code == 0, result.stderr
    assert (folder / "a.srt").read_text().startswith("1\n00:00:")
    assert not (folder / "transcripts").exists()
    assert "Transcripts: beside each file (FILE.srt)" in result.stdout


def test_one_file_whose_outputs_cannot_be_written_does_not_stop_the_others(folder):
    (folder / "a.srt").write_text("mine")
    result = call("a.opus", "b.opus", "--beside", "--json")
    assert result.exit_code == 73
    lines = {one["file"]: one for one in json.loads(result.stdout)}
    assert lines["a.opus"]["outputs"] == []
    assert "a.srt is there already" in lines["a.opus"]["reason"]
    assert lines["b.opus"]["outputs"] == [str(folder / "b.srt")]
    assert (folder / "a.srt").read_text() == "mine"
    assert "done    a.opus" not in result.stderr


def test_a_folder_that_holds_the_file_is_an_output_folder_like_others(folder):
    result = call("a.opus", "-o", ".")
    assert result.exit_code == 0, result.stderr
    assert (folder / "a.opus.transcript" / "transcript.srt").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--beside", "-o", "x"], "--beside and --out are two places"),
        (["--json", "--jsonl"], "only one can have standard output"),
        (["-o", "-", "--json"], "only one can have standard output"),
        (["-o", "-", "-f", "srt,vtt"], "takes one file, not 2"),
        (["--name", "x"], "--name names what comes from standard input"),
        (["-f", "mp3"], "no format 'mp3'"),
    ],
)
def test_options_that_exclude_each_other_are_refused_before_any_work(folder, arguments, said):
    result = call("a.opus", *arguments)
    assert result.exit_code == 2
    assert said in result.stderr
    assert not (folder / "transcripts").exists()


def test_a_reader_that_goes_away_ends_the_run_without_a_traceback(folder):
    command = (
        f"{sys.executable} -m local.cli transcribe a.opus b.opus --model tiny --jsonl --quiet | head -c 1"
    )
    result = subprocess.run(command, shell=True, check=False, capture_output=True, text=True, timeout=60)
    assert result.stdout == "{"
    assert "Traceback" not in result.stderr
    assert call("a.opus", "b.opus", "--quiet").exit_code == 0


def test_a_stopped_run_removes_what_came_from_standard_input_and_goes_on_in_the_next(folder):
    speech, _ = talk(120, seed=6)
    write_media(folder / "long.wav", speech)
    environment = os.environ | {"CHUNK_DURATION_MINUTES": "0.1", "MAX_CONCURRENT_CHUNKS": "1"}
    command = [sys.executable, "-m", "local.cli", "transcribe", "-", "--model", "tiny"]
    with (folder / "long.wav").open("rb") as file:
        run = subprocess.Popen(command, env=environment, stdin=file, stderr=subprocess.PIPE, text=True)
    ports = open_ports(Settings(state_dir=folder / "state"))
    try:
        deadline = time.monotonic() + 60
        while ports.records.count(documents.CHUNKS) < 2:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        run.send_signal(signal.SIGINT)
        _, said = run.communicate(timeout=30)
        done = ports.records.count(documents.CHUNKS)
    finally:
        ports.close()
        run.kill()
    assert run.returncode == 130, said
    assert said.splitlines()[-1].startswith(
        "Stopped: 0 of 1 are done. Run the same command again to continue."
    )
    assert list((folder / "state" / "incoming").iterdir()) == []
    result = call("-", "--json", stdin=(folder / "long.wav").read_bytes())
    assert result.exit_code == 0, result.stderr
    assert done >= 2


def test_captions_of_another_shape_are_written_again_without_transcribing_again(folder):
    assert call("a.opus", "-q", "-f", "srt").exit_code == 0
    usual = (folder / "transcripts" / "a.opus" / "transcript.srt").read_text()
    result = call("a.opus", "-f", "srt", "-o", "-", "--caption-width", "20", "--caption-lines", "1")
    assert result.exit_code == 0, result.stderr
    assert "Already transcribed: 1 of 1" in result.stderr
    lines = [one for one in result.stdout.splitlines() if one and not one.isdigit() and "-->" not in one]
    assert max(map(len, lines)) <= 20 < max(map(len, usual.splitlines()))
    refused = call("a.opus", "--caption-lines", "9")
    assert refused.exit_code == 2
    assert "--caption-lines must be a whole number from 1 to 3" in refused.stderr


def test_a_file_that_up_has_taken_from_its_inbox_is_transcribed_once(folder):
    ports = open_ports(Settings(state_dir=folder / "state", model="tiny"))
    try:
        bucket = ports.settings.audio_bucket
        remembered.remember_defaults(ports.settings, ports.records)
        inbox = ports.store.folder_of(bucket)
        inbox.mkdir(parents=True, exist_ok=True)
        shutil.copy(SAMPLE, inbox / "a.opus")
        source = ports.store.stat(bucket, "a.opus")
        recording = upload.accept(source, uploads.fix(source, ports.records).options, ports)
        result = call(inbox / "a.opus", "--json")
        assert "a.opus is in the inbox of `dropscribe up`" in result.stderr
        assert result.exit_code == 0, result.stderr
        assert json.loads(result.stdout)[0]["recording"] == recording.id
        again = call(inbox / "a.opus", "-o", "-")
        assert again.stdout.split() == TRUTH.read_text("utf-8").split()
        assert [one.id for one in documents.recordings(ports.records)] == [recording.id]
        rows = [fields["recording"] for _, fields in ports.records.query(documents.LEDGER)]
        assert rows == [recording.id]
    finally:
        ports.close()
