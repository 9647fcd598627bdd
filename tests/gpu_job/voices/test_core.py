"""Which window answers for which stretch."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpu_job.speech.transcriber import SAMPLE_RATE
from gpu_job.voices import core
from gpu_job.voices.core import FRAME, Window


def test_windows_of_ten_seconds_begin_every_five_and_the_last_ends_with_the_sound():
    found = list(core.windows(22 * SAMPLE_RATE, 0.0, 22.0))
    assert [one.begin / SAMPLE_RATE for one in found] == [0.0, 5.0, 10.0, 12.0]
    assert [(one.start, one.end) for one in found] == [(0.0, 7.5), (7.5, 12.5), (12.5, 16.0), (16.0, 22.0)]
    assert [one.index for one in found] == [0, 1, 2, 3]


def test_overlap_is_looked_at_and_not_answered_for():
    found = list(core.windows(30 * SAMPLE_RATE, 4.0, 20.0))
    assert found[0].begin == 0
    assert (found[0].start, found[-1].end) == (4.0, 24.0)


def test_a_window_that_would_answer_for_overlap_only_is_left_out():
    found = list(core.windows(40 * SAMPLE_RATE, 15.0, 10.0))
    assert [one.begin / SAMPLE_RATE for one in found] == [10.0, 15.0, 20.0]
    assert [(one.start, one.end) for one in found] == [(15.0, 17.5), (17.5, 22.5), (22.5, 25.0)]
    assert [one.index for one in found] == [2, 3, 4]


def test_short_sound_is_one_window_and_none_has_no_window():
    assert list(core.windows(3 * SAMPLE_RATE, 0.0, 3.0)) == [Window(0, 0, 0.0, 3.0)]
    assert list(core.windows(0, 0.0, 0.0)) == []
    assert list(core.windows(0, 0.0, 600.0)) == []


def test_a_chunk_whose_sound_begins_late_is_answered_for_from_there():
    assert list(core.windows(8 * SAMPLE_RATE, -2.0, 10.0)) == [Window(0, 0, 0.0, 8.0)]


@given(
    samples=st.integers(0, 90 * SAMPLE_RATE),
    lead=st.floats(-5, 40, width=32),
    owned=st.floats(0, 90, width=32),
)
def test_every_moment_of_the_chunk_is_answered_for_once(samples, lead, owned):
    found = list(core.windows(samples, lead, owned))
    first, final = max(0.0, lead), min(lead + owned, samples / SAMPLE_RATE)
    if first >= final:
        assert found == []
        return
    assert (found[0].start, found[-1].end) == (first, final)
    assert all(one.end == other.start for one, other in itertools.pairwise(found))
    assert all(one.begin <= one.start * SAMPLE_RATE + 1 and one.start < one.end for one in found)


def frames(*own, count=100):
    found = np.zeros(count, dtype=bool)
    for first, end in own:
        found[first:end] = True
    return found


def test_turns_are_milliseconds_from_the_chunks_nominal_start():
    window = Window(0, 0, 0.0, 10.0)
    # A frame of 16.875 ms around the middle of what it sees, 495.5 samples from its first.
    middle, half = (10 * FRAME + 495.5) / SAMPLE_RATE, FRAME / 2 / SAMPLE_RATE
    assert core.turns(window, frames((10, 11)), 0.0) == (
        (round(1000 * (middle - half)), round(1000 * (middle + half))),
    )
    [[start, _]] = core.turns(Window(1, 5 * SAMPLE_RATE, 6.0, 8.0), frames((90, 100)), 5.0)
    assert start == 1541


def test_turns_are_cut_at_what_the_window_answers_for():
    window = Window(0, 0, 0.5, 1.0)
    assert core.turns(window, frames((0, 100)), 0.0) == ((500, 1000),)
    assert core.turns(window, frames((0, 20), (80, 100)), 0.0) == ()
    assert len(core.turns(window, frames((30, 35), (40, 45)), 0.0)) == 2


@given(own=st.lists(st.booleans(), max_size=80), start=st.floats(0, 1.4), length=st.floats(0, 1.4))
def test_turns_lie_within_the_bounds_in_order_and_have_a_length(own, start, length):
    window = Window(0, 0, start, start + length)
    found = core.turns(window, np.array(own, dtype=bool), 0.0)
    edges = list(itertools.chain.from_iterable(found))
    assert edges == sorted(edges)
    assert all(first < end for first, end in found)
    assert all(round(1000 * start) <= one <= round(1000 * (start + length)) for one in edges)


def test_a_frame_lies_in_the_middle_of_what_it_sees():
    assert Window(0, SAMPLE_RATE, 0.0, 9.0).times(2) == pytest.approx(
        [1.0 + 495.5 / SAMPLE_RATE, 1.0 + (270 + 495.5) / SAMPLE_RATE]
    )
