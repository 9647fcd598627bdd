from __future__ import annotations

from pathlib import Path

import pytest

from dropscribe.errors import BadRequest
from dropscribe.legacy import switches
from shared.settings import Settings

KEY = {"DEEPGRAM_API_KEY": "k"}


@pytest.mark.parametrize(
    ("environ", "handler", "router"),
    [
        ({}, "auto", "auto"),
        (KEY, "deepgram", "auto"),
        (KEY | {"USE_GPU_TRANSCRIPTION": "true"}, "auto", "auto"),
        (KEY | {"USE_GPU_TRANSCRIPTION": "false"}, "deepgram", "auto"),
        ({"USE_GPU_TRANSCRIPTION": "true"}, "auto", "auto"),
        ({"FORCE_DEEPGRAM_TRANSCRIPTION": "true"}, "deepgram", "deepgram"),
        (
            KEY | {"FORCE_DEEPGRAM_TRANSCRIPTION": "yes", "USE_GPU_TRANSCRIPTION": "true"},
            "deepgram",
            "deepgram",
        ),
        (KEY | {"FORCE_DEEPGRAM_TRANSCRIPTION": "false"}, "deepgram", "auto"),
        (KEY | {"ENABLE_GPU_TRANSCRIPTION": "false"}, "deepgram", "deepgram"),
        (
            KEY | {"ENABLE_GPU_TRANSCRIPTION": "false", "TRANSCRIPTION_METHOD": "parakeet"},
            "deepgram",
            "deepgram",
        ),
        ({"ENABLE_GPU_TRANSCRIPTION": "false"}, "auto", "auto"),
        (KEY | {"TRANSCRIPTION_METHOD": "parakeet"}, "parakeet", "parakeet"),
        ({"TRANSCRIPTION_METHOD": "parakeet_enhanced"}, "parakeet", "parakeet"),
        ({"TRANSCRIPTION_METHOD": "parakeet_gpu"}, "parakeet", "parakeet"),
        ({"TRANSCRIPTION_METHOD": "Hybrid"}, "hybrid", "hybrid"),
        ({"TRANSCRIPTION_METHOD": "deepgram"}, "deepgram", "deepgram"),
    ],
)
def test_switches_say_who_transcribes(environ, handler, router):
    assert switches.settings(environ, routed=False)["TRANSCRIPTION_METHOD"] == handler
    assert switches.settings(environ, routed=True)["TRANSCRIPTION_METHOD"] == router


def test_every_setting_of_the_pipeline_is_read_or_has_no_say_here():
    environ = {
        "TRANSCRIPTION_METHOD": "auto", "ENABLE_GPU_TRANSCRIPTION": "True", "ENABLE_FALLBACK": "no",
        "COST_OPTIMIZATION": "TRUE", "PARAKEET_MODEL_NAME": "", "GPU_BATCH_SIZE": "8", "GPU_MEMORY_LIMIT_GB": "20.0",
        "CHUNK_DURATION_MINUTES": "10", "CHUNK_OVERLAP_SECONDS": "10", "MAX_CONCURRENT_CHUNKS": "4",
        "ENABLE_BATCH_PROCESSING": "yes", "SHORT_FILE_THRESHOLD_HOURS": "2.0", "LONG_FILE_THRESHOLD_HOURS": "4.0",
        "COST_THRESHOLD_PER_HOUR": "0.10", "ENABLE_PERFORMANCE_METRICS": "false", "LOG_TRANSCRIPTION_COSTS": "true",
        "METRICS_EXPORT_INTERVAL": "60", "CLOUD_RUN_TIMEOUT_SECONDS": "3600", "MAX_FILE_SIZE_GB": "2.0",
        "ENABLE_ENHANCED_GPU_OPTIMIZATION": "true", "ENABLE_AMP": "true", "MAX_CHUNK_WORKERS": "8",
    }  # fmt: skip
    before = dict(environ)
    found = Settings.from_environment(switches.settings(environ, routed=True, api_key="mine"))
    assert environ == before
    assert (found.enable_gpu, found.enable_fallback, found.cost_optimization) == (True, False, True)
    assert (found.batch_processing, found.performance_metrics) == (True, False)
    assert (found.batch_size, found.chunk_minutes, found.max_chunks, found.max_file_gb) == (8, 10.0, 4, 2.0)
    assert (found.model, found.api_keys) == ("nvidia/parakeet-tdt-0.6b-v2", {"deepgram": "mine"})


def test_weights_and_limits_that_are_set_stay():
    environ = {"PARAKEET_MODEL_NAME": "tiny", "MAX_FILE_SIZE_GB": "2", "DROPSCRIBE_MAX_FILE_GB": "9"}
    found = Settings.from_environment(switches.settings(environ, routed=True))
    assert (found.model, found.max_file_gb) == ("tiny", 9.0)


PLACES = [
    "base/output/Raw/Audio/audio_1.mp3",
    "base/output/Raw/Audio/audio_1.wav",
    "outputs/audio_1.mp3",
    "outputs/audio_1.wav",
    "cloud/outputs/audio_1.mp3",
    "cloud/outputs/audio_1.wav",
]
"""Where the pipeline looked, the first place first."""


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(switches, "CLOUD_BASE", Path("cloud"))


def put(path):
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).touch()


@pytest.mark.usefixtures("here")
def test_audio_is_looked_for_where_the_pipeline_looked_in_its_order():
    assert switches.find("1", None, {"BASE_DIR": "base"}) is None
    for path in reversed(PLACES):
        put(path)
        assert switches.find("1", None, {"BASE_DIR": "base"}) == Path(path)


@pytest.mark.usefixtures("here")
def test_a_file_that_is_given_counts_if_it_exists():
    put(PLACES[0])
    put("mine.m4a")
    assert switches.find("1", "mine.m4a", {}) == Path("mine.m4a")
    assert switches.find("1", "gone.m4a", {"BASE_DIR": "base"}) == Path(PLACES[0])


@pytest.mark.usefixtures("here")
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
    assert switches.find("1", None, environ) == Path(base, "output/Raw/Audio/audio_1.wav")
    assert switches.transcripts(None, environ) == Path(base, "output/Raw/Transcripts")
    assert switches.transcripts("mine", environ) == Path("mine")


@pytest.mark.parametrize("video_id", ["", "../x", "a/b", "a\0b"])
def test_an_id_that_leads_elsewhere_is_refused(video_id):
    with pytest.raises(BadRequest, match="without slashes"):
        switches.stem(video_id)
