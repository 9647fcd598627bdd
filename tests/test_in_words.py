"""Lengths, sizes and money as people write them."""

from __future__ import annotations

import json

import pytest

from shared.in_words import (
    broken_off,
    dollars,
    encodable,
    human_duration,
    human_size,
    listed,
    printable,
    printable_json,
)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, "unknown length"), (3.21, "3.2 s"), (60, "1 min"), (725, "12 min 5 s"), (9660, "2 h 41 min")],
)
def test_lengths_are_told_as_people_say_them(seconds, text):
    assert human_duration(seconds) == text


@pytest.mark.parametrize(
    ("size", "said"),
    [
        (0, "0 bytes"), (999, "999 bytes"), (1000, "1 kB"), (212_400, "212 kB"), (999_600, "1000 kB"), (3_440_000, "3.4 MB"),
        (9_960_000, "10 MB"), (12_000_000, "12 MB"), (49_600_000, "50 MB"), (1_234_000_000, "1.2 GB"),
    ],
)  # fmt: skip
def test_a_size_is_told_in_the_unit_that_shows_it(size, said):
    assert human_size(size) == said


@pytest.mark.parametrize(
    ("names", "word", "text"),
    [
        ([], "and", ""),
        (["Parakeet"], "and", "Parakeet"),
        (["parakeet", "deepgram"], "or", "parakeet or deepgram"),
        (["1", "2", "3"], "and", "1, 2 and 3"),
    ],
)
def test_names_are_listed_with_commas_and_one_word(names, word, text):
    assert listed(iter(names), word) == text


@pytest.mark.parametrize(
    ("usd", "text"),
    [
        (0, "$0"), (1234.5, "$1,234.50"), (1.2345, "$1.23"), (0.1, "$0.10"), (0.258, "$0.2580"), (0.05, "$0.05"),
        (0.0043, "$0.0043"), (0.001, "$0.0010"), (0.00072, "$0.00072"), (0.0000007249, "$0.00000072"),
        (2e-9, "$0.0000000020"), (-0.02, "-$0.02"), (1e-17, "$0"),
    ],
)  # fmt: skip
def test_dollars_are_told_with_the_digits_that_small_amounts_need(usd, text):
    assert dollars(usd) == text


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("talk.mp3", "talk.mp3"),
        (
            "é 😀 👩\u200d👩 \u0645\u06cc\u200c\u062e\u0648 会議\u3000録音.mp3",
            "é 😀 👩\u200d👩 \u0645\u06cc\u200c\u062e\u0648 会議\u3000録音.mp3",
        ),
        ("a\x1b[31mb\r\n.mp3", r"a\x1b[31mb\r\n.mp3"),
        ("a\x9b2J\x7f\x07", r"a\x9b2J\x7f\x07"),
        ("a\u202e3pm.exe\u2066", r"a\u202e3pm.exe\u2066"),
        ("a\u2028b\ufeff", r"a\u2028b\ufeff"),
        ("caf\udce9.mp3", r"caf\udce9.mp3"),
        ("a\tb", r"a\tb"),
        ("\U000e0041", r"\U000e0041"),
    ],
)
def test_names_of_others_cannot_move_the_cursor_forge_a_line_or_look_like_another(name, shown):
    assert printable(name) == shown
    assert printable(shown) == shown


def test_a_text_of_several_lines_keeps_them_and_nothing_else():
    assert printable("a\n\tb\r\x1b", lines=True) == "a\n\tb\\r\\x1b"


def test_json_stays_what_it_was():
    told = {"name": "a\x9b\u202e\U000e0041\x7f\udce9 é\n\x1b", "more": [1]}
    shown = printable_json(json.dumps(told, ensure_ascii=False, indent=2))
    assert json.loads(shown) == told
    assert printable(shown, lines=True) == shown
    assert "é" in shown


def test_what_breaks_off_says_how_far_it_came_if_it_came_anywhere():
    assert broken_off("Locked.", 0, 8, "recording", "continued") == "Locked."
    assert (
        broken_off("Locked.", 3, 8, "recording", "continued")
        == "Locked. 3 of 8 recordings were continued before. Do the same again for the others."
    )


def test_half_characters_are_replaced_where_a_name_is_not_utf_8():
    name = b"caf\xe9.mp3".decode("utf-8", "surrogateescape")
    assert encodable(name) == "caf\ufffd.mp3"
