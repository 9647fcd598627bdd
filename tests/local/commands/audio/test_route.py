"""`dropscribe route`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from local import cli
from shared.in_words import human_size
from shared.state import documents
from tests.audio.media import make

UNTOLD = "frag_keyframe+empty_moov+default_base_moof"
"""Nothing in the file says how long it is, neither its header nor its end."""
SAMPLE = str(Path(__file__).resolve().parents[4] / "samples" / "status-meeting.mp3")


def test_route_tells_the_decision_and_transcribes_nothing(call, ports):
    told = call("route", SAMPLE)
    assert told.exit_code == 0
    assert "parakeet, 1 chunk: Parakeet on this CPU: no other engine is set up" in told.output
    assert "Deepgram is not set up" in told.output
    assert not list(documents.recordings(ports.records))


def test_a_file_that_does_not_say_how_long_it_is_is_routed_by_its_size_and_the_reason_says_so(call, tmp_path):
    file = tmp_path / "live.mp4"
    file.write_bytes(make("mp4", "flac", seconds=30.0, muxing={"movflags": UNTOLD}))
    by_size = {"DEEPGRAM_API_KEY": "x", "DROPSCRIBE_SMALL_FILE_MB": "0.001"}
    small = json.loads(call("route", str(file), "--json", DEEPGRAM_API_KEY="x").output)
    large = json.loads(call("route", str(file), "--json", **by_size).output)
    assert small["audio"]["duration"] is None
    size = human_size(file.stat().st_size)
    said = "no GPU is set up"
    assert (
        small["reason"]
        == f"its length is unknown, and {size} is under 50 MB, and {said}: Parakeet on this CPU"
    )
    assert (
        large["reason"]
        == f"its length is unknown, and {size} is between 0.001 MB and 200 MB, and {said}: Deepgram"
    )
    told = call("route", str(file), DEEPGRAM_API_KEY="x").output
    assert f"live.mp4: unknown length, flac, {size}" in told


def test_route_counts_what_keyterms_add_to_the_price(call):
    def usd(*more):
        told = json.loads(
            call("route", SAMPLE, "--method", "deepgram", "--json", *more, DEEPGRAM_API_KEY="x").output
        )
        return told["considered"][0]["usd"]

    assert usd("--keyterms", "Anna Karenina") / usd() == pytest.approx((0.0077 + 0.0013) / 0.0077)


def test_route_shows_the_losing_methods_with_their_scores(call):
    told = call(
        "route", SAMPLE, "--json", DEEPGRAM_API_KEY="x", COST_OPTIMIZATION="true", COST_THRESHOLD_PER_HOUR="1"
    )
    decision = json.loads(told.output)
    assert decision["method"] == "parakeet"
    assert decision["reason"].startswith("lowest cost with waiting at $0.01 a minute: parakeet $0 and ")
    deepgram = next(one for one in decision["considered"] if one["method"] == "deepgram")
    assert deepgram["usd"] == pytest.approx(0.0171, abs=0.0001)
    assert deepgram["why_not"].startswith("scores $")


def test_route_says_what_a_method_lacks(call):
    told = call("route", SAMPLE, "--method", "deepgram")
    assert told.exit_code == 2
    assert "set DEEPGRAM_API_KEY" in told.output


def test_route_says_what_becomes_of_speakers(call):
    told = call("route", SAMPLE, "--diarize", DEEPGRAM_API_KEY="x")
    assert "parakeet, 1 chunk" in told.output
    assert "deepgram" in told.output


def test_route_of_a_file_that_is_not_there_says_so(call):
    told = call("route", "nothing.mp3")
    assert told.exit_code == 66
    assert "There is no file nothing.mp3" in told.output


def test_a_folder_is_not_routed_but_told_apart(call, tmp_path):
    told = call("route", str(tmp_path))
    assert told.exit_code == 2
    assert "is a folder" in " ".join(told.output.split())


def test_route_takes_standard_input_and_leaves_nothing_of_it(tmp_path, monkeypatch):
    monkeypatch.setenv("DROPSCRIBE_STATE_DIR", str(tmp_path))
    told = CliRunner().invoke(cli.app, ["route", "-"], input=Path(SAMPLE).read_bytes())
    assert told.exit_code == 0, told.stderr
    assert told.stdout.startswith("stdin: 2 min 13 s, mp3")
    assert list((tmp_path / "incoming").iterdir()) == []


def test_route_says_which_weights_would_have_to_be_downloaded(call, monkeypatch):
    monkeypatch.setattr("gpu_job.weights.catalogue.Release.on_disk", lambda _: None)
    told = call("route", SAMPLE)
    assert "nvidia/parakeet-tdt-0.6b-v3 are not on this machine yet" in told.stderr
    monkeypatch.setenv("PARAKEET_ENGLISH_MODEL", "nvidia/parakeet-tdt-0.6b-v2")
    told = call("route", SAMPLE, "--language", "en")
    assert "nvidia/parakeet-tdt-0.6b-v2 are not on this machine yet" in told.stderr
    told = call("route", SAMPLE, "--language", "ja", DEEPGRAM_API_KEY="x")
    assert (told.exit_code, told.stderr) == (0, ""), "Deepgram needs none"


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("https://127.0.0.1/a.mp3", "not a public address"),
        ("gs://calls/a.mp3", "Set DROPSCRIBE_PLATFORM=google"),
        ("s3://calls/a.mp3", "s3:// is not supported"),
    ],
)
def test_route_says_what_to_do_with_what_it_cannot_read(call, place, said):
    told = call("route", place)
    assert told.exit_code == 2
    assert said in told.stderr
