"""Words, times and warnings of some recordings of the corpus; `make corpus` has all of them."""

import pytest

from tests.corpus.cases import Case, every, expected, unknown
from tests.corpus.transcribe import Row, judged, rows

SOME = (
    "webm, paused for 7 s",
    "mpegts, sound 3 s late",
    "flac, opposite",
    "mkv-flac, rubbish in the middle",
)


@pytest.fixture(scope="module")
def transcribed(tmp_path_factory):
    """The rows of some cases, by name: one run of the flow for all."""
    cases = [one for one in every() if one.name in SOME]
    return {row.case.name: row for row in rows(cases, tmp_path_factory.mktemp("corpus"))}


@pytest.mark.slow
@pytest.mark.parametrize("name", SOME)
def test_all_words_are_heard_at_their_times_and_only_what_is_odd_is_warned_about(transcribed, name):
    row = transcribed[name]
    assert row.problem == "", row


def document(case, *, warnings=()):
    """The transcript that is right."""
    words = [{"text": word, "start": start, "end": end} for word, start, end in expected(case)]
    return {"words": words, "warnings": list(warnings)}


def test_a_word_that_is_lost_or_late_and_a_false_warning_are_not_right():
    case = Case(name="x", make=bytes)
    whole = document(case)
    assert judged(case, whole).problem == ""
    assert judged(case, whole | {"words": whole["words"][3:]}).problem == "words"
    late = [one | {"start": one["start"] + 0.3} for one in whole["words"]]
    assert judged(case, whole | {"words": late}).problem == "times"
    assert judged(case, document(case, warnings=["odd"])).problem == "false warning"
    assert judged(Case(name="y", make=bytes, warned=True), whole).problem == "no warning"
    assert Row(case=case, state="FAILED: x").problem == "FAILED: x"


def test_what_is_damaged_is_left_out_of_both_up_to_the_next_pauses():
    case = Case(name="x", make=bytes, lost=(20.0, 21.0))
    first, last = unknown(case)
    assert first < case.lost[0] < case.lost[1] < last
    every_word = document(Case(name="y", make=bytes))
    row = judged(case, every_word)
    assert row.errors == 0
    assert 0 < row.words < len(every_word["words"])
