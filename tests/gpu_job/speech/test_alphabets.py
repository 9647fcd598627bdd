"""Tokens in other alphabets than that of the language that was asked for."""

from __future__ import annotations

import numpy as np
import pytest

from gpu_job.speech import alphabets

PIECES = (" the", "ing", "é", " при", "вет", "λόγος", "٣", "7", ".", "<unk>", "<blk>", " a1", "日")
LATIN, CYRILLIC, GREEK = {0, 1, 2, 9, 10, 11}, {3, 4}, {5}


@pytest.mark.parametrize(
    ("language", "out"),
    [("en", CYRILLIC | GREEK), ("pl-PL", CYRILLIC | GREEK), ("el", LATIN | CYRILLIC), ("uk", LATIN | GREEK)],
)
def test_a_language_rules_out_the_letters_of_other_alphabets_and_nothing_else(language, out):
    # What stands for no text, such as the blank, has no letters of a language.
    found = alphabets.penalty(PIECES, language)
    assert set(np.flatnonzero(np.isneginf(found))) == out - {9, 10}
    assert set(found[np.isfinite(found)]) == {0.0}


@pytest.mark.parametrize("language", [None, "mul", "ja"])
def test_without_a_language_or_with_several_nothing_is_ruled_out(language):
    assert alphabets.penalty(PIECES, language) is None


def test_a_vocabulary_of_one_alphabet_costs_nothing():
    assert alphabets.penalty((" the", "ing"), "en") is None


def test_windows_that_are_alike_share_a_row():
    assert alphabets.penalties(PIECES, [None, None]) is None
    assert alphabets.penalties(PIECES, ["en", "de"]).shape == (1, len(PIECES))
    mixed = alphabets.penalties(PIECES, ["en", None, "ru"])
    assert mixed.shape == (3, len(PIECES))
    assert np.array_equal(np.isneginf(mixed).any(axis=1), [True, False, True])
