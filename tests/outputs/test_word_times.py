import html
import io
import re

import pytest
import webvtt
from hypothesis import given

from shared.outputs import render
from shared.outputs.printable import milliseconds, tidy
from tests.outputs.hostile import HOSTILE, NAMED, SILENT, TALKERS, TIDY
from tests.outputs.streams import conversation, said_by, spoken, together, transcript, word

TIME = re.compile(r"(\d\d):(\d\d):(\d\d)\.(\d{3})")


def written(of):
    (file,) = render(of, ["vtt-words"])
    return file.data.decode()


def read(text):
    return list(webvtt.WebVTT.from_buffer(io.StringIO(text)))


def milliseconds_in(text):
    return [((int(h) * 60 + int(m)) * 60 + int(s)) * 1000 + int(ms) for h, m, s, ms in TIME.findall(text)]


def times(cue):
    return [time for tag in re.findall(r"<[^>]+>", cue.raw_text) for time in milliseconds_in(tag)]


def test_a_word_has_its_time_before_it_except_the_first_which_begins_with_the_cue():
    assert written(transcript(spoken("Good evening, all.", start=0.48))) == (
        "WEBVTT\n\n00:00:00.480 --> 00:00:01.539\nGood <00:00:00.780>evening, <00:00:01.080>all.\n"
    )


def test_cues_are_those_of_the_captions():
    plain, timed = (read(file.data.decode()) for file in render(HOSTILE, ["vtt", "vtt-words"]))
    assert [(one.start, one.end) for one in plain] == [(one.start, one.end) for one in timed]


@pytest.mark.parametrize("of", [HOSTILE, TALKERS, NAMED])
def test_every_word_is_there_as_text_whatever_it_says(of):
    cues = read(written(of))
    bare = " ".join(
        html.unescape(re.sub(r"<v [^>]*>|<\d\d:[^>]*>", "", one.raw_text)).replace("\n", " ") for one in cues
    )
    # `{\` is what players would obey.
    assert bare == " ".join(one.text for one in TIDY).replace("{\\", "(\\")
    assert not re.search(r"<(?!v (?:Speaker|&lt;b|\"Bo)|\d\d:)", "".join(one.raw_text for one in cues))


@given(conversation)
def test_times_lie_inside_of_their_cue_in_order_and_are_those_of_words(words):
    starts = {milliseconds(one.start) for one in tidy(words)}
    for cue in read(written(transcript(words))):
        start, end = milliseconds_in(f"{cue.start} {cue.end}")
        found = times(cue)
        assert found == sorted(set(found))
        assert all(start < one < end and one in starts for one in found)


def test_words_that_begin_together_share_a_time():
    assert times(read(written(transcript([word("a", 1, 2), word("b", 1.5, 2), word("c", 1.5, 2)])))[0]) == [
        1500
    ]


def test_silence_is_a_file_without_cues():
    assert written(SILENT) == "WEBVTT\n"


def test_where_two_people_talk_at_once_each_word_has_its_own_time():
    one = said_by(spoken("We kept them."), [1])
    two = said_by(spoken("Nobody told me.", start=0.4), [2])
    assert [cue.raw_text for cue in read(written(transcript(together(one, two))))] == [
        "<v Speaker 1>We <00:00:00.300>kept <00:00:00.600>them.",
        "<v Speaker 2>Nobody <00:00:00.700>told <00:00:01.000>me.",
    ]
