import builtins

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.evaluation import accuracy
from local.evaluation.accuracy import Errors, changes, interval, normaliser, score, total
from shared.errors import ConfigurationError
from tests.speech import word_errors

WORDS = st.lists(st.sampled_from(["a", "b", "c", "d"]), max_size=30)


def counts(errors):
    return errors.words, errors.substitutions, errors.deletions, errors.insertions


@pytest.mark.parametrize(
    ("reference", "hypothesis", "expected"),
    [
        ("a b c", "a b c", (3, 0, 0, 0)),
        ("a b c", "a x c", (3, 1, 0, 0)),
        ("a b c", "a c", (3, 0, 1, 0)),
        ("a b c", "a b x c", (3, 0, 0, 1)),
        ("a b c", "", (3, 0, 3, 0)),
        ("", "a b", (0, 0, 0, 2)),
        ("", "", (0, 0, 0, 0)),
        ("a b c d", "x y", (4, 2, 2, 0)),
    ],
)
def test_each_kind_of_error_is_counted(reference, hypothesis, expected):
    assert counts(total(score(reference, hypothesis))) == expected


@given(WORDS, WORDS, st.integers(1, 10))
def test_the_errors_are_the_fewest_however_the_recording_is_cut_into_blocks(said, written, block):
    blocks = score(" ".join(said), " ".join(written), block=block)
    errors, words = word_errors(" ".join(said), " ".join(written))
    assert (total(blocks).total, total(blocks).words) == (errors, words)
    assert all(0 < one.words <= block for one in blocks) or not words
    assert all(min(counts(one)) >= 0 for one in blocks)


def test_an_error_counts_in_the_block_of_its_word():
    said = [f"w{index}" for index in range(100)]
    written = [*said[:10], "x", *said[11:60], *said[61:], "y"]
    first, second = score(" ".join(said), " ".join(written), block=50)
    assert counts(first) == (50, 1, 0, 0)
    assert counts(second) == (50, 0, 1, 1)


def test_the_rate_of_words_where_nothing_was_said_is_infinite():
    assert Errors(insertions=1).rate == float("inf")
    assert Errors().rate == 0
    assert Errors(words=200, substitutions=1, deletions=2, insertions=3).rate == 0.03


def test_changes_lead_from_what_was_said_to_what_was_written():
    assert changes(["a", "b", "c"], ["a", "x", "c", "d"]) == [
        ("equal", 0, 1, 0, 1),
        ("replace", 1, 2, 1, 2),
        ("equal", 2, 3, 2, 3),
        ("insert", 3, 3, 3, 4),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Mr. Smith won't pay $20 million.", "mister smith will not pay $20000000"),
        ("Um, the colour [noise] is, uh, grey", "the color is gray"),
        ("twenty one percent", "21%"),
        ("I'll see   YOU (laughs) at 3,000 feet", "i will see you at 3000 feet"),
        ("", ""),
    ],
)
def test_english_is_normalised_as_the_open_asr_leaderboard_does(text, expected):
    assert normaliser()(text) == expected


@pytest.mark.parametrize(
    ("language", "expected"), [("de", "zwanzig äpfel um drei"), ("en-GB", "zwanzig apfel drei")]
)
def test_other_languages_lose_case_and_punctuation_only(language, expected):
    assert normaliser(language)("Zwanzig Äpfel, um drei!") == expected


def test_without_errors_the_interval_is_nothing():
    assert interval([Errors(words=10)] * 5) == (0.0, 0.0)
    assert interval([]) == (0.0, 0.0)


def test_where_all_utterances_are_alike_the_interval_is_the_rate():
    assert interval([Errors(words=20, deletions=1)] * 8) == (0.05, 0.05)


def test_the_interval_is_that_of_the_normal_approximation_where_there_are_many_utterances():
    # 400 utterances of 10 words, one word in half of them wrong: rate 5 %, its deviation 0.05 / sqrt(400).
    utterances = [Errors(words=10, substitutions=index % 2) for index in range(400)]
    low, high = interval(utterances)
    assert low == pytest.approx(0.05 - 1.96 * 0.0025, abs=0.0005)
    assert high == pytest.approx(0.05 + 1.96 * 0.0025, abs=0.0005)


def test_the_same_seed_gives_the_same_interval():
    utterances = [Errors(words=10, substitutions=index % 3) for index in range(30)]
    assert interval(utterances, seed=1) == interval(utterances, seed=1)
    assert interval(utterances, seed=1) != interval(utterances, seed=2)


def test_utterances_without_a_word_neither_said_nor_written_do_not_count():
    assert interval([Errors(words=20, deletions=1)] * 8 + [Errors()] * 50) == (0.05, 0.05)


@pytest.mark.parametrize(
    ("package", "call"),
    [("whisper_normalizer", normaliser), ("rapidfuzz", lambda: changes(["a"], ["b"]))],
)
def test_a_missing_package_is_named_with_the_command_that_installs_it(monkeypatch, package, call):
    load = builtins.__import__

    def without(name, *arguments, **keywords):
        if name.split(".")[0] == package:
            raise ImportError(name)
        return load(name, *arguments, **keywords)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ConfigurationError, match=r"pip install 'dropscribe\[models\]'"):
        call()


def test_the_block_is_about_twenty_seconds_of_speech():
    assert accuracy.BLOCK / 150 * 60 == 20
