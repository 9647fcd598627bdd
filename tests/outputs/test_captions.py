import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model import Options
from shared.outputs.captions import CHAINED_GAP, MAX_DURATION, MIN_DURATION, MIN_GAP, USUAL, Shape, captions
from shared.outputs.printable import milliseconds
from shared.outputs.segments import sentences
from tests.outputs.streams import (
    any_stream,
    conversation,
    in_turn,
    ordinary,
    said_by,
    spoken,
    together,
    word,
)
from tests.test_architecture import ROOT


def cut(words):
    return captions(words, sentences(words))


def lines(words):
    return [one.lines for one in cut(words)]


def times(words):
    return [(one.start, one.end) for one in cut(words)]


def test_silence_has_no_captions():
    assert cut([]) == []


def test_a_short_sentence_is_one_caption_of_one_line():
    assert lines(spoken("Good evening, and welcome.")) == [("Good evening, and welcome.",)]


def test_each_sentence_has_a_caption_where_there_is_time_to_read_it():
    words = spoken("The boats are kept in winter. We waited for the bus.", pace=0.4)
    assert lines(words) == [("The boats are kept in winter.",), ("We waited for the bus.",)]


def test_a_sentence_too_short_to_be_read_shares_its_caption():
    words = spoken("Yes. We waited for the bus until five.", pace=0.3)
    assert lines(words) == [("Yes. We waited for the bus until five.",)]


def test_two_lines_are_balanced_and_break_after_punctuation():
    words = spoken("When the rain had stopped, we walked all the way home.")
    assert lines(words) == [("When the rain had stopped,", "we walked all the way home.")]


def test_a_line_does_not_end_with_an_article_where_that_can_be_avoided():
    words = spoken("people walked across the enormous stone bridges.")
    assert lines(words) == [("people walked across", "the enormous stone bridges.")]


def test_of_two_lines_the_upper_one_is_rather_the_shorter():
    words = spoken("people walked across with enormous stone bridge")
    assert lines(words) == [("people walked across", "with enormous stone bridge")]


def test_a_line_breaks_in_a_breath():
    text = "people walked slowly over enormous stone buildings"
    assert lines(spoken(text)) == [("people walked slowly over", "enormous stone buildings")]
    assert lines(spoken(text, pauses={2: 0.3})) == [("people walked slowly", "over enormous stone buildings")]


def test_a_long_sentence_is_cut_at_its_commas_and_leaves_no_single_word():
    text = (
        "The old man who lives beside the river, where boats are kept in winter, "
        "told me that nothing had changed at all since then."
    )
    assert [" ".join(one) for one in lines(spoken(text))] == [
        "The old man who lives beside the river, where boats are kept in winter,",
        "told me that nothing had changed at all since then.",
    ]


def test_a_sentence_without_a_good_place_to_cut_is_cut_in_the_middle():
    words = spoken(" ".join(["people"] * 14), pace=0.4)
    assert [len(" ".join(one).split()) for one in lines(words)] == [7, 7]


def test_no_caption_extends_over_a_second_of_silence():
    words = spoken("Yes, no.", pauses={0: 1.0})
    assert lines(words) == [("Yes,",), ("no.",)]
    words = spoken("Yes, no.", pauses={0: 0.9})
    assert lines(words) == [("Yes, no.",)]


def test_a_caption_has_no_more_words_than_are_spoken_in_seven_seconds():
    words = spoken("one two three four five six", pace=2.0)
    assert lines(words) == [("one two three",), ("four five six",)]


@pytest.mark.parametrize(
    ("path", "pattern"),
    [
        ("README.md", r"captions of up to two lines of (\d+) characters"),
        ("console/page/recordings/options.js", r"Characters per line\. Empty: (\d+)"),
        ("docs/outputs.md", r"\| `caption_width` \|.*\| (\d+) \|"),
        ("docs/outputs.md", r"counts in the line's (\d+) characters"),
        ("docs/outputs.md", r"Two lines of (\d+) characters at most"),
        ("docs/outputs.md", r"A line counts (\d+) Unicode characters"),
        ("docs/request.schema.json", r"Characters per caption line; null: (\d+)"),
        ("dropscribe/options.py", r"caption line, 16 to 100; (\d+) by default"),
        ("local/commands/options.py", r"per caption line \(default (\d+)\)"),
        ("shared/model.py", r"caption line, 16 to 100; None: (\d+)\."),
    ],
)
def test_the_width_of_captions_is_the_same_wherever_it_is_stated(path, pattern):
    assert re.findall(pattern, (ROOT / path).read_text("utf-8")) == [str(USUAL.width)]


def test_a_line_has_42_characters_at_most():
    full = "x" * 20 + " " + "y" * 21
    assert lines(spoken(full)) == [(full,)]
    assert lines(spoken(full + "y")) == [("x" * 20, "y" * 22)]


