from __future__ import annotations

import json
import os
import shutil
import threading
from pathlib import Path

import pytest

import dropscribe
from gpu_job import loading
from local.runtime import submission
from tests import voices

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
NOTE = SAMPLES / "voice-note.opus"


@pytest.fixture
def state(tmp_path, monkeypatch):
    for name in ("DEEPGRAM_API_KEY", "DROPSCRIBE_ENGINES", "TRANSCRIPTION_METHOD", "PARAKEET_MODEL_NAME"):
        monkeypatch.delenv(name, raising=False)
    yield tmp_path / "state"
    dropscribe.unload()


@pytest.fixture
def transcribe(state):
    def transcribe(path, **given):
        return dropscribe.transcribe(path, model="tiny", state_dir=state, **given)

    return transcribe


@pytest.fixture
def loads(monkeypatch):
    """The weights that are loaded, in order."""
    load, names = loading.load, []
    monkeypatch.setattr(
        "gpu_job.loading.load",
        lambda settings, model, **given: names.append(model) or load(settings, model, **given),
    )
    return names


def test_a_file_becomes_a_typed_transcript_and_the_next_call_has_the_weights_loaded(transcribe, loads, state):
    before = dict(os.environ)
    told = []
    found = transcribe(NOTE, on_progress=told.append)
    truth = (SAMPLES / "truth" / "voice-note.opus.txt").read_text("utf-8").split()
    assert found.text.split() == [word.text for word in found.words] == truth
    assert [word for one in found.segments for word in one.text.split()] == truth
    assert [word for one in found.paragraphs for word in one.text.split()] == truth
    assert (found.method, found.engines, found.usd) == ("parakeet", ("parakeet-cpu",), 0.0)
    assert found.words[-1].end <= found.duration == pytest.approx(25.62, abs=0.05)
    assert found.source == f"file://{NOTE}"
    assert any("demo model" in one for one in found.warnings)
    document = json.loads(Path(found.outputs["transcript.json"]).read_bytes())
    assert document["text"] == found.text
    assert document["recording"] == found.recording
    assert Path(found.outputs["transcript.srt"]).is_relative_to(state)
    assert {(one.stage, one.file) for one in told} == {("transcribe", str(NOTE))}
    assert told[0].done < found.duration
    assert told[-1].done == told[-1].total == found.duration
    assert transcribe(NOTE) == found
    assert transcribe(SAMPLES / "order-hotline.m4a").text
    assert loads == ["tiny"]
    assert dict(os.environ) == before


def test_files_and_folders_end_one_by_one_and_a_bad_one_stops_no_other(state, tmp_path):
    folder = tmp_path / "calls"
    folder.mkdir()
    (folder / "good.opus").write_bytes(NOTE.read_bytes())
    (folder / "bad.mp3").write_text("no sound", "utf-8")
    out = tmp_path / "out"
    paths = [folder, tmp_path / "none.mp3"]
    every = dropscribe.transcribe_all(
        paths, model="tiny", state_dir=state, out=out, formats=["srt", "textgrid"]
    )
    found = {one.name: one for one in every}
    assert set(found) == {"good.opus", "bad.mp3", "none.mp3"}
    good = found["good.opus"]
    assert good.error is None
    assert {name: Path(path) for name, path in good.transcript.outputs.items()} == {
        "transcript.srt": out / "good.opus" / "transcript.srt",
        "words.TextGrid": out / "good.opus" / "words.TextGrid",
    }
    assert all(Path(path).read_bytes() for path in good.transcript.outputs.values())
    bad = found["bad.mp3"]
    assert (type(bad.error), bad.error.code, bad.transcript) == (
        dropscribe.TranscriptionFailed,
        "not-media",
        None,
    )
    assert str(bad.error).startswith(f"{folder / 'bad.mp3'}: ")
    assert isinstance(found["none.mp3"].error, dropscribe.NotFound)


def test_a_pipe_among_files_ends_with_an_error_as_what_is_not_there_does(state, tmp_path):
    pipe, bad = tmp_path / "pipe.wav", tmp_path / "bad.mp3"
    os.mkfifo(pipe)
    bad.write_bytes(b"no audio at all")
    found = {
        one.source: one.error for one in dropscribe.transcribe_all([pipe, bad], model="tiny", state_dir=state)
    }
    assert {source: type(error) for source, error in found.items()} == {
        str(pipe): dropscribe.NotFound,
        str(bad): dropscribe.TranscriptionFailed,
    }


