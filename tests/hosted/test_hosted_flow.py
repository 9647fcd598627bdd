"""From a file to its captions by Deepgram, on one machine, against a server that answers as Deepgram does."""

from __future__ import annotations

import io
import json
import shutil
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest
from typer.testing import CliRunner

from local import cli
from local.backend.embedded_ports import open_ports
from shared.settings import Settings
from shared.state import documents
from shared.topology import Topology
from tests.deepgram_server import KEY, Reply, deepgram_server, refused, word
from tests.local.commands.audio.test_up import Deployment
from tests.speech import write_wav

SAMPLES = Path(__file__).resolve().parents[2] / "samples"


@pytest.fixture
def server(monkeypatch):
    with deepgram_server() as running:
        monkeypatch.setenv("DROPSCRIBE_DEEPGRAM_URL", running.url)
        monkeypatch.setenv("DEEPGRAM_API_KEY", KEY)
        yield running


@pytest.fixture
def transcribe(tmp_path, monkeypatch):
    """Calls `dropscribe transcribe --method deepgram`; gives the exit code and what it says of the file."""
    monkeypatch.setenv("DROPSCRIBE_STATE_DIR", str(tmp_path / "state"))

    def call(path, *more):
        command = ["transcribe", str(path), "--method", "deepgram", "--out", str(tmp_path / "out"), "--json"]
        result = CliRunner().invoke(cli.app, [*command, *more])
        [line] = json.loads(result.stdout)
        return result.exit_code, line

    return call


def rows(state):
    ports = open_ports(Settings(state_dir=state))
    found = [fields for _, fields in ports.records.query(documents.LEDGER)]
    ports.close()
    return found


def test_a_file_gets_the_words_that_deepgram_heard_and_costs_what_it_asks(server, transcribe, tmp_path):
    code, line = transcribe(SAMPLES / "voice-note.opus")
    assert (code, line["state"], line["method"]) == (0, "DONE", "deepgram")
    captions = (tmp_path / "out" / "voice-note.opus" / "transcript.srt").read_text()
    assert "00:00:00,100 --> " in captions
    assert "Word0 Word1 Word2" in captions
    assert f"Word{line['words'] - 1}" in captions
    [asked] = server.asked
    [row] = rows(tmp_path / "state")
    assert asked.query["tag"] == [f"{row['recording']}.00000"]
    assert row["billed_seconds"] == pytest.approx(server.charged)
    assert line["usd"] == pytest.approx(server.charged / 60 * 0.0077, abs=1e-6)
    part = json.loads((tmp_path / "out" / "voice-note.opus" / "transcript.json").read_text())["parts"][0]
    assert (part["engine"], part["model"]) == ("deepgram", "nova-3")


def numbered(path, seconds):
    """A recording whose every second can be told from its samples."""
    write_wav(path, np.repeat(np.arange(1, seconds + 1, dtype=np.int16) * 50, 16_000))


def hear_numbers(body):
    """A word for each whole second of such a recording, where it is in the stretch that was sent."""
    with av.open(io.BytesIO(body)) as container:
        samples = np.concatenate([frame.to_ndarray().ravel() for frame in container.decode(audio=0)])
    numbers, first, counts = np.unique(samples, return_index=True, return_counts=True)
    return [
        word(f"second{number // 50}", at / 16_000 + 0.1, at / 16_000 + 0.9)
        for number, at, count in zip(numbers.tolist(), first.tolist(), counts.tolist(), strict=True)
        if number % 50 == 0 and count == 16_000
    ]


def test_chunks_of_one_recording_are_joined_with_each_word_once_and_in_its_place(
    server, transcribe, tmp_path, monkeypatch
):
    monkeypatch.setenv("CHUNK_DURATION_MINUTES", "0.75")
    numbered(tmp_path / "numbers.wav", 150)
    server.heard = hear_numbers
    code, line = transcribe(tmp_path / "numbers.wav")
    assert code == 0
    assert len(server.asked) == 4
    document = json.loads((tmp_path / "out" / "numbers.wav" / "transcript.json").read_text())
    assert [one["text"] for one in document["words"]] == [f"second{n}" for n in range(1, 151)]
    assert [one["start"] for one in document["words"]] == pytest.approx(
        [n + 0.1 for n in range(150)], abs=0.002
    )
    # Overlap is paid for as well, and the account says so.
    assert server.charged > 150.0
    assert line["usd"] == pytest.approx(server.charged / 60 * 0.0077, abs=1e-6)


def test_what_a_person_asks_for_reaches_deepgram(server, transcribe):
    transcribe(
        SAMPLES / "voice-note.opus", "--language", "en", "--keyterms", "Dropscribe, Anna", "--filler-words"
    )
    [asked] = server.asked
    assert asked.query["keyterm"] == ["Dropscribe", "Anna"]
    assert (asked.query["language"], asked.query["filler_words"]) == (["en"], ["true"])
    assert "detect_language" not in asked.query


def talk(_body):
    said = [("Who", 0), ("is", 0), ("there?", 0), ("It", 3), ("is", 3), ("me.", 3), ("Oh.", 0)]
    return [word(text, i / 2, i / 2 + 0.4, speaker=speaker) for i, (text, speaker) in enumerate(said)]


