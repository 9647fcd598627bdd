"""What a correction sends: the words that changed, and no others."""

from __future__ import annotations

import random

import pytest

SOME = ["a", "b", "c", "d", "e", "f"]


@pytest.fixture
def edits_of(open_page):
    page = open_page("/trouble")
    code = "cases => import('/page/recording/edits.js').then(m => cases.map(([old, first, text]) => m.editsOf(old, first, text)))"
    return lambda cases: page.evaluate(code, cases)


def applied(old, first, edits):
    new = list(old)
    for one in reversed(edits):
        new[one["from"] - first : one["to"] - first] = one["text"].split()
    return new


def test_words_that_stay_keep_their_times(edits_of):
    old = ["the", "quick", "brown", "fox", "jumps"]
    assert edits_of(
        [
            [old, 100, "the quick brown fox jumps"],
            [old, 100, "the quick red fox jumps"],
            [old, 100, "the very quick brown fox jumps over"],
            [old, 100, "so the quick brown fox jumps"],
            [old, 100, "the quick fox jumps"],
            [old, 100, "The quick brown fox sleeps"],
            [old, 100, "  "],
        ]
    ) == [
        [],
        [{"from": 102, "to": 103, "text": "red"}],
        [{"from": 100, "to": 101, "text": "the very"}, {"from": 104, "to": 105, "text": "jumps over"}],
        [{"from": 100, "to": 101, "text": "so the"}],
        [{"from": 102, "to": 103, "text": ""}],
        [{"from": 100, "to": 101, "text": "The"}, {"from": 104, "to": 105, "text": "sleeps"}],
        [{"from": 100, "to": 105, "text": ""}],
    ]


def test_edits_give_the_new_text_whatever_changed(edits_of):
    """They are in order, do not overlap, and each replaces at least one word."""
    chance = random.Random(5)
    cases = [
        [
            chance.choices(SOME, k=chance.randint(1, 12)),
            7,
            " ".join(chance.choices(SOME, k=chance.randint(0, 12))),
        ]
        for _ in range(600)
    ]
    for (old, first, text), edits in zip(cases, edits_of(cases), strict=True):
        assert applied(old, first, edits) == text.split(), (old, text, edits)
        ends = [first]
        for one in edits:
            assert ends[-1] <= one["from"] < one["to"] <= first + len(old)
            ends.append(one["to"])
