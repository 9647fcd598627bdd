"""Which timestamps are believed: wobble and single wrong ones are not, gaps and clocks that were set are."""

from time import process_time

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.audio.decoding.timeline import EXACT, TOLERANCE, Timeline
from shared.audio.decoding.timestamps import CONFIRMED, MOST_TOLD, SET_BACK, Timestamps
from tests.audio.decoding.test_timeline import frame

STEP = 0.1
"""Seconds of a frame."""


def run(times, *, open_ended=False, end=None, tolerances=()):
    """Frames of a tenth of a second, numbered from 1 in their samples, with these timestamps."""
    out = bytearray()
    timeline = Timeline(out.extend, begin=0.0, end=end)
    stamps = Timestamps(timeline, open_ended=open_ended)
    for number, time in enumerate(times):
        tolerance = dict(tolerances).get(number, TOLERANCE)
        stamps.add(frame(1600, value=number + 1), time, tolerance=tolerance)
    stamps.finish()
    timeline.finish()
    return np.frombuffer(bytes(out), np.int16), stamps, timeline


def straight(count, *, first=0.0):
    """Timestamps without fault."""
    return [first + number * STEP for number in range(count)]


def heard(samples):
    """The numbers of the frames in the samples, silence left out."""
    return [int(one) for one in np.unique(samples) if one]


def test_time_stamps_without_fault_are_kept():
    samples, stamps, timeline = run(straight(40))
    assert len(samples) == 40 * 1600
    assert timeline.reached == pytest.approx(4.0)
    assert stamps.warnings == []


@given(st.lists(st.integers(-80, 80), min_size=60, max_size=60))
@example([0] * 58 + [51, 50])
@example([0] * 57 + [51, 50, 0])
def test_wobble_neither_drops_nor_inserts(wobble):
    times = [max(0.0, time + ms / 1000) for time, ms in zip(straight(60), wobble, strict=True)]
    times[::5] = straight(60)[::5]  # it wobbles around the sound, it does not leave it
    samples, stamps, _ = run(times)
    assert len(samples) == 60 * 1600
    assert heard(samples) == list(range(1, 61))
    assert stamps.warnings == []


def test_a_clock_that_jumps_all_the_time_is_told_in_a_bounded_number_of_warnings():
    times, time = [], 0.0
    for number in range(40 * 12):
        times.append(time)
        time += STEP + (1.0 if number % 12 == 11 else 0.0)
    _, stamps, _ = run(times)
    assert len(stamps.warnings) == MOST_TOLD + 1
    assert stamps.warnings[-1].startswith(f"{39 - MOST_TOLD} more jumps")


def test_frames_that_are_stamped_in_bursts_follow_one_another():
    times = [time - time % 0.5 for time in straight(60)]
    samples, stamps, _ = run(times)
    assert len(samples) == 60 * 1600
    assert stamps.warnings == []


@pytest.mark.parametrize("place", [0, 1, 7, 20, 39])
@pytest.mark.parametrize("wrong", [1800.0, -3.0, 1e9])
def test_one_wrong_time_stamp_is_not_believed(place, wrong):
    times = straight(40, first=10.0)
    times[place] += wrong
    samples, stamps, _ = run(times)
    assert len(samples) == 14 * 16_000
    assert heard(samples) == list(range(1, 41))
    assert stamps.warnings == []


def test_a_gap_stays_a_gap_and_is_told():
    samples, stamps, _ = run(straight(20) + straight(20, first=7.0))
    assert len(samples) == 9 * 16_000
    assert not samples[2 * 16_000 : 7 * 16_000].any()
    assert samples[7 * 16_000] == 21
    assert stamps.warnings == [
        "5.0 s of sound are missing at 2.0 s, where the recorder paused or the file is damaged: silence stands there"
    ]


def test_gaps_that_follow_one_another_closely_stay_where_they_are():
    samples, _, _ = run(
        straight(20) + straight(4, first=5.0) + straight(4, first=9.0) + straight(20, first=12.0)
    )
    assert len(samples) == 14 * 16_000
    for first, number in ((5.0, 21), (9.0, 25), (12.0, 29)):
        assert samples[round(first * 16_000)] == number
        assert samples[round(first * 16_000) - 1] == 0


