import numpy as np
import pytest

from gpu_job.speech.words import Tokens, words

PIECES = (" one", " tw", "o", ".", " ", " .", " $", "5", "<unk>", " <|en|>", "'", "s")
INDEX = {piece: index for index, piece in enumerate(PIECES)}


def tokens(*rows):
    """Each row: piece, frame, duration, confidence."""
    pieces, frames, durations, confidences = zip(*rows, strict=True) if rows else ((), (), (), ())
    return Tokens(
        ids=np.array([INDEX[piece] for piece in pieces], np.int32),
        frames=np.array(frames, np.int32),
        durations=np.array(durations, np.int32),
        confidences=np.array(confidences, np.float32),
    )


def heard(*rows):
    return words(tokens(*rows), PIECES, 0.08)


def test_no_tokens_are_no_words():
    assert heard() == ()


def test_a_leading_space_begins_a_word_and_other_tokens_go_on_with_it():
    one, two = heard((" one", 0, 2, 0.9), (" tw", 10, 1, 0.8), ("o", 11, 3, 0.5))
    assert (one.text, one.start, one.end) == ("one", 0.0, 0.16)
    assert (two.text, two.start, two.end) == ("two", 0.8, 1.12)


def test_the_confidence_of_a_word_is_the_product_of_its_tokens():
    (two,) = heard((" tw", 0, 1, 0.8), ("o", 1, 1, 0.5))
    assert two.confidence == pytest.approx(0.4)


def test_a_word_ends_where_the_next_begins_at_the_latest():
    one, two = heard((" one", 0, 4, 1.0), (" tw", 2, 4, 1.0))
    assert (one.end, two.end) == (0.16, 0.48)


def test_a_token_of_no_duration_lasts_a_frame_unless_the_next_word_is_there():
    assert heard((" one", 5, 0, 1.0))[0].end == 0.48
    one, _ = heard((" one", 5, 0, 1.0), (" tw", 5, 1, 1.0))
    assert one.start == one.end == 0.4


@pytest.mark.parametrize("mark", [".", " ."])
def test_punctuation_attaches_to_the_word_before_without_moving_its_end_or_confidence(mark):
    (one,) = heard((" one", 0, 2, 0.9), (mark, 30, 4, 0.1))
    assert (one.text, one.end) == ("one.", 0.16)
    assert one.confidence == pytest.approx(0.9)


def test_a_space_of_its_own_begins_the_word_that_follows():
    assert [word.text for word in heard((" one", 0, 1, 1.0), (" ", 3, 0, 1.0), ("5", 3, 1, 1.0))] == [
        "one",
        "5",
    ]


def test_a_sign_that_opens_stays_with_what_follows():
    assert [word.text for word in heard((" one", 0, 1, 1.0), (" $", 3, 0, 1.0), ("5", 3, 1, 1.0))] == [
        "one",
        "$5",
    ]


def test_an_apostrophe_inside_a_word_stays_inside():
    (word,) = heard((" one", 0, 1, 1.0), ("'", 1, 0, 1.0), ("s", 1, 2, 1.0))
    assert (word.text, word.end) == ("one's", 0.24)


def test_marks_for_programs_are_not_text():
    assert [
        word.text for word in heard((" <|en|>", 0, 1, 1.0), (" one", 1, 1, 1.0), ("<unk>", 2, 1, 1.0))
    ] == ["one"]


def test_a_window_that_starts_inside_a_word_starts_a_word():
    assert [word.text for word in heard(("o", 0, 1, 1.0), (" one", 2, 1, 1.0))] == ["o", "one"]


def test_punctuation_with_no_word_before_it_is_kept():
    assert [word.text for word in heard((" .", 0, 1, 1.0), (" one", 2, 1, 1.0))] == [".", "one"]
