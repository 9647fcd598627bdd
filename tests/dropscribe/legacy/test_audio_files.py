from __future__ import annotations

from pathlib import Path

import pytest

import dropscribe
from dropscribe.legacy import audio_files

PLACES = [
    "base/output/Raw/Audio/audio_1.mp3",
    "base/output/Raw/Audio/audio_1.wav",
    "outputs/audio_1.mp3",
    "outputs/audio_1.wav",
    "cloud/outputs/audio_1.mp3",
    "cloud/outputs/audio_1.wav",
]
"""Where the pipeline looked, the first place first."""


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(audio_files, "CLOUD_BASE", Path("cloud"))


def put(path):
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).touch()


def test_audio_is_looked_for_where_the_pipeline_looked_in_its_order():
    assert audio_files.find("1", None, {"BASE_DIR": "base"}) is None
    for path in reversed(PLACES):
        put(path)
        assert audio_files.find("1", None, {"BASE_DIR": "base"}) == Path(path)


def test_a_file_that_is_given_counts_if_it_exists():
    put(PLACES[0])
    put("mine.m4a")
    assert audio_files.find("1", "mine.m4a", {}) == Path("mine.m4a")
    assert audio_files.find("1", "gone.m4a", {"BASE_DIR": "base"}) == Path(PLACES[0])


@pytest.mark.parametrize(
    ("environ", "base"),
    [
        ({}, "."),
        ({"K_SERVICE": "x"}, "cloud"),
        ({"K_SERVICE": "x", "BASE_DIR": "b"}, "b"),
        ({"BASE_DIR": ""}, "."),
    ],
)
def test_files_lie_below_the_base_directory(environ, base):
    put(f"{base}/output/Raw/Audio/audio_1.wav")
    assert audio_files.find("1", None, environ) == Path(base, "output/Raw/Audio/audio_1.wav")
    assert audio_files.transcripts(None, environ) == Path(base, "output/Raw/Transcripts")
    assert audio_files.transcripts("mine", environ) == Path("mine")


@pytest.mark.parametrize("video_id", ["", "../x", "a/b", "a\0b"])
def test_an_id_that_leads_elsewhere_is_refused(video_id):
    with pytest.raises(dropscribe.BadRequest, match="without slashes"):
        audio_files.stem(video_id)
