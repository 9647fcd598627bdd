import pytest
from hypothesis import given

from shared.outputs import render
from shared.outputs.printable import tidy
from tests.outputs.hostile import HOSTILE, NAMED, SILENT, TALKERS, TIDY
from tests.outputs.streams import conversation, said_by, spoken, transcript


def lines(of, kind):
    (file,) = render(of, [kind])
    text = file.data.decode()
    assert not text or text.endswith("\n")
    return text.split("\n")[:-1]


def test_a_line_of_ctm_is_a_word_with_start_duration_and_confidence():
    assert lines(transcript(spoken("Good evening.", start=0.48)), "ctm") == [
        "a_talk 1 0.480 0.300 Good 0.900",
        "a_talk 1 0.780 0.300 evening. 0.900",
    ]


@pytest.mark.parametrize("of", [HOSTILE, TALKERS, NAMED])
def test_every_word_is_one_field_of_its_line(of):
    fields = [one.split(" ") for one in lines(of, "ctm")]
    assert {len(one) for one in fields} == {6}
    assert [one[4] for one in fields] == [one.text.replace(" ", "_") for one in TIDY]


@pytest.mark.parametrize(
    ("name", "file"), [(";;x.mp3", "__x"), ("", "recording"), ("a/b c\n.d.wav", "b_c_.d")]
)
def test_the_name_of_a_recording_is_one_field_and_no_comment(name, file):
    (line,) = lines(transcript(spoken("hi"), name=name), "ctm")
    assert line.split(" ")[0] == file


def test_a_line_of_rttm_is_a_turn():
    words = said_by(spoken("Yes. No. Maybe. Yes.", pauses={0: 1.0}), [1, 1, 2, 1])
    assert lines(transcript(words), "rttm") == [
        "SPEAKER a_talk 1 0.000 1.600 <NA> <NA> Speaker_1 <NA> <NA>",
        "SPEAKER a_talk 1 1.600 0.300 <NA> <NA> Speaker_2 <NA> <NA>",
        "SPEAKER a_talk 1 1.900 0.300 <NA> <NA> Speaker_1 <NA> <NA>",
    ]


def test_without_speakers_there_are_no_turns():
    assert lines(HOSTILE, "rttm") == lines(SILENT, "rttm") == lines(SILENT, "ctm") == []


@given(conversation)
def test_turns_cover_the_words_of_known_speakers(words):
    turns = [one.split(" ") for one in lines(transcript(words), "rttm")]
    assert {len(one) for one in turns} <= {10}
    assert {one[7] for one in turns} == {f"Speaker_{w.speaker}" for w in tidy(words) if w.speaker is not None}


def test_a_name_is_one_field():
    assert lines(NAMED, "rttm")[1].split(" ")[7] == '"Bo"_|x|'
