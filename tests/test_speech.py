"""The speech that other tests and benchmarks listen to, and the way they count errors."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.speech import SAMPLE_RATE, sentences, talk, text_of, word_errors


@pytest.mark.parametrize(
    ("reference", "hypothesis", "errors"),
    [
        ("one two three", "one two three", 0),
        ("one two three", "one four three", 1),
        ("one two three", "one three", 1),
        ("one two three", "one two two three", 1),
        ("one two three", "", 3),
        ("", "one two", 2),
        ("a b c d", "b c d e", 2),
        ("a b c d", "d c b a", 4),
        ("the driver lost the invoice", "a driver lost invoice near rome", 4),
    ],
)
def test_errors_are_the_fewest_edits(reference, hypothesis, errors):
    assert word_errors(reference, hypothesis) == (errors, len(reference.split()))


words = st.lists(st.sampled_from("abcd"), max_size=12)


@given(words, words)
def test_errors_equal_the_textbook_recursion(reference, hypothesis):
    row = list(range(len(hypothesis) + 1))
    for i, wanted in enumerate(reference, start=1):
        above, row = row, [i]
        for j, got in enumerate(hypothesis, start=1):
            row.append(min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (wanted != got)))
    assert word_errors(" ".join(reference), " ".join(hypothesis))[0] == row[-1]


def test_the_bundle_holds_two_hundred_sentences_with_the_times_of_every_word():
    assert len(sentences()) == 200
    for sentence in sentences():
        assert [word for word, _, _ in sentence.words] == sentence.text.split()
        bounds = [time for _, start, end in sentence.words for time in (start, end)]
        assert bounds == sorted(bounds)
        assert bounds[0] >= 0
        assert bounds[-1] <= len(sentence.samples) / SAMPLE_RATE


def test_words_lie_on_sound_and_sentences_end_in_silence():
    for sentence in sentences():
        loudness = np.abs(sentence.samples.astype(int))
        for word, start, end in sentence.words:
            heard = loudness[round(start * SAMPLE_RATE) : round(end * SAMPLE_RATE)]
            assert heard.max() > 1000, f"no sound at {word!r} in {sentence.text!r}"
        assert loudness[-SAMPLE_RATE // 50 :].max() < 1000


def test_talk_has_the_length_asked_for_and_is_the_same_for_the_same_seed():
    first, first_words = talk(60, seed=3)
    second, second_words = talk(60, seed=3)
    other, _ = talk(60, seed=4)
    assert len(first) == 60 * SAMPLE_RATE
    assert np.array_equal(first, second)
    assert first_words == second_words
    assert not np.array_equal(first, other)


def test_the_words_of_talk_are_where_it_says():
    audio, truth = talk(60, seed=3, gain=(0, 0), noise=float("-inf"), pause=(0.5, 0.5))
    texts = {sentence.text: sentence for sentence in sentences()}
    first = next(text for text in texts if text_of(truth).startswith(text + " "))
    start = SAMPLE_RATE // 2
    expected = texts[first].samples
    assert not audio[:start].any()
    assert np.array_equal(audio[start : start + len(expected)], expected)
    assert truth[0].start == pytest.approx(0.5 + texts[first].words[0].start)


def test_noise_has_the_level_asked_for():
    audio, truth = talk(20, seed=1, pause=(10, 10), noise=-40)
    quiet = audio[: round((truth[0].start - 0.5) * SAMPLE_RATE)].astype(float) / 32768
    assert 20 * np.log10(quiet.std()) == pytest.approx(-40, abs=0.5)


def test_an_hour_comes_in_seconds_and_no_sentence_is_said_twice_before_all_are_said_once():
    _, truth = talk(3600, seed=0)
    assert 7000 < len(truth) < 9000
    once = sum(len(sentence.words) for sentence in sentences())
    said = sorted(word for word, _, _ in truth[:once])
    assert said == sorted(word for sentence in sentences() for word, _, _ in sentence.words)
