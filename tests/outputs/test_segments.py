import itertools

import pytest
from hypothesis import given

from shared.outputs.segments import LONG_PAUSE, LONG_SEGMENT, ends_sentence, paragraphs, sentences, turns
from shared.results import Word
from tests.outputs.streams import any_stream, conversation, in_turn, ordinary, said_by, spoken, together, word


def texts(words):
    return [one.text for one in sentences(words)]


@pytest.mark.parametrize(
    ("text", "following", "pause", "expected"),
    [
        ("home.", "We", 0.0, True),
        ("home?", "We", 0.0, True),
        ("home!”", "We", 0.0, True),
        ("home.)", "We", 0.0, True),
        ("そうです。", "はい", 0.0, True),
        ("home", "We", 1.0, False),
        ("home,", "We", 1.0, False),
        ("3.5", "Miles", 0.0, False),
        ("home…", "and", 0.0, False),
        ("home.", "“and", 0.0, False),
        ("Mr.", "Smith", 0.0, False),
        ("(Dr.", "Smith", 0.0, False),
        ("J.", "Smith", 0.0, False),
        ("z.B.", "Hunde", 0.1, False),
        ("3.", "März", 0.0, False),
        ("1999.", "The", 0.0, True),
        ("p.m.", "The", 0.5, True),
        ("Mr.", "", 0.0, True),
        ("...", "The", 0.0, True),
    ],
)
def test_a_sentence_ends_at_its_punctuation_but_not_at_an_abbreviation(text, following, pause, expected):
    assert ends_sentence(text, following, pause) is expected


def test_sentences_are_cut_at_their_punctuation_and_not_at_short_pauses():
    words = spoken("Mr. Smith came home. He slept. And then", pauses={1: 1.0})
    assert texts(words) == ["Mr. Smith came home.", "He slept.", "And then"]


def test_a_pause_of_two_seconds_ends_a_segment_whatever_the_punctuation():
    words = spoken("we came home, and slept.", pauses={2: 2.0})
    assert texts(words) == ["we came home,", "and slept."]


def test_without_punctuation_pauses_of_seven_tenths_end_a_segment():
    words = spoken("we came home and slept", pauses={0: 0.6, 2: 0.75})
    assert texts(words) == ["we came home", "and slept"]


def test_in_a_recording_that_is_punctuated_in_part_each_part_gets_its_own_rule():
    words = spoken("We came, then. home and slept", pauses={1: 0.8, 2: 2.5, 3: 0.8})
    assert texts(words) == ["We came, then.", "home", "and slept"]


def test_a_stretch_without_any_pause_is_cut_at_its_widest_gap():
    words = spoken(" ".join(["word"] * 100), pace=0.5, pauses={40: 0.1, 70: 0.05})
    assert [one.last for one in sentences(words)] == [40, 99]


def test_without_any_gap_such_a_stretch_is_cut_after_half_a_minute():
    words = spoken(" ".join(["word"] * 100), pace=0.5)
    assert [one.last for one in sentences(words)] == [59, 99]


def test_such_a_cut_leaves_no_snippet_of_less_than_five_seconds():
    words = spoken(" ".join(["word"] * 100), pace=0.5, pauses={3: 0.5, 40: 0.1})
    assert [one.last for one in sentences(words)] == [40, 99]


def test_a_sentence_of_more_than_half_a_minute_is_cut_at_its_pauses():
    words = spoken(" ".join(["word"] * 69) + " end.", pace=0.5, pauses={20: 0.8})
    assert [one.last for one in sentences(words)] == [20, 69]


def test_a_segment_spans_its_words():
    words = [word("a", 1.0, 3.0), word("b.", 1.5, 2.0)]
    (one,) = sentences(words)
    assert (one.first, one.last, one.start, one.end, one.text) == (0, 1, 1.0, 3.0, "a b.")


def test_silence_has_no_segments_and_no_paragraphs():
    assert sentences([]) == []
    assert paragraphs([], []) == []


def test_a_paragraph_ends_at_a_long_pause():
    words = spoken("One. Two. Three.", pauses={0: 1.9, 1: 2.0})
    assert [one.text for one in paragraphs(words, sentences(words))] == ["One. Two.", "Three."]


