"""Names that a person gave to speakers, in every file."""

from __future__ import annotations

from dataclasses import replace

from shared.outputs import render
from tests.outputs.streams import said_by, spoken, transcript

WORDS = said_by(spoken("One, two. Three four.", pace=0.5), [1, 1, 2, 2])


def files(names):
    found = render(replace(transcript(WORDS), speakers=names))
    return {one.name: one.data.decode() for one in found}


def test_a_name_stands_wherever_the_number_stood_and_other_speakers_keep_theirs():
    found = files({1: "Ann"})
    assert found["transcript.txt"] == "Ann: One, two.\n\nSpeaker 2: Three four.\n"
    assert "Ann: One, two." in found["transcript.srt"]
    assert "<v Ann>One, two." in found["transcript.vtt"]
    assert [line.rpartition(",")[2] for line in found["words.csv"].splitlines()[1:]] == [
        "Ann",
        "Ann",
        "2",
        "2",
    ]
    assert '"speakers": [\n    {"speaker":1,"name":"Ann"}\n  ]' in found["transcript.json"]


def test_without_names_the_bytes_are_as_ever():
    assert files({}) == {one.name: one.data.decode() for one in render(transcript(WORDS))}
    assert "speakers" not in files({})["transcript.json"]


def test_a_name_is_text_in_every_file():
    found = files({1: "<i>A-->&{\\an8}", 2: "=1+2"})
    assert "<i>" not in found["transcript.srt"]
    assert "\n\u2039i>A→&(\\an8}: One" in found["transcript.srt"]
    assert "<v &lt;i&gt;A--&gt;&amp;(\\an8}>One" in found["transcript.vtt"]
    assert "'=1+2" in found["words.csv"]
