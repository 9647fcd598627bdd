import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.outputs.printable import in_seconds, milliseconds, one_line, tidy
from shared.results import Word
from tests.outputs.streams import word


@pytest.mark.parametrize(
    ("seconds", "expected"), [(0.0, 0), (0.0004, 0), (1.0006, 1001), (43199.9996, 43_200_000), (-0.02, 0)]
)
def test_times_are_rounded_to_milliseconds_and_never_before_the_recording(seconds, expected):
    assert milliseconds(seconds) == expected


@given(st.floats(0, 50_000), st.floats(0, 50_000))
def test_rounding_keeps_the_order_of_times(a, b):
    assert (milliseconds(a) <= milliseconds(b)) or a > b


@pytest.mark.parametrize(
    ("time", "text"), [(0, "0.000"), (7, "0.007"), (7250, "7.250"), (86_400_001, "86400.001")]
)
def test_milliseconds_are_written_as_seconds_with_three_decimals(time, text):
    assert in_seconds(time) == text


def test_words_that_are_fine_pass_as_they_are():
    words = (word("Grüße,", 0.0, 0.5), word("日本", 0.5, 0.6))
    assert all(a is b for a, b in zip(tidy(words), words, strict=True))


def test_white_space_and_control_characters_inside_a_word_become_one_space():
    words = [word(" a\n\nb\u2028c\x00 \ufeffd\x85", 1.0, 2.0)]
    assert tidy(words) == (Word(text="a b c d", start=1.0, end=2.0, confidence=0.9),)


def test_spaces_around_a_word_are_removed():
    assert [one.text for one in tidy([word(" a  b ", 1.0, 2.0)])] == ["a b"]


def test_a_word_without_text_is_left_out():
    assert tidy([word("", 0, 1), word(" \t", 1, 2), word("\x00", 2, 3)]) == ()


def test_characters_that_join_emoji_and_set_direction_stay():
    assert one_line("👩‍👩‍👧") == "👩‍👩‍👧"
    assert one_line("\u200fשש") == "\u200fשש"


@given(st.text(alphabet=st.characters(categories=None)))
def test_any_text_becomes_one_line_that_utf_8_can_write(text):
    line = one_line(text)
    assert line.encode("utf-8").decode("utf-8").splitlines() in ([], [line])
    assert one_line(line) == line