def test_a_paragraph_ends_with_its_sentence_once_it_is_long():
    words = spoken(" ".join(["A sentence of just forty-one characters."] * 30))
    blocks = paragraphs(words, sentences(words))
    assert [one.text.count(".") for one in blocks] == [13, 13, 4]


@given(any_stream | conversation)
def test_every_word_is_in_exactly_one_segment_and_one_paragraph(words):
    segments = sentences(words)
    for parts in (segments, paragraphs(words, segments)):
        said = [
            index
            for one in parts
            for index in range(one.first, one.last + 1)
            if words[index].speaker == one.speaker
        ]
        assert sorted(said) == list(range(len(words)))
        assert sum(one.count for one in parts) == len(words)
        assert [one.first for one in parts] == sorted(one.first for one in parts)
    ends = {one.last for one in segments}
    assert all(one.last in ends for one in paragraphs(words, segments))


def test_another_speaker_ends_a_segment_and_a_paragraph_in_the_middle_of_a_sentence():
    words = said_by(spoken("I wanted to no you did not want. Fine."), [1, 1, 1, 2, 2, 2, 2, 2, 1])
    segments = sentences(words)
    assert [(one.speaker, one.text) for one in segments] == [
        (1, "I wanted to"),
        (2, "no you did not want."),
        (1, "Fine."),
    ]
    assert [(one.speaker, one.text) for one in paragraphs(words, segments)] == [
        (one.speaker, one.text) for one in segments
    ]


def test_a_turn_goes_from_the_first_word_of_a_speaker_to_the_latest_end_and_words_of_nobody_are_in_none():
    words = [
        Word(text="a", start=start, end=end, confidence=0.9, speaker=speaker)
        for start, end, speaker in [
            (0.0, 0.9, 1),
            (0.5, 0.7, 1),
            (1.0, 1.2, None),
            (1.5, 2.0, 2),
            (2.0, 2.5, 1),
        ]
    ]
    assert list(turns(words)) == [(1, 0.0, 0.9), (2, 1.5, 2.0), (1, 2.0, 2.5)]


def test_a_paragraph_of_one_speaker_holds_many_segments():
    words = said_by(spoken("One. Two. Three."), [2])
    assert [(one.speaker, one.text) for one in paragraphs(words, sentences(words))] == [
        (2, "One. Two. Three.")
    ]


@given(conversation.map(in_turn))
def test_segments_and_paragraphs_are_of_one_speaker_where_people_talk_one_after_another(words):
    segments = sentences(words)
    for one in (*segments, *paragraphs(words, segments)):
        assert {word.speaker for word in words[one.first : one.last + 1]} == {one.speaker}


def test_a_sentence_stays_whole_while_another_speaker_talks():
    one = said_by(spoken("We kept the boats in winter. They are old."), [1])
    two = said_by(spoken("Nobody told me that. I am sorry.", start=0.95), [2])
    words = together(one, two)
    segments = sentences(words)
    whole = [
        (1, "We kept the boats in winter."),
        (2, "Nobody told me that."),
        (1, "They are old."),
        (2, "I am sorry."),
    ]
    assert [(one.speaker, one.text) for one in segments] == whole
    assert [(one.speaker, one.text) for one in paragraphs(words, segments)] == whole
    assert [(one.first, one.last, one.count) for one in segments] == [
        (0, 7, 6),
        (4, 10, 4),
        (9, 13, 3),
        (12, 15, 3),
    ]


def test_a_pause_in_which_another_speaker_talks_without_an_overlap_ends_a_segment():
    words = said_by(spoken("I wanted to no go home", pauses={2: 0.1, 3: 0.1}), [1, 1, 1, 2, 1, 1])
    assert texts(words) == ["I wanted to", "no", "go home"]


@given(ordinary)
def test_no_segment_hides_a_long_pause_or_runs_on_for_long(words):
    for one in sentences(words):
        inside = words[one.first : one.last + 1]
        assert all(b.start - a.end < LONG_PAUSE for a, b in itertools.pairwise(inside))
        assert one.end - one.start <= LONG_SEGMENT
