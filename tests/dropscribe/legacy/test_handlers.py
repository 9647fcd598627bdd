from __future__ import annotations

import csv
import inspect
import json
import shutil
from pathlib import Path

import pytest

import dropscribe
from dropscribe.legacy import TranscriptionHandler, TranscriptionRouter
from tests import event_loop
from tests.deepgram_server import KEY, deepgram_server

SAMPLES = Path(__file__).resolve().parents[3] / "samples"
NOTE = SAMPLES / "voice-note.opus"
TRUTH = (SAMPLES / "truth" / "voice-note.opus.txt").read_text("utf-8").split()


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    """A folder of its own, the demo weights, and no switch."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DROPSCRIBE_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("PARAKEET_MODEL_NAME", "tiny")
    for name in (
        "BASE_DIR",
        "K_SERVICE",
        "TRANSCRIPTION_METHOD",
        "DROPSCRIBE_ENGINES",
        "USE_GPU_TRANSCRIPTION",
    ):
        monkeypatch.delenv(name, raising=False)
    yield tmp_path
    dropscribe.unload()


def rows(path):
    with Path(path).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_signatures_are_those_of_the_pipeline():
    process = inspect.signature(TranscriptionHandler.process_audio_files).parameters
    assert [(one.name, one.default) for one in process.values()][1:] == [
        ("video_id", inspect.Parameter.empty),
        ("audio_file_path", None),
        ("output_dir", None),
    ]
    transcribe = inspect.signature(TranscriptionRouter.transcribe).parameters
    assert [*transcribe][1:] == ["audio_file_path", "video_id", "output_dir"]
    assert transcribe["output_dir"].default is None
    assert inspect.signature(TranscriptionHandler).parameters["api_key"].default is None
    for one in (TranscriptionHandler.process_audio_files, TranscriptionRouter.transcribe):
        assert inspect.iscoroutinefunction(one)


def test_audio_that_is_found_gives_three_files_where_the_pipeline_put_them(place):
    audio = place / "output" / "Raw" / "Audio" / "audio_v1.mp3"
    audio.parent.mkdir(parents=True)
    shutil.copy(SAMPLES / "status-meeting.mp3", audio)
    found = event_loop.run(TranscriptionHandler().process_audio_files("v1"))
    folder = Path("output/Raw/Transcripts")
    assert {name: path for name, path in found.items() if name != "transcription_metadata"} == {
        "transcript_file": folder / "audio_v1_transcript.json",
        "paragraphs_file": folder / "audio_v1_paragraphs.csv",
        "words_file": folder / "audio_v1_words.csv",
        "transcript_json_file": folder / "audio_v1_transcript.json",
    }
    words = rows(found["words_file"])
    assert [*words[0]] == ["start_time", "end_time", "word"]
    alternative = json.loads(found["transcript_file"].read_bytes())["results"]["channels"][0]["alternatives"][
        0
    ]
    assert [one["word"] for one in words] == [one["word"] for one in alternative["words"]]
    assert all(float(one["start_time"]) <= float(one["end_time"]) for one in words)
    paragraphs = rows(found["paragraphs_file"])
    assert [*paragraphs[0]] == ["start_time", "end_time", "text"]
    assert " ".join(one["text"] for one in paragraphs) == alternative["transcript"]
    assert {path.name for path in folder.iterdir()} == {f"audio_v1_{end}" for end in ENDS}


ENDS = ("transcript.json", "paragraphs.csv", "words.csv")


def test_the_router_transcribes_what_it_is_given_and_says_what_it_took(tmp_path):
    found = event_loop.run(TranscriptionRouter().transcribe(str(NOTE), "v2", str(tmp_path / "out")))
    assert [one["word"] for one in rows(found["words_file"])] == TRUTH
    assert found["words_file"] == tmp_path / "out" / "audio_v2_words.csv"
    said = found["transcription_metadata"]
    assert (said["method_used"], said["model_name"], said["gpu_used"]) == ("parakeet", "tiny", False)
    assert (said["cost_estimate"], said["words_count"]) == (0.0, len(TRUTH))
    assert said["processing_time_seconds"] > 0
    again = event_loop.run(TranscriptionRouter().transcribe(NOTE, video_id="v2", output_dir=tmp_path / "out"))
    assert again["transcript_file"] == found["transcript_file"]


def test_audio_that_is_nowhere_gives_none():
    assert event_loop.run(TranscriptionHandler().process_audio_files("none")) is None
    assert event_loop.run(TranscriptionHandler().process_audio_files("none", "none.mp3")) is None


def test_what_cannot_be_transcribed_is_raised_by_the_handler_and_returned_by_the_router(tmp_path):
    bad = tmp_path / "bad.mp3"
    bad.write_text("no sound", "utf-8")
    with pytest.raises(dropscribe.TranscriptionFailed, match=r"bad\.mp3"):
        event_loop.run(TranscriptionHandler().process_audio_files("v3", str(bad)))
    for path in (bad, tmp_path / "none.mp3", tmp_path):
        found = event_loop.run(TranscriptionRouter().transcribe(str(path), "v3"))
        assert (found["status"], found["video_id"], found["audio_file"]) == ("failed", "v3", str(path))
        assert path.name in found["error"]


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(dropscribe.CannotWrite, match="Give another output_dir"):
        event_loop.run(TranscriptionHandler().process_audio_files("v4", NOTE, tmp_path / "file" / "out"))


def test_with_a_key_the_handler_asks_deepgram_what_the_pipeline_asked(monkeypatch, tmp_path):
    with deepgram_server() as server:
        monkeypatch.setenv("DROPSCRIBE_DEEPGRAM_URL", server.url)
        found = event_loop.run(TranscriptionHandler(KEY).process_audio_files("v5", NOTE, tmp_path))
        assert found["transcription_metadata"]["method_used"] == "deepgram"
        [asked] = server.asked
    wanted = {"model": "nova-3", "language": "en", "smart_format": "true", "punctuate": "true"}
    wanted |= {"paragraphs": "true", "filler_words": "true"}
    assert {name: asked.query[name][0] for name in wanted} == wanted
    assert rows(found["words_file"])