def test_a_recording_with_speakers_goes_to_deepgram_and_every_file_says_who_spoke(
    server, tmp_path, monkeypatch
):
    monkeypatch.setenv("DROPSCRIBE_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("CHUNK_DURATION_MINUTES", "0.1")
    server.heard = talk
    command = [
        "transcribe",
        str(SAMPLES / "voice-note.opus"),
        "--out",
        str(tmp_path),
        "--diarize",
        "--json",
        "--method",
        "deepgram",
    ]
    result = CliRunner().invoke(cli.app, [*command, "--label", "calls"])
    [line] = json.loads(result.stdout)
    assert (result.exit_code, line["method"]) == (0, "deepgram")
    [asked] = server.asked  # in one piece, whatever the length of chunks
    assert asked.query["diarize_model"] == ["latest"]
    [row] = rows(tmp_path / "state")
    assert row["label"] == "calls"
    folder = tmp_path / "voice-note.opus"
    turns = ["Speaker 1: Who is there?", "Speaker 2: It is me.", "Speaker 1: Oh."]
    assert (folder / "transcript.txt").read_text().split("\n\n") == [*turns[:2], turns[2] + "\n"]
    assert [
        line for line in (folder / "transcript.srt").read_text().splitlines() if "Speaker" in line
    ] == turns
    assert "<v Speaker 2>It is me." in (folder / "transcript.vtt").read_text()
    assert (folder / "words.csv").read_text().splitlines()[4] == "1.500,1.900,It,2"
    document = json.loads((folder / "transcript.json").read_text())
    assert [one["speaker"] for one in document["paragraphs"]] == [1, 2, 1]


def test_speakers_are_part_of_the_key_of_a_recording(server, transcribe):
    server.heard = talk
    keys = {transcribe(SAMPLES / "voice-note.opus", *more)[1]["recording"] for more in ([], ["--diarize"])}
    assert len(keys) == 2
    assert len(server.asked) == 2


def test_speakers_with_a_hybrid_are_refused_before_anything_begins(server, tmp_path, monkeypatch):
    monkeypatch.setenv("DROPSCRIBE_STATE_DIR", str(tmp_path / "state"))
    sample = str(SAMPLES / "voice-note.opus")
    result = CliRunner().invoke(
        cli.app, ["transcribe", sample, "--out", str(tmp_path), "--diarize", "--method", "hybrid"]
    )
    assert result.exit_code == 2
    assert "one engine tells the speakers of a recording apart" in " ".join(result.stderr.split())
    assert rows(tmp_path / "state") == []


def test_a_bad_key_ends_a_run_at_once_with_what_to_do(server, transcribe, monkeypatch):
    monkeypatch.setenv("DEEPGRAM_API_KEY", "another")
    code, line = transcribe(SAMPLES / "voice-note.opus")
    assert (code, line["state"]) == (1, "FAILED")
    assert "set one from https://console.deepgram.com" in line["reason"]
    monkeypatch.setenv("DEEPGRAM_API_KEY", KEY)
    assert transcribe(SAMPLES / "voice-note.opus")[0] == 0


@pytest.fixture
def _short_back_off(monkeypatch):
    hurried = Topology.hurried

    def quick(topology):
        short = [replace(one, min_backoff=0.05, max_backoff=0.05) for one in hurried(topology).subscriptions]
        return replace(topology, subscriptions=tuple(short))

    monkeypatch.setattr(Topology, "hurried", quick)


@pytest.mark.usefixtures("_short_back_off")
def test_a_lost_answer_is_asked_for_again_and_both_are_in_the_ledger(server, transcribe, tmp_path):
    server.replies = [Reply(cut=True)]
    code, _ = transcribe(SAMPLES / "voice-note.opus")
    assert code == 0
    assert sorted(row["outcome"] for row in rows(tmp_path / "state")) == ["heard", "lost"]


def test_a_computer_without_connection_is_told_so_within_a_minute(server, transcribe, monkeypatch):
    monkeypatch.setenv("DROPSCRIBE_DEEPGRAM_URL", "http://127.0.0.1:9")
    monkeypatch.setattr("shared.adapters.engines.deepgram.SHORTEST_PAUSE", 0.01)
    monkeypatch.setattr("local.runtime.subscriptions.OFFLINE_TRIES", 1)
    code, line = transcribe(SAMPLES / "voice-note.opus")
    assert (code, line["state"]) == (1, "FAILED")
    assert "No connection to Deepgram" in line["reason"]


def test_bad_audio_ends_as_failed_with_what_deepgram_says(server, transcribe):
    said = "failed to process audio: corrupt or unsupported data"
    server.replies = [refused(400, "Bad Request", said)]
    code, line = transcribe(SAMPLES / "voice-note.opus")
    assert (code, line["state"]) == (1, "FAILED")
    assert said in line["reason"]


def test_a_file_dropped_into_the_inbox_goes_to_deepgram_as_it_was_asked_for(server, tmp_path):
    server.heard = talk
    deployment = Deployment(tmp_path)
    with deployment.up("--method", "deepgram", "--diarize", "--keyterms", "Anna, Dropscribe"):
        shutil.copy(SAMPLES / "voice-note.opus", deployment.inbox)
        deployment.wait((deployment.out / "voice-note.opus" / "transcript.srt").is_file)
    [recording] = deployment.recordings()
    deployment.close()
    assert recording.decision.method == "deepgram"
    assert "Speaker 2: It is me." in (deployment.out / "voice-note.opus" / "transcript.srt").read_text()
    assert KEY not in deployment.said.read_text()
    [asked] = server.asked
    assert (asked.query["diarize_model"], asked.query["keyterm"]) == (["latest"], ["Anna", "Dropscribe"])
