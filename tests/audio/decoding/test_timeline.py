"""Frames land where their timestamps say."""

from itertools import pairwise

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.audio.decoding.timeline import EXACT, Timeline


def frame(samples, rate=16_000, value=1000, layout="mono"):
    count = samples * av.AudioLayout(layout).nb_channels
    one = av.AudioFrame.from_ndarray(np.full((1, count), value, np.int16), "s16", layout)
    one.sample_rate = rate
    return one


def run(pieces, *, begin=0.0, end=None):
    """Feed (time, frame) pairs; returns the samples and the timeline."""
    out = bytearray()
    timeline = Timeline(out.extend, begin=begin, end=end)
    for time, one in pieces:
        timeline.add(one, time)
    timeline.finish()
    return np.frombuffer(bytes(out), np.int16), timeline


def test_frames_that_follow_one_another_are_joined():
    samples, timeline = run([(0.0, frame(1600)), (0.1, frame(1600)), (None, frame(1600))])
    assert list(np.unique(samples)) == [1000]
    assert len(samples) == 4800
    assert timeline.reached == pytest.approx(0.3)


def test_a_gap_is_silent():
    samples, _ = run([(0.0, frame(1600)), (0.5, frame(1600))])
    assert len(samples) == 8000 + 1600
    assert not samples[1600:8000].any()
    assert samples[8000:].all()


def test_a_jitter_within_the_tolerance_is_no_gap():
    samples, _ = run([(0.0, frame(1600)), (0.14, frame(1600)), (0.17, frame(1600))])
    assert len(samples) == 4800


def test_an_overlap_is_dropped():
    samples, _ = run([(0.0, frame(1600)), (0.04, frame(1600, value=2000))])
    assert len(samples) == 640 + 1600
    assert list(samples[1590:1610]) == [1000] * 10 + [2000] * 10


def test_what_lies_before_the_beginning_or_after_the_end_is_dropped():
    samples, timeline = run(
        [(4.95, frame(1600)), (5.05, frame(1600)), (5.15, frame(1600))], begin=5.0, end=5.1
    )
    assert len(samples) == 1600
    assert timeline.full


def test_a_start_after_the_beginning_is_preceded_by_silence():
    samples, _ = run([(5.1, frame(160))], begin=5.0, end=6.0)
    assert list(np.flatnonzero(samples)) == list(range(1600, 1760))


def test_a_change_of_rate_and_layout_keeps_the_axis():
    samples, _ = run(
        [
            (0.0, frame(4410, 44_100, layout="stereo")),
            (0.1, frame(800, 8_000)),
            (0.2, frame(9600, 48_000, layout="5.1")),
        ]
    )
    assert len(samples) == pytest.approx(6400, abs=2)


@given(
    rates=st.lists(st.sampled_from([None, 16_000, 44_100, 48_000]), min_size=1, max_size=12),
    gap=st.sampled_from([0.0, 0.001, 0.3]),
)
def test_frames_put_in_together_lie_where_each_alone_would(rates, gap):
    each, start = 0.025, 0.1 + gap
    apart, together = bytearray(), bytearray()
    one, all_ = (Timeline(out.extend, begin=0.0, end=None) for out in (apart, together))
    for timeline in (one, all_):
        timeline.add(frame(1600), 0.0)
    frames = [rate and frame(rate // 40, rate, value=100 * number) for number, rate in enumerate(rates, 1)]
    for number, made in enumerate(frames):
        if made is not None:
            one.add(made, start + number * each, tolerance=EXACT)
    all_.extend(frames, start, each, tolerance=EXACT)
    for timeline in (one, all_):
        timeline.finish()
    assert together == apart
    assert all_.reached == one.reached


@given(
    rate=st.sampled_from([8_000, 11_025, 22_050, 44_100, 48_000, 96_000, 192_000]),
    sizes=st.lists(st.integers(1, 3000), min_size=1, max_size=60),
)
def test_as_many_seconds_come_out_as_go_in(rate, sizes):
    total = 0
    pieces = []
    for size in sizes:
        pieces.append((total / rate, frame(size, rate)))
        total += size
    samples, timeline = run(pieces)
    assert abs(len(samples) / 16_000 - total / rate) <= 2 / 16_000
    assert timeline.reached == pytest.approx(total / rate)


@given(
    cuts=st.lists(st.integers(1, 70_000), max_size=12),
    rate=st.sampled_from([8_000, 16_000, 44_100, 48_000]),
)
def test_the_samples_do_not_depend_on_how_they_are_cut_into_frames(cuts, rate):
    wave = np.random.default_rng(3).integers(-20_000, 20_000, 80_000).astype(np.int16)

    def pieces(edges):
        for a, b in pairwise([0, *sorted(edges), len(wave)]):
            if b > a:
                one = av.AudioFrame.from_ndarray(wave[None, a:b], "s16", "mono")
                one.sample_rate = rate
                yield a / rate, one

    assert np.array_equal(run(pieces(cuts))[0], run(pieces(range(1152, len(wave), 1152)))[0])


def test_it_is_full_as_soon_as_what_is_wanted_is_there():
    out = bytearray()
    timeline = Timeline(out.extend, begin=0.0, end=0.25)
    fed = 0
    while not timeline.full:
        timeline.add(frame(160, value=fed + 1), fed / 100)
        fed += 1
    assert 25 < fed < 32
    assert list(np.frombuffer(out, np.int16)) == [1 + at // 160 for at in range(4000)]
