"""Transcripts in the formats of OpenAI."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest
from openai.types.audio import (
    Transcription,
    TranscriptionDiarized,
    TranscriptionVerbose,
)

from console.openai import documents
from console.openai.form import Wanted
from shared.model import Options


@pytest.fixture
def transcript():
    words = [("Good", 0.5, 0.8, 1), ("evening.", 0.8, 1.2, 1), ("It", 4.0, 4.1, 2), ("rained.", 4.1, 4.6, 2)]
    spans = [("Good evening.", 0.5, 1.2, 0, 1, 1), ("It rained.", 4.0, 4.6, 2, 3, 2)]
    file = {
        "versions": {"schema": 2}, "duration": 5.25, "language": "de-AT", "text": "Good evening.\n\nIt rained.",
        "words": [{"text": t, "start": a, "end": b, "confidence": 0.5, "speaker": s} for t, a, b, s in words],
        "segments": [
            {"text": t, "start": a, "end": b, "first_word": i, "last_word": j, "speaker": s} for t, a, b, i, j, s in spans
        ],
    }  # fmt: skip
    return documents.read(json.dumps(file).encode())


def rendered(transcript, shape, **more):
    return documents.render(
        transcript, Wanted(options=Options(), **({"model": "whisper-1"} | more), format=shape)
    )


def test_text_ends_its_line(transcript):
    assert rendered(transcript, "text") == b"Good evening. It rained.\n"


def test_json_is_text_and_usage(transcript):
    data = rendered(transcript, "json")
    assert json.loads(data) == {
        "text": "Good evening. It rained.",
        "usage": {"type": "duration", "seconds": 5.25},
    }
    assert Transcription.model_validate_json(data).usage.seconds == 5.25
    detected = json.loads(rendered(transcript, "json", model="gpt-transcribe"))["languages"]
    assert detected == [{"code": "de-AT"}]


def test_a_language_that_is_not_known_is_an_empty_list_and_unknown(transcript):
    transcript.language = None
    assert json.loads(rendered(transcript, "json", model="gpt-transcribe"))["languages"] == []
    assert json.loads(rendered(transcript, "verbose_json"))["language"] == "unknown"


def test_verbose_json_has_what_was_asked_for(transcript):
    got = TranscriptionVerbose.model_validate_json(rendered(transcript, "verbose_json", words=True))
    assert (got.language, got.duration, got.text) == ("german", 5.25, "Good evening. It rained.")
    assert [(one.word, one.start, one.end) for one in got.words][1:3] == [
        ("evening.", 0.8, 1.2),
        ("It", 4.0, 4.1),
    ]
    second = got.segments[1]
    assert (second.id, second.text, second.start, second.end, second.seek) == (
        1,
        " It rained.",
        4.0,
        4.6,
        400,
    )
    assert second.avg_logprob == pytest.approx(math.log(0.5), abs=1e-6)
    assert "segments" not in json.loads(rendered(transcript, "verbose_json", words=True, segments=False))


def test_diarized_json_has_letters_for_speakers(transcript):
    got = TranscriptionDiarized.model_validate_json(rendered(transcript, "diarized_json"))
    assert [(one.id, one.speaker, one.text) for one in got.segments] == [
        ("seg_001", "A", "Good evening."),
        ("seg_002", "B", "It rained."),
    ]


@pytest.mark.parametrize(
    ("number", "name"), [(1, "A"), (26, "Z"), (27, "AA"), (52, "AZ"), (53, "BA"), (703, "AAA")]
)
def test_speakers_beyond_z_have_two_letters(number, name):
    assert documents.speaker_name(number) == name


def test_a_silent_recording_has_empty_lists(transcript):
    transcript.segments, transcript.words = [], []
    assert rendered(transcript, "text") == b"\n"
    assert json.loads(rendered(transcript, "verbose_json", words=True))["segments"] == []
    assert json.loads(rendered(transcript, "json", logprobs=True))["logprobs"] == []


def test_probabilities_of_zero_and_more_than_one_have_logarithms(transcript):
    words = [replace(one, confidence=at) for one, at in zip(transcript.words, (0.0, 1.5), strict=False)]
    found = documents.logprobs(words)
    assert [one["logprob"] for one in found] == [pytest.approx(math.log(1e-10)), 0.0]
    assert bytes(found[1]["bytes"]).decode() == found[1]["token"] == " evening."


def test_a_text_that_repeats_itself_compresses_well():
    # Whisper's rule of thumb: above 2.4 a segment is taken for a loop.
    assert documents.compression_ratio("no no no no " * 20) > 2.4 > documents.compression_ratio("It rained.")
