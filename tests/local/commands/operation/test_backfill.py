"""`dropscribe backfill` as a person runs it."""

from __future__ import annotations

import json
import wave

import pytest

from local import exit_codes
from local.commands.operation import backfill
from shared.errors import BadRequest
from shared.state import documents, uploads
from tests.world import replace_unnoticed

pytestmark = pytest.mark.usefixtures("up_runs")


def silence(path):
    """Three seconds of it."""
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes(bytes(96_000))


@pytest.fixture
def archive(deployment):
    """Objects in a bucket, one of which has its recording, and one of which is a text."""
    deployment.upload("new.wav")
    deployment.drain("cpu-worker")
    folder = deployment.ports.inbox / "old"
    folder.mkdir()
    for name in ("a.wav", "b.wav"):
        silence(folder / name)
    (folder / "notes.txt").write_text("not a sound")
    return deployment


def recordings(deployment):
    return {one.source.name for one in documents.recordings(deployment.ports.records)}


def test_it_says_how_much_there_is_and_asks_for_what_has_no_recording(archive, call):
    result = call("backfill", "gs://audio/", "--yes")
    assert result.exit_code == 0, result.stderr
    assert result.stdout == "Requested 2 transcripts. Follow with `dropscribe status`.\n"
    assert "2 objects without a recording, 192 kB (1 with one, 1 that are not media)." in result.stderr
    assert "Length: about 6.0 s. Expected cost: $0. Both are from probes of 2 of them." in result.stderr
    assert archive.route() == 2
    assert recordings(archive) == {"new.wav", "old/a.wav", "old/b.wav"}


def test_another_version_with_the_same_time_is_skipped_with_a_line_that_says_so(archive, call):
    replace_unnoticed(archive.ports.inbox / "new.wav", b"another, longer sound")
    result = call("backfill", "gs://audio/", "--yes")
    assert result.exit_code == 0, result.stderr
    assert "Skipping gs://audio/new.wav: new.wav has 21 bytes" in result.stderr
    assert "(1 that are not media)" not in result.stderr
    assert archive.route() == 2


def test_a_damaged_recording_is_skipped_with_a_line_that_says_so(archive, call):
    live = archive.ports.store.stat("audio", "old/a.wav")
    archive.ports.records.create(documents.RECORDINGS, uploads.key_of(live), {"state": 3})
    result = call("backfill", "gs://audio/", "--yes")
    assert result.exit_code == 0, result.stderr
    assert "Skipping gs://audio/old/a.wav: " in result.stderr
    assert archive.route() == 1


def test_a_second_run_has_nothing_to_do(archive, call):
    call("backfill", "gs://audio/old", "--yes")
    archive.route()
    result = call("backfill", "gs://audio/old", "--yes")
    assert (result.exit_code, result.stdout) == (
        0,
        "Nothing to do: 2 objects with a recording, 1 that are not media.\n",
    )
    assert archive.route() == 0


def test_it_can_be_stopped_and_repeated(archive, call, monkeypatch):
    ask, asked = backfill.backfill.ask, []

    def stopped(*arguments):
        if asked:
            raise KeyboardInterrupt
        asked.append(ask(*arguments))

    with monkeypatch.context() as patch:
        patch.setattr(backfill.backfill, "ask", stopped)
        result = call("backfill", "gs://audio/old", "--yes")
    assert result.exit_code == exit_codes.STOPPED
    assert "Stopped after 1 of 2. Run it again to continue." in result.stderr
    # Once before the router saw the first request, and once after.
    assert call("backfill", "gs://audio/old", "--yes").stdout.startswith("Requested 2 transcripts.")
    archive.route()
    assert len(recordings(archive)) == 3
    assert len(archive.drain("cpu-worker")) == 4


def test_requests_are_sent_no_faster_than_wanted(archive, call, monkeypatch):
    time, slept = [100.0], []

    def sleep(seconds):
        slept.append(seconds)
        time[0] += seconds

    monkeypatch.setattr(backfill.concurrency, "monotonic", lambda: time[0])
    monkeypatch.setattr(backfill.concurrency, "sleep", sleep)
    call("backfill", "gs://audio/old", "--yes", "--per-minute", "6")
    assert slept == [10.0]


def test_options_go_with_the_requests(archive, call):
    call("backfill", "gs://audio/old", "--yes", "--language", "en", "--label", "archive")
    archive.route()
    options = [
        one.options
        for one in documents.recordings(archive.ports.records)
        if one.source.name.startswith("old/")
    ]
    assert [(one.language, one.label) for one in options] == [("en", "archive")] * 2


def test_many_are_not_asked_for_without_a_yes(archive, call):
    result = call("backfill", "gs://audio/old")
    assert result.exit_code == 2
    assert "--yes" in result.stderr
    assert archive.route() == 0


def test_without_probing_it_says_that_length_and_cost_are_unknown(archive, call):
    result = call("backfill", "gs://audio/old", "--yes", "--probe", "0", "--json")
    told = json.loads(result.stdout)
    assert (told["new"], told["bytes"], told["expected_seconds"], told["asked"]) == (2, 192_088, None, 2)
    assert "not known without probing" in result.stderr


def test_everything_is_taken_whatever_its_name_where_asked_for(archive, call):
    told = json.loads(call("backfill", "gs://audio/old", "--yes", "--any-name", "--json").stdout)
    assert told["new"] == 3


def test_the_inbox_is_left_to_up_which_takes_all_that_is_in_it(archive, call):
    for place in (archive.ports.inbox, archive.ports.inbox / "old"):
        result = call("backfill", str(place), "--yes")
        assert result.exit_code != 0
        assert "automatically" in result.stderr
        assert "`dropscribe backfill gs://audio/`" in result.stderr
    with pytest.raises(BadRequest, match="Nothing to transcribe"):
        backfill.look(str(archive.ports.inbox.parent), None, archive.ports, any_name=False)
    assert archive.route() == 0


def test_a_folder_of_this_machine_is_transcribed_in_place(archive, call, tmp_path):
    folder = tmp_path / "recordings" / "2020"
    folder.mkdir(parents=True)
    silence(folder / "talk.wav")
    (folder / "notes.txt").write_text("not a sound")
    assert "--any-name is for buckets" in call("backfill", folder.parent, "--any-name").stderr
    result = call("backfill", folder.parent)
    assert result.exit_code == 0, result.stderr
    assert "(0 with one, 1 that are not media)" in result.stderr
    archive.route()
    assert str(folder / "talk.wav").lstrip("/") in recordings(archive)


@pytest.mark.parametrize(
    ("place", "says"),
    [
        ("gs://transcripts/x", "holds outputs"),
        ("https://example.com/x", "gs://bucket/prefix"),
        ("/no/such/folder", "no file or folder"),
    ],
)
def test_a_wrong_place_is_refused_with_what_to_name(call, place, says):
    result = call("backfill", place)
    assert result.exit_code == (66 if place.startswith("/") else 2)
    assert says in result.stderr
