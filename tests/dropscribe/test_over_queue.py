from __future__ import annotations

from pathlib import Path

import pytest

import dropscribe
from dropscribe import Client
from dropscribe.over_queue import OverQueue
from shared.model import Options
from shared.state import documents
from tests.dropscribe.conftest import TEXT


@pytest.fixture
def client(world):
    return Client(OverQueue(world.ports, lambda: None))


def test_a_file_is_uploaded_once_and_its_transcript_comes_from_the_bucket(
    world, client, take_in, transcribe, tmp_path
):
    path = tmp_path / "monday.wav"
    path.write_bytes(b"sound")
    job = client.submit(path, language="en", request_id="mine")
    assert client.status(job).state == "ACCEPTED"
    again = client.submit(path, language="en")
    assert [one.name.rpartition("/")[2] for one in world.ports.store.list("audio")] == ["monday.wav"]
    take_in()
    status = client.status(job)
    assert (status.state, status.chunks_done, status.source.rpartition("/")[2]) == (
        "PLANNED",
        0,
        "monday.wav",
    )
    with pytest.raises(dropscribe.TimedOut):
        client.wait(job, timeout=0)
    transcribe()
    found = client.wait(job, timeout=0)
    assert found.text == TEXT
    assert found.outputs["transcript.srt"].startswith("gs://transcripts/audio/python/")
    assert client.download(job, "transcript.txt").decode().strip() == TEXT
    assert client.status(job).ended
    assert client.wait(again, timeout=0) == found
    (recording,) = documents.recordings(world.ports.records)
    assert recording.options == Options(language="en")


def test_a_job_that_nobody_knows_is_not_found(client):
    with pytest.raises(dropscribe.NotFound, match="knows no job another"):
        client.status("another")


def test_a_failure_is_answered_with_its_reason(client, take_in):
    job = client.submit("gs://audio/none.mp3")
    take_in()
    with pytest.raises(dropscribe.TranscriptionFailed) as caught:
        client.wait(job, timeout=0)
    assert caught.value.code == "missing"


def test_a_file_that_is_not_there_is_refused_before_anything_is_sent(client, world, tmp_path):
    for path in (tmp_path / "none.mp3", tmp_path):
        with pytest.raises(dropscribe.NotFound, match="spelling"):
            client.submit(path)
    assert world.pull("requests") == []


def test_on_this_machine_a_file_is_not_copied_and_the_outputs_are_paths(tmp_path, caplog):
    path = tmp_path / "a.wav"
    path.write_bytes(b"sound")
    with Client.of_machine(tmp_path / "state") as client:
        client.submit(path, request_id="mine")
        client.submit(path, request_id="mine")
        with pytest.raises(dropscribe.NotFound):
            client.submit(tmp_path / "none.wav")
    assert "nothing is running yet" in caplog.text
    assert not list(Path(tmp_path, "state", "buckets").rglob("*.wav"))


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"DROPSCRIBE_AUDIO_BUKET": "x"}, "DROPSCRIBE_AUDIO_BUKET is not a setting"),
        ({"DROPSCRIBE_AUDIO_BUCKET": "X Y"}, "DROPSCRIBE_AUDIO_BUCKET"),
    ],
)
def test_a_wrong_setting_of_a_project_is_named(settings, says):
    with pytest.raises(dropscribe.ConfigurationError, match=says):
        Client.of_project("some-project", **settings)


# The package `google` comes with other libraries as well, without a `google.cloud` in it.
@pytest.mark.parametrize("library", ["google.cloud.nothing", "google.nothing.firestore", "nothing.firestore"])
def test_without_googles_libraries_the_cure_is_said(library, monkeypatch):
    monkeypatch.setattr("dropscribe.over_queue.GOOGLE", (library,))
    with pytest.raises(dropscribe.ConfigurationError, match=r"pip install 'dropscribe\[google\]'"):
        Client.of_project("some-project")
