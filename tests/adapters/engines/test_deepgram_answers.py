"""What Deepgram says, whatever it says, as words and errors."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.adapters.engines.deepgram_answers import heard, quoted, refusal
from shared.errors import DropscribeError, EngineFailed
from shared.messages import encode
from tests.deepgram_server import answer

NUMBERS = st.none() | st.floats(allow_nan=True, allow_infinity=True)
WORDS = st.lists(
    st.fixed_dictionaries(
        {"word": st.text(max_size=5)},
        optional={
            "punctuated_word": st.none() | st.text(max_size=5),
            "start": NUMBERS,
            "end": NUMBERS,
            "confidence": NUMBERS,
            "speaker": NUMBERS | st.integers(),
        },
    ),
    max_size=8,
)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["metadata", "results", "channels", "err_msg", "request_id"]), inner
        )
    ),
)


def read(given_words, seconds=30.0, *, speakers=False):
    document = answer([], seconds)
    document["results"]["channels"][0]["alternatives"][0]["words"] = given_words
    return heard(document, model="nova-3", language=None, seconds=seconds, speakers=speakers)


@given(WORDS, st.floats(0, 1e5))
def test_words_are_in_order_within_the_audio_and_none_is_lost(words, seconds):
    found = read(words, seconds).words
    starts = [one.start for one in found]
    assert starts == sorted(starts)
    assert all(0 <= one.start <= one.end <= seconds for one in found)
    assert all(0 <= one.confidence <= 1 for one in found)
    given_texts = [text for one in words for text in (one.get("punctuated_word") or one["word"]).split()]
    assert [one.text for one in found] == given_texts


def test_half_characters_do_not_keep_a_paid_answer_from_being_stored():
    half = "\ud83d"
    document = answer([{"word": f"one{half}", "start": 0.0, "end": 1.0}], 2.0, request_id=f"r{half}")
    document["results"]["channels"][0]["detected_language"] = half
    [info] = document["metadata"]["model_info"].values()
    info["name"] = half
    found = heard(document, model="nova-3", language=None, seconds=2.0)
    assert [one.text for one in found.words] == ["one\ufffd"]
    assert (found.request_id, found.language) == ("r\ufffd", "\ufffd")
    assert encode(found)
    with pytest.raises(EngineFailed):
        heard(half, model="nova-3", language=None, seconds=2.0)


def test_speakers_are_numbered_in_the_order_in_which_they_first_speak():
    said = [
        ("Good", None),
        ("day.", 3),
        ("Hello.", 0),
        ("It's", 3),
        ("5:00 PM", 3),
        ("Yes", math.nan),
        ("No", 7),
    ]
    words = [{"punctuated_word": text, "speaker": speaker} for text, speaker in said]
    found = [(one.text, one.speaker) for one in read(words, speakers=True).words]
    assert found == [
        ("Good", None), ("day.", 1), ("Hello.", 2), ("It's", 1), ("5:00", 1), ("PM", 1), ("Yes", 1), ("No", 3),
    ]  # fmt: skip


@given(WORDS)
def test_speakers_are_named_only_where_they_were_asked_for_and_without_gaps(words):
    assert {one.speaker for one in read(words).words} <= {None}
    numbers = {one.speaker for one in read(words, speakers=True).words} - {None}
    assert numbers == set(range(1, len(numbers) + 1))


@given(ANYTHING)
def test_whatever_it_answers_is_read_or_said_to_be_unreadable(document):
    with pytest.raises(EngineFailed) as caught:
        heard(document, model="nova-3", language=None, seconds=7.0)
    assert (caught.value.code, caught.value.billed_seconds) == ("answer", 7.0)


@given(st.integers(300, 599), ANYTHING | st.text())
def test_every_refusal_has_a_message_of_reasonable_length(status, body):
    error = refusal(status, body)
    assert isinstance(error, DropscribeError)
    assert 20 < len(str(error)) < 700


def test_text_whose_words_are_missing_is_not_taken_for_silence():
    document = answer([{"word": "a", "punctuated_word": "A."}], 3.0)
    document["results"]["channels"][0]["alternatives"][0]["words"] = []
    with pytest.raises(EngineFailed, match="no words with times"):
        heard(document, model="nova-3", language=None, seconds=3.0)


def test_a_language_that_was_asked_for_is_the_language_unless_it_is_many():
    document = answer([], 3.0, language=None)
    assert heard(document, model="nova-3", language="de", seconds=3.0).language == "de"
    document["results"]["channels"][0]["alternatives"][0]["languages"] = ["es", "en"]
    assert heard(document, model="nova-3", language="multi", seconds=3.0).language == "es"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"err_code": "Bad Request", "err_msg": "no"}, "Bad Request, no"),
        ({"category": "INVALID_JSON", "message": "Invalid.", "details": "line 7"}, "INVALID_JSON, Invalid., line 7"),
        ({"err_msg": "cannot read https://a.example/b?X-Goog-Signature=1&x=2 now"}, "cannot read https://a.example/b?… now"),
        ("<html>\n <b>Bad</b>", "<html> <b>Bad</b>"),
        (None, "no explanation"),
        ({"err_msg": 5}, "no explanation"),
    ],
)  # fmt: skip
def test_what_it_says_is_quoted_without_signatures(body, said):
    assert quoted(body) == said


def test_a_duration_that_is_no_number_is_no_price():
    with pytest.raises(EngineFailed, match="duration"):
        heard(answer([], math.inf), model="nova-3", language=None, seconds=3.0)
