"""The words after a person's edits."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import BadRequest
from shared.flow.reading.corrections import Edit, changes, corrected
from shared.results import Word
from tests.outputs.streams import said_by, spoken


def words(*items):
    return tuple(
        Word(text=text, start=start, end=end, confidence=0.5, speaker=1) for text, start, end in items
    )


SAID = words(("I", 0.0, 0.2), ("scream", 0.2, 0.8), ("every", 1.0, 1.4), ("day", 1.4, 2.0))


def times(found):
    return [(one.text, round(one.start, 3), round(one.end, 3)) for one in found]


def test_new_words_share_the_time_of_those_that_they_replace_by_their_lengths():
    found = corrected(SAID, (Edit(first=1, stop=3, text="eat ice cream."),))
    # 12 letters from 0.2 s to 1.4 s.
    assert times(found) == [
        ("I", 0.0, 0.2), ("eat", 0.2, 0.5), ("ice", 0.5, 0.8), ("cream.", 0.8, 1.4), ("day", 1.4, 2.0),
    ]  # fmt: skip
    assert [one.confidence for one in found] == [0.5, 1.0, 1.0, 1.0, 0.5]
    assert {one.speaker for one in found} == {1}


def test_as_many_words_take_the_times_one_by_one_and_words_that_stay_keep_theirs():
    found = corrected(SAID, (Edit(first=0, stop=4, text="I dream every night"),))
    assert times(found) == [("I", 0.0, 0.2), ("dream", 0.2, 0.8), ("every", 1.0, 1.4), ("night", 1.4, 2.0)]
    assert [one.confidence for one in found] == [0.5, 1.0, 0.5, 1.0]


def test_words_are_deleted_and_inserted_where_there_is_room():
    assert times(corrected(SAID, (Edit(first=2, stop=4, text=" "),))) == times(SAID[:2])
    found = corrected(SAID, (Edit(first=2, stop=2, text="loudly"), Edit(first=4, stop=4, text="again now")))
    assert times(found)[2] == ("loudly", 0.8, 1.0)
    assert times(found)[-2:] == [("again", 2.0, 2.375), ("now", 2.375, 2.6)]
    assert times(corrected((), (Edit(first=0, stop=0, text="hello"),))) == [("hello", 0.0, 0.3)]


def test_edits_count_in_the_words_before_and_may_change_the_speaker():
    found = corrected(
        SAID, (Edit(first=3, stop=4, text="day.", speaker=2), Edit(first=0, stop=1, text="We all"))
    )
    assert [one.text for one in found] == ["We", "all", "scream", "every", "day."]
    assert [one.speaker for one in found] == [1, 1, 1, 1, 2]


@pytest.mark.parametrize(
    ("edits", "told"),
    [
        ([Edit(first=3, stop=9, text="a")], "no words 3 to 9"),
        ([Edit(first=-1, stop=1, text="a")], "no words -1 to 1"),
        ([Edit(first=2, stop=1, text="a")], "no words 2 to 1"),
        ([Edit(first=0, stop=2, text="a"), Edit(first=1, stop=3, text="b")], "Two edits change word 1"),
        ([Edit(first=1, stop=1, text="a"), Edit(first=1, stop=1, text="b")], "Two edits change word 1"),
        ([Edit(first=0, stop=1, text="a" * 1_000_001)], "Split it"),
        ([Edit(first=0, stop=1, text="a", speaker=0)], "no speaker 0"),
    ],
)
def test_an_edit_that_does_not_fit_is_refused(edits, told):
    with pytest.raises(BadRequest, match=told):
        corrected(SAID, edits)


texts = st.lists(st.sampled_from(["a", "b", "c", "dd", "eee"]), max_size=12)


@given(texts, texts, st.randoms(use_true_random=False))
def test_whatever_is_corrected_words_are_those_asked_for_and_starts_never_decrease(before, after, random):
    said, at = [], 0.0
    for text in before:
        at += random.choice([0.0, 0.1, 1.0])
        said.append(Word(text=text, start=at, end=at + random.choice([0.0, 0.2, 2.0]), confidence=0.5))
    found = corrected(said, changes(said, after))
    assert [one.text for one in found] == after
    assert all(one.end >= one.start >= 0 for one in found)
    assert all(a.start <= b.start for a, b in pairwise(found))


def test_words_after_which_a_paragraph_of_another_speaker_begins_earlier_keep_their_time():
    one = said_by(spoken("We kept the boats."), [1])
    two = said_by(spoken("Nobody told me.", start=0.5), [2])
    found = corrected([*one, *two], (Edit(first=3, stop=4, text="big ships."),))
    assert times(found)[3:5] == [("big", 0.9, 1.0), ("ships.", 1.0, 1.2)]
