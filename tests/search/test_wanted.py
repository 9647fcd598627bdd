"""What a person types to search."""

from __future__ import annotations

import pytest

from shared.search.wanted import phrases


@pytest.mark.parametrize(
    ("typed", "wanted"),
    [
        ("one two", ("one", "two")),
        ('"one two" three', ("one two", "three")),
        ('one "two three', ("one", "two three")),
        ('a""b', ("a", "b")),
        (" . one ... ", ("one",)),
        ("3.5%", ("3.5%",)),
        ("日本語", ("日本語",)),
    ],
)
def test_words_and_phrases_are_told_apart(typed, wanted):
    assert phrases(typed) == wanted


def test_control_characters_are_no_marks():
    assert phrases("a\x01b\x02") == phrases("a\x01b\x02")
    assert "\x01" not in phrases("a\x01b")[0]