def test_a_gap_shortly_before_the_end_is_one():
    samples, _, _ = run(straight(20) + straight(3, first=4.0))
    assert len(samples) == round(4.3 * 16_000)


def test_a_clock_that_is_set_back_loses_nothing():
    samples, stamps, _ = run(straight(30) + straight(30, first=0.0))
    assert len(samples) == 6 * 16_000
    assert heard(samples) == list(range(1, 61))
    assert stamps.warnings == [
        "the clock of the recording was set back by 3.0 s at 3.0 s: what follows goes on without a gap"
    ]


def test_after_a_clock_that_was_set_back_gaps_are_those_of_the_new_one():
    samples, _, _ = run(straight(30) + straight(20, first=0.0) + straight(20, first=4.0))
    assert len(samples) == 9 * 16_000
    assert not samples[5 * 16_000 : 7 * 16_000].any()


def test_a_little_sound_that_is_there_twice_is_dropped_once():
    samples, stamps, _ = run(straight(30) + straight(20, first=2.3))
    assert len(samples) == round(4.3 * 16_000)
    assert stamps.warnings == ["0.7 s of sound at 3.0 s are there twice: they were dropped once"]


def test_a_clock_set_forward_by_hours_is_no_silence_where_the_length_is_unknown():
    samples, stamps, _ = run(straight(20) + straight(20, first=90_000.0), open_ended=True)
    assert len(samples) == 4 * 16_000
    assert "set forward by 89998.0 s at 2.0 s" in stamps.warnings[0]


def test_the_same_jump_leads_out_of_a_chunk_whose_end_is_known():
    samples, _, timeline = run(straight(20) + straight(20, first=90_000.0), end=5.0)
    assert len(samples) == 5 * 16_000
    assert not samples[2 * 16_000 :].any()
    assert timeline.full


def test_after_damage_a_short_jump_is_believed_at_once():
    lost = straight(10) + straight(30, first=1.03)
    samples, _, _ = run(lost, tolerances={10: EXACT})
    assert len(samples) == round(4.03 * 16_000)
    assert not samples[16_000 : round(1.03 * 16_000)].any()


def test_frames_without_time_stamps_follow_one_another():
    samples, stamps, _ = run([0.0, *[None] * 29])
    assert len(samples) == 3 * 16_000
    assert stamps.warnings == []
    assert len(run([None] * 3)[0]) == round(0.3 * 16_000)


def test_what_is_held_counts_as_reached():
    timeline = Timeline(lambda _: None, begin=0.0, end=None)
    stamps = Timestamps(timeline, open_ended=False)
    for time in straight(20):
        stamps.add(frame(1600), time)
    stamps.add(frame(1600), 2.0 + SET_BACK * 3)
    assert timeline.reached == pytest.approx(2.0)
    assert stamps.reached == pytest.approx(2.1)
    assert stamps.reached < 2.0 + CONFIRMED


@given(
    st.lists(
        st.one_of(st.none(), st.floats(-1e6, 1e6), st.sampled_from([0.0, 1.0, 5.0, 60.0])),
        min_size=1,
        max_size=80,
    )
)
def test_no_frame_is_heard_twice_and_memory_stays_bounded(times):
    out = bytearray()
    timeline = Timeline(out.extend, begin=0.0, end=100.0)
    stamps = Timestamps(timeline, open_ended=False)
    for number, time in enumerate(times):
        stamps.add(frame(160, value=number + 1), time)
        assert len(stamps._held) <= 101
        if timeline.full:
            break
    stamps.finish()
    timeline.finish()
    samples = np.frombuffer(bytes(out), np.int16)
    assert len(samples) <= 100 * 16_000
    for number in heard(samples):
        assert np.count_nonzero(samples == number) <= 160


def test_a_file_whose_every_sample_jumps_costs_no_more_than_its_length():
    out = bytearray()
    timeline = Timeline(out.extend, begin=0.0, end=60.0)
    stamps = Timestamps(timeline, open_ended=False)
    began = process_time()
    for number in range(40_000):
        stamps.add(frame(1, value=1), number * 0.003)
    stamps.finish()
    timeline.finish()
    assert process_time() - began < 20.0
    assert stamps.warnings
