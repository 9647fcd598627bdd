import json
import re
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model import Considered, Decision
from shared.outputs.document import transcript_json
from shared.outputs.segments import paragraphs, sentences
from shared.results import Word
from tests.outputs.streams import any_stream, conversation, said_by, spoken, transcript, word

SCHEMA = json.loads(
    (Path(__file__).parents[2] / "docs" / "transcript.schema.json").read_text(encoding="utf-8")
)
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def write(words, **fields) -> bytes:
    segments = sentences(words)
    return transcript_json(transcript(words, **fields), words, segments, paragraphs(words, segments))


def objects(schema):
    """Every schema of an object in a schema, by its place."""
    if isinstance(schema, dict):
        if schema.get("type") == "object":
            yield schema
        for value in schema.values():
            yield from objects(value)


def test_the_schema_is_valid_strict_and_describes_every_field():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    found = list(objects(SCHEMA))
    assert len(found) == 8
    for one in found:
        assert one["additionalProperties"] is False
        # Whoever reads a recording without speakers finds no field for them, nor for corrections where there are none,
        # nor for the language of a sentence where it is that of the whole.
        optional = {"speakers", "revision"} if "words" in one["properties"] else {"speaker", "language"}
        optional -= {"speaker"} & set(one["required"])
        assert sorted(one["required"]) == sorted(one["properties"].keys() - optional)
        assert all(field.get("description") for field in one["properties"].values())


def test_the_document_says_everything_about_the_transcript():
    words = spoken("One, two. Three.", pace=0.5, pauses={1: 2.0})
    assert json.loads(write(words, warnings=("It stops after 3.5 s.",))) == {
        "versions": {"schema": 2, "dropscribe": version("dropscribe")},
        "recording": "abcdefghijklmnopqrstuvwxyz",
        "source": {
            "bucket": "audio",
            "name": "talks/a talk.mp3",
            "generation": "1760000000123456",
            "uri": "gs://audio/talks/a talk.mp3",
        },
        "duration": 3.5,
        "language": "en",
        "method": "parakeet",
        "text": "One, two.\n\nThree.",
        "warnings": ["It stops after 3.5 s."],
        "parts": [{"start": 0.0, "end": 3.5, "engine": "parakeet-cpu", "model": "tiny", "revision": "r1"}],
        "paragraphs": [
            {"start": 0.0, "end": 1.0, "first_word": 0, "last_word": 1},
            {"start": 3.0, "end": 3.5, "first_word": 2, "last_word": 2},
        ],
        "segments": [
            {"start": 0.0, "end": 1.0, "first_word": 0, "last_word": 1, "text": "One, two."},
            {"start": 3.0, "end": 3.5, "first_word": 2, "last_word": 2, "text": "Three."},
        ],
        "words": [
            {"text": "One,", "start": 0.0, "end": 0.5, "confidence": 0.9},
            {"text": "two.", "start": 0.5, "end": 1.0, "confidence": 0.9},
            {"text": "Three.", "start": 3.0, "end": 3.5, "confidence": 0.9},
        ],
    }


def test_the_load_of_the_moment_changes_no_byte():
    words = spoken("One.")
    segments = sentences(words)

    def under_load(seconds):
        decision = Decision(
            method="parakeet", engine="parakeet-gpu", model="tiny", reason=f"done in {seconds:.0f} s",
            considered=(Considered(method="parakeet", usd=0.03, wait=seconds, score=0.05 + seconds),),
        )  # fmt: skip
        told = replace(transcript(words), decision=decision)
        return transcript_json(told, words, segments, paragraphs(words, segments))

    assert under_load(76.0) == under_load(600.0)


def test_speakers_stand_with_paragraphs_segments_and_words_and_not_in_the_text():
    document = json.loads(write(said_by(spoken("Who is there? I am."), [1, 1, 1, 2])))
    VALIDATOR.validate(document)
    assert [one["speaker"] for one in document["paragraphs"]] == [1, 2]
    assert [(one["speaker"], one["text"]) for one in document["segments"]] == [
        (1, "Who is there?"),
        (2, "I am."),
    ]
    assert [one["speaker"] for one in document["words"]] == [1, 1, 1, 2, 2]
    assert document["text"] == "Who is there?\n\nI am."


def test_silence_is_a_valid_document_with_empty_lists():
    document = json.loads(write([]))
    VALIDATOR.validate(document)
    assert [document[name] for name in ("text", "paragraphs", "segments", "words")] == ["", [], [], []]


def test_each_word_stands_on_its_own_line():
    lines = write(spoken("One two three.")).decode().splitlines()
    assert '    {"text":"two","start":0.3,"end":0.6,"confidence":0.9},' in lines


def test_times_have_three_decimals_at_most():
    data = write([word("a", 0.1 + 0.2, 1 / 3)])
    assert b'"start":0.3,"end":0.333' in data
    assert not re.search(rb"\d\.\d{4}", data)


def test_confidence_has_three_decimals():
    half_sure = Word(text="a", start=0.0, end=1.0, confidence=1 / 3)
    assert b'"confidence":0.333}' in write([half_sure])


def test_a_name_that_is_not_utf_8_can_be_written():
    name = b"caf\xe9.mp3".decode("utf-8", "surrogateescape")
    assert json.loads(write([], name=name))["source"]["name"] == "caf\ufffd.mp3"


@pytest.mark.parametrize("damage", [{"extra": 1}, {"words": [{"text": "a"}]}, {"duration": "3"}])
def test_the_schema_refuses_what_is_not_a_transcript(damage):
    document = {**json.loads(write([])), **damage}
    assert not VALIDATOR.is_valid(document)


@given(any_stream | conversation, st.lists(st.text(), max_size=3))
def test_every_document_fits_its_schema(words, warnings):
    document = json.loads(write(words, warnings=tuple(warnings)))
    VALIDATOR.validate(document)
    assert [one["text"] for one in document["words"]] == [one.text for one in words]
    for one in document["segments"]:
        inside = document["words"][one["first_word"] : one["last_word"] + 1]
        own = [each["text"] for each in inside if each.get("speaker") == one.get("speaker")]
        assert one["text"] == " ".join(own)


def test_a_correction_says_its_number_and_the_names_of_speakers():
    words = said_by(spoken("One, two. Three.", pace=0.5), [1, 1, 2])
    segments = sentences(words)
    corrected = replace(transcript(words), revision=3, speakers={2: "Bo", 1: "Ann <b>"})
    document = json.loads(transcript_json(corrected, words, segments, paragraphs(words, segments)))
    VALIDATOR.validate(document)
    assert document["revision"] == 3
    assert document["speakers"] == [{"speaker": 1, "name": "Ann <b>"}, {"speaker": 2, "name": "Bo"}]
