import itertools

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gpu_job.speech.windowing import HOP, SAMPLE_RATE, Window, cut, levels
from tests.speech import talk

QUIETEST_VOICE = -50.0
"""Decibels: what is louder is never left out, however loud its surroundings."""


def noise(seconds, decibels, seed=0):
    """Noise that swells and fades four times a second, about as speech does."""
    count = round(seconds * SAMPLE_RATE)
    swell = 0.55 + 0.45 * np.sin(np.arange(count) * (2 * np.pi * 4 / SAMPLE_RATE))
    random = np.random.default_rng(seed).standard_normal(count)
    return np.clip(random * swell * 32768 * 10 ** (decibels / 20), -32768, 32767).astype(np.int16)


def silence(seconds):
    return np.zeros(round(seconds * SAMPLE_RATE), np.int16)


def covered(windows, count):
    mask = np.zeros(count, bool)
    for window in windows:
        mask[window.start : window.end] = True
    return mask


def test_nothing_at_all_gives_no_window():
    assert cut(np.zeros(0, np.int16)) == []


@pytest.mark.parametrize("offset", [0, 700])
def test_digital_silence_gives_no_window_whatever_its_constant_offset(offset):
    assert cut(np.full(20 * SAMPLE_RATE, offset, np.int16)) == []


def test_a_short_recording_is_one_window():
    samples = noise(4.0, -20)
    assert cut(samples) == [Window(0, len(samples))]


def test_the_last_fraction_of_a_frame_belongs_to_the_last_window():
    samples = noise(4.0, -20)[:-77]
    assert cut(samples)[-1].end == len(samples)


def test_a_cut_falls_into_the_pause_nearest_to_the_target():
    samples = np.concatenate([noise(4, -20), silence(0.6), noise(5, -20), silence(0.6), noise(12, -20)])
    first, second = cut(samples, target=10.0)
    assert first.end == second.start
    assert 9.6 <= first.end / SAMPLE_RATE <= 10.2


def test_a_long_pause_is_preferred_to_a_short_one():
    samples = np.concatenate([noise(9, -20), silence(0.25), noise(2, -20), silence(1.2), noise(9, -20)])
    first, _ = cut(samples, target=10.0)
    assert 11.25 <= first.end / SAMPLE_RATE <= 12.45


def test_a_long_silence_is_left_out_but_for_its_edges():
    samples = np.concatenate([noise(4, -20), silence(60), noise(4, -20)])
    first, second = cut(samples)
    assert first == Window(0, round(4.3 * SAMPLE_RATE))
    assert second == Window(round(63.7 * SAMPLE_RATE), len(samples))


def test_room_noise_far_below_the_speech_is_left_out():
    room = (np.random.default_rng(1).standard_normal(60 * SAMPLE_RATE) * 10).astype(np.int16)
    samples = np.concatenate([noise(20, -20), room, noise(20, -20)])
    assert not covered(cut(samples), len(samples))[30 * SAMPLE_RATE : 70 * SAMPLE_RATE].any()


def test_a_quiet_voice_after_a_loud_one_is_kept():
    """Forty decibels below a loud neighbour is still a voice."""
    room = (np.random.default_rng(1).standard_normal(80 * SAMPLE_RATE) * 1.5).astype(np.int16)
    voices = np.concatenate([noise(20, -15), silence(20), noise(20, -55), silence(20)])
    samples = room + voices
    assert covered(cut(samples), len(samples))[40 * SAMPLE_RATE : 60 * SAMPLE_RATE].all()


def test_sound_without_a_pause_is_cut_into_overlapping_windows():
    samples = np.full(70 * SAMPLE_RATE, 9000, np.int16)
    samples[::2] = -9000
    windows = cut(samples)
    assert [(w.start / SAMPLE_RATE, w.end / SAMPLE_RATE) for w in windows] == [(0, 30), (28, 58), (56, 70)]


def test_half_a_minute_without_a_pause_stays_whole():
    samples = np.tile(np.array([9000, -9000], np.int16), 15 * SAMPLE_RATE)
    assert cut(samples) == [Window(0, len(samples))]


def test_level_is_in_decibels_of_full_scale():
    square = np.tile(np.array([16384, -16384], np.int16), HOP)
    assert levels(square) == pytest.approx([-6.02, -6.02], abs=0.01)
    assert levels(np.zeros(HOP + 1, np.int16)) == pytest.approx([-120.0, -120.0])


def test_no_window_of_real_speech_is_cut_inside_a_word():
    samples, words = talk(300.0, seed=4)
    windows = cut(samples)
    assert len(windows) > 15
    cuts = {bound / SAMPLE_RATE for window in windows for bound in window} - {0.0, len(samples) / SAMPLE_RATE}
    inside = [(at, word) for at in cuts for word in words if word.start + 0.05 < at < word.end - 0.05]
    assert inside == []


pieces = st.lists(
    st.tuples(st.floats(0.05, 40.0), st.sampled_from([None, -15.0, -40.0, -60.0, -75.0])),
    min_size=1,
    max_size=6,
)


@settings(max_examples=60, deadline=None)
@example([(30.0, -75.0), (3.0, -60.0)], 3.0, 0)  # a pause in what a hard cut shares
@given(pieces, st.floats(3.0, 40.0), st.integers(0, HOP - 1))
def test_all_that_sounds_is_covered_by_windows_in_order_of_at_most_half_a_minute(parts, target, extra):
    sounds = [silence(s) if level is None else noise(s, level, seed=i) for i, (s, level) in enumerate(parts)]
    samples = np.concatenate([*sounds, np.ones(extra, np.int16)])
    windows = cut(samples, target=target)
    assert windows == cut(samples.copy(), target=target)
    assert all(0 <= w.start < w.end <= len(samples) and w.length <= 30 * SAMPLE_RATE for w in windows)
    assert all(a.start < b.start and a.end < b.end for a, b in itertools.pairwise(windows))
    left_out = ~covered(windows, len(samples))
    assert (levels(samples)[left_out[::HOP]] <= QUIETEST_VOICE).all()