def test_what_has_an_address_is_fetched_and_named_by_it(state, monkeypatch):
    def fetch(address, file, progress):
        if address.endswith("gone.mp3"):
            raise dropscribe.NotFound("There is nothing at https://x.org/gone.mp3 (404).")
        file.write(NOTE.read_bytes())
        progress(NOTE.stat().st_size, None)

    monkeypatch.setattr("local.commands.audio.sources.Download", lambda **_: fetch)
    told = []
    addresses = ["https://x.org/talk.opus?v=1", "https://x.org/gone.mp3"]
    every = dropscribe.transcribe_all(addresses, model="tiny", state_dir=state, on_progress=told.append)
    found = {one.source: one for one in every}
    assert found[addresses[0]].transcript.text
    assert "nothing at" in str(found[addresses[1]].error)
    assert told[0] == dropscribe.Progress(
        stage="download", file="talk.opus", done=NOTE.stat().st_size, total=None
    )
    assert not list((state / "incoming").iterdir())
    with pytest.raises(dropscribe.BadRequest, match="gs://"):
        dropscribe.transcribe("gs://bucket/a.mp3", state_dir=state)


def test_whoever_stops_half_way_goes_on_with_the_next_call(state, monkeypatch):
    forgotten = []
    forget = submission.forget
    monkeypatch.setattr(
        submission,
        "forget",
        lambda left, ports: forgotten.extend(one.file.path.name for one in left) or forget(left, ports),
    )
    every = dropscribe.transcribe_all(
        [NOTE, SAMPLES / "order-hotline.m4a"], model="tiny", state_dir=state, label="x"
    )
    first = next(every)
    with pytest.raises(dropscribe.BadRequest, match="transcribe_all"):
        dropscribe.transcribe(NOTE, model="tiny", state_dir=state)
    every.close()
    assert len(forgotten) == 1
    assert forgotten != [first.name]
    rest = dropscribe.transcribe_all([NOTE, SAMPLES / "order-hotline.m4a"], model="tiny", state_dir=state)
    assert all(one.transcript for one in rest)


def test_on_a_new_machine_work_goes_on_from_the_copy_of_the_state(transcribe, state, loads, tmp_path):
    copy = tmp_path / "drive"
    found = transcribe(NOTE, state_copy=copy)
    shutil.rmtree(state)
    told = []
    assert transcribe(NOTE, state_copy=copy, on_progress=told.append) == found
    assert (loads, told) == (["tiny"], [])


def test_calls_of_several_threads_wait_for_one_another(transcribe):
    found = {}
    paths = [NOTE, SAMPLES / "order-hotline.m4a"]
    threads = [
        threading.Thread(target=lambda path=path: found.update({path: transcribe(path).text}))
        for path in paths
    ]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len({found[path] for path in paths}) == 2


@pytest.mark.parametrize(
    ("given", "kind", "says"),
    [
        ({"path": "none.mp3"}, dropscribe.NotFound, "spelling"),
        ({"path": ""}, dropscribe.NotFound, "spelling"),
        ({"path": SAMPLES}, dropscribe.BadRequest, "is a folder: .* `transcribe_all`"),
        ({"modell": "tiny"}, dropscribe.BadRequest, "modell"),
        ({"track": -1}, dropscribe.BadRequest, "track must be"),
        ({"formats": "srt"}, dropscribe.BadRequest, "`out`"),
        ({"formats": "pdf", "out": "x"}, dropscribe.BadRequest, "no format 'pdf'"),
        ({"model": "tinny"}, dropscribe.ModelUnavailable, "no weights called 'tinny'"),
        ({"model": None, "method": "deepgram"}, dropscribe.DropscribeError, "DEEPGRAM_API_KEY"),
    ],
)
def test_what_is_wrong_is_said(state, given, kind, says):
    given = {"path": NOTE, "model": "tiny", **given}
    with pytest.raises(kind, match=says):
        dropscribe.transcribe(given.pop("path"), state_dir=state, **given)


def test_without_the_networks_for_speakers_nothing_is_started(state, monkeypatch, tmp_path, loads):
    monkeypatch.setenv("DROPSCRIBE_SPEAKER_WEIGHTS", str(tmp_path / "none"))
    with pytest.raises(dropscribe.ModelUnavailable, match="DROPSCRIBE_SPEAKER_WEIGHTS names"):
        dropscribe.transcribe(NOTE, model="tiny", diarize=True, state_dir=state)
    assert loads == []


def test_speakers_are_told_apart_by_the_voices_that_were_heard(state, monkeypatch, tmp_path):
    monkeypatch.setenv("DROPSCRIBE_SPEAKER_WEIGHTS", str(voices.networks(tmp_path / "networks")))
    found = dropscribe.transcribe(NOTE, model="tiny", diarize=True, state_dir=state)
    assert found.words
    assert {word.speaker for word in found.words} <= {1, 2, 3}
    assert found.words[0].speaker == 1


def test_a_project_is_asked_with_the_client(state, monkeypatch):
    monkeypatch.setenv("DROPSCRIBE_PLATFORM", "google")
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "some-project")
    with pytest.raises(dropscribe.ConfigurationError, match=r"dropscribe\.Client"):
        dropscribe.transcribe(NOTE, state_dir=state)