def test_dense_speech_is_not_cut_into_captions_that_nobody_can_read():
    """A cut after the comma would leave half a second for the first caption."""
    words = spoken("Well, then. " + "He walked all the way home along the river with his old dog.", pace=0.25)
    assert times(words)[0][0] == 0
    assert all(end - start >= 1000 for start, end in times(words))
    assert lines(words)[0][0].startswith("Well, then. He")


def test_a_word_longer_than_a_line_has_a_caption_of_its_own():
    long = "x" * 60
    assert lines(spoken(f"a very {long} word", pace=0.6)) == [("a very",), (long,), ("word",)]


def test_a_caption_comes_with_its_first_word_and_stays_a_second_at_least():
    assert times([word("Yes.", 2.0, 2.3)]) == [(2000, 3000)]


def test_a_caption_stays_to_be_read_for_up_to_a_second_and_a_half_after_the_speech():
    hasty = spoken("engineers were planning something with the second bridge", pace=0.1)
    assert times(hasty) == [(0, 800 + 1500)]
    (only,) = times(spoken("a short remark here now", pace=0.2))
    assert only == (0, round(23 * 1000 / 17))


def test_a_caption_of_one_drawn_out_word_goes_after_seven_seconds():
    assert times([word("Ooooh", 1.0, 21.0)]) == [(1000, 8000)]


def test_a_caption_stays_while_any_of_its_words_is_spoken():
    assert times([word("a", 0.0, 3.0), word("b", 1.0, 1.2)]) == [(0, 3000)]


def test_a_gap_is_not_closed_where_the_caption_would_stay_too_long_after_its_speech():
    assert times([word("Yes.", 0.0, 0.1), word("Then.", 1.9, 3.5)]) == [(0, 1000), (1900, 3500)]
    assert times([word("Yes.", 0.0, 0.5), word("Then.", 1.9, 3.5)]) == [(0, 1900 - MIN_GAP), (1900, 3500)]


def test_a_short_gap_before_the_next_caption_is_closed_to_two_frames():
    words = spoken("The boats are kept in winter. We waited for the bus.", pauses={5: 0.9})
    assert times(words) == [(0, 2700 - MIN_GAP), (2700, 4200)]


def test_a_long_gap_before_the_next_caption_stays():
    words = [word("Done.", 0.0, 1.0), word("Then.", 4.0, 5.5)]
    assert times(words) == [(0, 1000), (4000, 5500)]


def test_words_that_all_begin_together_still_give_captions_that_follow_each_other():
    words = [word("x" * 50, 1.0, 1.0)] * 3
    assert times(words) == [(1000, 1001), (1001, 1002), (1002, 2500)]


def test_another_speaker_gets_another_caption_with_a_name_before_it():
    words = said_by(spoken("Is it so? It is. So it is."), [1, 1, 1, 2])
    assert [(one.speaker, one.label, one.lines) for one in cut(words)] == [
        (1, "Speaker 1: ", ("Is it so?",)),
        (2, "Speaker 2: ", ("It is. So it is.",)),
    ]


def test_who_goes_on_speaking_is_not_named_again():
    words = said_by(spoken("Good evening, and welcome. It rains.", pauses={3: 2.0}), [1])
    assert [one.label for one in cut(words)] == ["Speaker 1: ", ""]


def test_a_name_takes_room_in_its_line():
    text = "This is said by whoever speaks first here"
    assert [len(one) for one in lines(spoken(text))[0]] == [41]
    assert lines(said_by(spoken(text), [1])) == [("This is said", "by whoever speaks first here")]


@given(any_stream | conversation)
def test_every_word_is_shown_once_in_a_caption_of_its_speaker_in_order_whatever_the_engine_says(words):
    found = cut(words)
    for speaker in {one.speaker for one in (*words, *found)}:
        said = [one for one in found if one.speaker == speaker]
        shown = [text for one in said for line in one.lines for text in line.split(" ")]
        assert shown == [one.text for one in words if one.speaker == speaker]


@given(any_stream | conversation)
def test_captions_appear_one_after_another_and_are_visible_for_at_most_seven_seconds(words):
    found = cut(words)
    assert all(0 < one.end - one.start <= MAX_DURATION for one in found)
    assert all(a.start < b.start for a, b in itertools.pairwise(found))


@given(any_stream | conversation.map(in_turn))
def test_captions_never_overlap_where_people_talk_one_after_another(words):
    assert all(a.end <= b.start for a, b in itertools.pairwise(cut(words)))


@given(any_stream | conversation)
def test_captions_of_one_speaker_never_overlap(words):
    found = cut(words)
    for speaker in {one.speaker for one in found}:
        said = [one for one in found if one.speaker == speaker]
        assert all(a.end <= b.start for a, b in itertools.pairwise(said))


