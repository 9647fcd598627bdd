import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.accuracy.seams import Heard, SeamErrors, seam_errors

SENTENCE = "we met in paris on monday and talked about the new order"


def heard(text, *, seams=(), pace=1.0):
    words = tuple(
        (word, index * pace, index * pace + 0.5) for index, word in enumerate(text.split()) if word != "_"
    )
    return Heard(words=words, seams=tuple(seams))


def test_the_same_words_are_no_error():
    assert seam_errors(heard(SENTENCE), heard(SENTENCE, seams=[(4, 6)])) == SeamErrors(seams=1)


@pytest.mark.parametrize(
    ("text", "lost", "added"),
    [
        ("we met in paris _ monday and talked about the new order", 1, 0),
        ("we met in paris _ _ and talked about the new order", 2, 0),
        ("we met in paris on on monday and talked about the new order", 0, 1),
        ("we met in paris in Monday, and talked about the new order", 0, 0),
    ],
)
def test_words_lost_and_repeated_at_a_seam_are_counted_and_other_words_are_not(text, lost, added):
    chunked = heard(text, seams=[(4.0, 5.0)])
    assert seam_errors(heard(SENTENCE), chunked) == SeamErrors(seams=1, lost=lost, added=added)


@pytest.mark.parametrize(
    ("seam", "lost"), [((0.0, 1.9), 0), ((0.0, 2.0), 1), ((6.0, 9.0), 1), ((6.1, 9.0), 0)]
)
def test_a_difference_further_than_two_seconds_from_an_overlap_is_not_the_seams(seam, lost):
    chunked = heard("we met in paris _ monday and talked about the new order", seams=[seam])
    assert seam_errors(heard(SENTENCE), chunked).lost == lost


def test_without_seams_there_are_no_seam_errors():
    assert seam_errors(heard(SENTENCE), heard("something else entirely")) == SeamErrors()


def test_seam_errors_add_up():
    one, other = SeamErrors(seams=1, lost=2, added=3), SeamErrors(seams=10, lost=20, added=30)
    assert one + other == SeamErrors(seams=11, lost=22, added=33)


@given(st.lists(st.sampled_from("abcde"), min_size=1, max_size=20), st.data())
def test_every_word_taken_out_at_a_seam_is_lost(words, data):
    index = data.draw(st.integers(0, len(words) - 1))
    whole = heard(" ".join(words))
    chunked = Heard(words=whole.words[:index] + whole.words[index + 1 :], seams=((0.0, 100.0),))
    assert seam_errors(whole, chunked) == SeamErrors(seams=1, lost=1)
    assert seam_errors(chunked, Heard(words=whole.words, seams=((0.0, 100.0),))).added == 1


def test_words_in_stretches_that_nobody_transcribed_do_not_count():
    assert heard("a b c d e").without([(1.0, 3.0)]).text == "a d e"
