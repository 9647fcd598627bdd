from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.accuracy.diarization import SpeakerErrors, best_pairs, speaker_errors

TALK = ((0.0, 4.0, "ann"), (4.0, 10.0, "bob"))


def seconds(found):
    return (found.speech, found.missed, found.made_up, found.confused)


def test_the_same_turns_under_other_names_are_no_error():
    found = ((0.0, 4.0, 2), (4.0, 10.0, 1))
    assert seconds(speaker_errors(TALK, found)) == pytest.approx((10, 0, 0, 0))


@pytest.mark.parametrize(
    ("found", "missed", "made_up", "confused"),
    [
        (((0.0, 10.0, 1),), 0, 0, 4),
        (((0.0, 4.0, 1),), 6, 0, 0),
        (((0.0, 4.0, 1), (4.0, 12.0, 2)), 0, 2, 0),
        (((0.0, 5.0, 1), (5.0, 10.0, 2)), 0, 0, 1),
        (((0.0, 4.0, 1), (4.0, 10.0, 2), (1.0, 3.0, 3)), 0, 2, 0),
        ((), 10, 0, 0),
    ],
)
def test_time_is_missed_made_up_or_somebody_elses(found, missed, made_up, confused):
    assert seconds(speaker_errors(TALK, found)) == pytest.approx((10, missed, made_up, confused))


def test_where_two_speak_each_counts():
    both = ((0.0, 4.0, "ann"), (2.0, 4.0, "bob"))
    assert seconds(speaker_errors(both, ((0.0, 4.0, 1),))) == pytest.approx((6, 2, 0, 0))
    assert seconds(speaker_errors(both, ((0.0, 4.0, 1), (2.0, 4.0, 2)))) == pytest.approx((6, 0, 0, 0))


def test_near_the_edges_of_the_reference_a_collar_forgives():
    found = ((0.0, 4.2, 1), (4.2, 10.2, 2))
    assert speaker_errors(TALK, found, 0.25).rate == 0
    assert speaker_errors(TALK, found).rate == pytest.approx(0.04)
    assert speaker_errors(TALK, found, 0.25).speech == pytest.approx(9.0)


def test_rates_are_shares_of_the_speech_and_errors_add_up():
    one = SpeakerErrors(speech=10, missed=1, made_up=2, confused=3)
    assert (one.rate, one.confusion) == (0.6, 0.3)
    assert one + SpeakerErrors(speech=10) == SpeakerErrors(speech=20, missed=1, made_up=2, confused=3)
    assert SpeakerErrors().rate == SpeakerErrors().confusion == 0.0


@given(
    st.integers(1, 4), st.integers(1, 5), st.lists(st.integers(0, 50).map(float), min_size=20, max_size=20)
)
def test_the_pairs_are_the_best_of_all(rows, columns, values):
    together = np.array(values[: rows * columns]).reshape(rows, columns)

    def best(left, free):
        if not left:
            return 0.0
        others = [together[left[0], one] + best(left[1:], free - {one}) for one in free]
        return max([best(left[1:], free), *others])

    pairs = best_pairs(together)
    assert len({row for row, _ in pairs}) == len({column for _, column in pairs}) == len(pairs)
    assert sum(together[one] for one in pairs) == best(list(range(rows)), frozenset(range(columns)))
