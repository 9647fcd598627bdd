import json

import jsonschema
import pytest

from shared.outputs import render
from tests.outputs.hostile import HOSTILE, NAMED, SILENT, TALKERS, TIDY
from tests.outputs.streams import spoken, transcript

SCHEMA = {
    "type": "object",
    "required": ["version", "segments"],
    "properties": {
        "version": {"const": "1.0.0"},
        "segments": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["startTime", "endTime", "body"],
                "properties": {
                    "speaker": {"type": "string", "minLength": 1},
                    "startTime": {"type": "number", "minimum": 0},
                    "endTime": {"type": "number", "minimum": 0},
                    "body": {"type": "string", "minLength": 1},
                },
            },
        },
    },
}
"""The elements that the podcast namespace describes in words."""


def read(of):
    (file,) = render(of, ["podcast"])
    found = json.loads(file.data)
    jsonschema.validate(found, SCHEMA)
    return found["segments"]


def test_a_segment_is_a_word_with_its_times():
    assert read(transcript(spoken("Good evening.", start=0.48))) == [
        {"startTime": 0.48, "endTime": 0.78, "body": "Good"},
        {"startTime": 0.78, "endTime": 1.08, "body": "evening."},
    ]


@pytest.mark.parametrize("of", [HOSTILE, TALKERS, NAMED])
def test_every_word_is_there_whatever_it_says(of):
    assert [one["body"] for one in read(of)] == [one.text for one in TIDY]


def test_a_speaker_is_named_with_each_word_and_left_out_where_nobody_knows():
    speakers = [one.get("speaker") for one in read(TALKERS)]
    assert speakers[:2] == ["Speaker 1", "Speaker 1"]
    assert None in speakers
    assert all("speaker" not in one for one in read(HOSTILE))


def test_silence_has_no_segments():
    assert read(SILENT) == []


def test_a_speaker_has_the_name_that_a_person_gave():
    assert read(NAMED)[0]["speaker"] == "<b>*Ann*</b> \\ & -->"