def test_where_two_people_talk_at_once_each_has_captions_of_their_own():
    one = said_by(spoken("We kept the boats in winter. They are old."), [1])
    two = said_by(spoken("Nobody told me that. I am sorry.", start=1.0), [2])
    found = cut(together(one, two))
    assert [(each.label + " ".join(each.lines), each.start, each.end) for each in found] == [
        ("Speaker 1: We kept the boats in winter.", 0, 1720),
        ("Speaker 2: Nobody told me that.", 1000, 2120),
        ("Speaker 1: They are old.", 1800, 3212),
        ("Speaker 2: I am sorry.", 2200, 3494),
    ]


def test_a_short_word_said_while_another_one_talks_stays_for_a_second():
    one = said_by(spoken("We kept all of the boats in winter, and nobody told us why."), [1])
    two = said_by([word("Yes.", 0.95, 1.15)], [2])
    assert [(each.start, each.end) for each in cut(together(one, two)) if each.speaker == 2] == [(950, 1950)]


@given(any_stream | conversation)
def test_captions_have_one_or_two_lines_of_42_characters_but_for_longer_words(words):
    for one in cut(words):
        assert 1 <= len(one.lines) <= 2
        first, *second = one.lines
        assert all(len(line) <= USUAL.width for line in (one.label + first, *second)) or (
            len(one.lines) == 1 and " " not in one.lines[0]
        )


@given(any_stream)
def test_no_caption_shows_a_word_before_its_first_word_is_spoken(words):
    first = 0
    for one in cut(words):
        assert one.start >= milliseconds(words[first].start)
        first += sum(len(line.split(" ")) for line in one.lines)


@given(ordinary)
def test_in_ordinary_speech_captions_are_on_time_and_stay_a_second(words):
    found = cut(words)
    starts = {milliseconds(one.start) for one in words}
    assert all(one.start in starts for one in found)
    # Words of up to 0.8 s: two captions of which one lacks its second would have fitted into one.
    assert all(one.end - one.start >= MIN_DURATION for one in found)


@given(ordinary)
def test_in_ordinary_speech_the_gap_is_two_frames_or_a_second_and_shorter_only_for_the_second(words):
    found = cut(words)
    for a, b in itertools.pairwise(found):
        gap = b.start - a.end
        short = a.end - a.start == MIN_DURATION
        assert gap == MIN_GAP or gap >= CHAINED_GAP or short or a.end - a.start == MAX_DURATION


@given(st.integers(0, 3))
def test_the_same_words_give_the_same_captions(seed):
    words = spoken("some words that are said, and said again. " * (seed + 1))
    assert cut(words) == cut(list(words))


SHAPES = st.builds(
    Shape, width=st.integers(16, 100), lines=st.integers(1, 3), speed=st.integers(5, 50).map(float)
)


@given(any_stream | conversation.map(in_turn), SHAPES)
def test_captions_of_any_shape_hold_all_words_in_lines_that_fit(words, shape):
    found = captions(words, sentences(words), shape=shape)
    shown = [text for one in found for line in one.lines for text in line.split(" ")]
    assert shown == [one.text for one in words]
    assert all(a.end <= b.start for a, b in itertools.pairwise(found))
    for one in found:
        assert 1 <= len(one.lines) <= shape.lines
        first, *more = one.lines
        assert all(len(line) <= shape.width for line in (one.label + first, *more)) or (
            len(one.lines) == 1 and " " not in one.lines[0]
        )


def test_a_narrow_caption_of_one_line_and_a_high_one_of_three():
    words = spoken("When the rain had stopped, we walked all the way home.")
    narrow = captions(words, sentences(words), shape=Shape(width=20, lines=1))
    wanted = ("When the rain had", "stopped, we walked", "all the way home.")
    assert [one.lines for one in narrow] == [(line,) for line in wanted]
    high = captions(words, sentences(words), shape=Shape(width=20, lines=3))
    assert [one.lines for one in high] == [wanted]


def test_a_caption_stays_as_long_as_its_reader_needs():
    words = spoken("Good evening, and welcome.", pace=0.25)
    ends = [captions(words, sentences(words), shape=Shape(speed=one))[0].end for one in (12.0, 17.0, 30.0)]
    assert ends == [round(26 / 12 * 1000), round(26 / 17 * 1000), MIN_DURATION]


def test_options_give_the_shape_and_the_usual_one_without_any():
    assert Shape.of(Options()) == USUAL == Shape(width=42, lines=2, speed=17.0)
    asked = Options(caption_width=37, caption_lines=1, caption_speed=20)
    assert Shape.of(asked) == Shape(width=37, lines=1, speed=20)
