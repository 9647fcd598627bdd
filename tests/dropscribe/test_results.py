from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from dropscribe import StoreUnavailable, results
from shared.outputs import render
from tests.outputs.streams import said_by, spoken, transcript

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "transcript.schema.json").read_text("utf-8"))


def read(words, speakers=None, **fields):
    [output] = render(replace(transcript(words, **fields), speakers=speakers or {}), ["json"])
    return json.loads(output.data), results.transcript_of(output.data, usd=0.25, outputs={"a.txt": "/b"})


def test_a_transcript_says_what_its_document_says():
    words = said_by(spoken("Good day. How are you? Well!", pauses={4: 9.0}), [1, 1, 1, 1, 1, 2])
    document, found = read(words, {2: "Ann"}, warnings=("Odd.",))
    assert [word.text for word in found.words] == [one["text"] for one in document["words"]]
    assert [(one.text, one.first_word, one.last_word, one.speaker) for one in found.segments] == [
        ("Good day.", 0, 1, 1),
        ("How are you?", 2, 4, 1),
        ("Well!", 5, 5, 2),
    ]
    assert [(one.text, one.speaker) for one in found.paragraphs] == [
        ("Good day. How are you?", 1),
        ("Well!", 2),
    ]
    assert found.paragraphs[1].start == document["paragraphs"][1]["start"]
    assert (found.text, found.duration) == (document["text"], document["duration"])
    assert (found.speakers, found.warnings) == ({2: "Ann"}, ("Odd.",))
    assert (found.usd, found.outputs) == (0.25, {"a.txt": "/b"})
    assert (found.recording, found.source) == (document["recording"], document["source"]["uri"])
    assert found.engines == tuple(dict.fromkeys(one["engine"] for one in document["parts"]))


@pytest.mark.parametrize(
    ("kind", "schema"),
    [
        (results.Word, SCHEMA["properties"]["words"]),
        (results.Segment, SCHEMA["properties"]["segments"]),
        (results.Part, SCHEMA["properties"]["parts"]),
    ],
)
def test_records_have_the_fields_of_the_schema(kind, schema):
    assert {*kind.__slots__} == set(schema["items"]["properties"])


def test_fields_of_a_newer_version_are_passed_over():
    document, found = read(spoken("Well."))
    document["mood"], document["words"][0]["mood"] = "good", "good"
    newer = json.dumps(document).encode()
    assert results.transcript_of(newer, usd=0.25, outputs={"a.txt": "/b"}) == found


@pytest.mark.parametrize("data", [b"", b"[]", b'{"text": 1}', b"\xff"])
def test_what_is_no_document_is_refused(data):
    with pytest.raises(StoreUnavailable, match=r"transcript\.json cannot be read"):
        results.transcript_of(data, usd=0, outputs={})
