"""Kaldi's log-mel energies."""

from __future__ import annotations

import numpy as np
import pytest

from gpu_job.voices import features

RATE = 16_000


def kaldi(samples):
    """The same, written down as Kaldi's documentation has it, in double precision and one frame at a time."""
    edges = 1127 * np.log(1 + 20 / 700), 1127 * np.log(1 + 8000 / 700)
    step = (edges[1] - edges[0]) / 81
    bins = 1127 * np.log(1 + np.arange(256) * RATE / 512 / 700)
    found = []
    for first in range(0, len(samples) - 399, 160):
        frame = samples[first : first + 400].astype(float)
        frame -= frame.mean()
        frame = frame - 0.97 * np.r_[frame[0], frame[:-1]]
        frame *= (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(400) / 399)) ** 0.85
        power = np.abs(np.fft.rfft(frame, 512)[:256]) ** 2
        row = []
        for band in range(80):
            left = edges[0] + band * step
            up, down = (bins - left) / step, (left + 2 * step - bins) / step
            row.append(np.log(max(1.1920929e-07, power @ np.minimum(up, down).clip(0))))
        found.append(row)
    return np.array(found)


def test_they_are_kaldis():
    random = np.random.default_rng(1)
    samples = (8000 * np.sin(np.arange(RATE) * 0.2) + random.normal(size=RATE) * 300).astype(np.int16)
    count = features.count(len(samples))
    assert count == 98
    found = features.log_mel(samples, np.arange(count))
    assert found.shape == (98, 80)
    assert found.dtype == np.float32
    assert found == pytest.approx(kaldi(samples), abs=2e-3)


def test_a_frame_is_the_same_whichever_others_are_asked_for():
    samples = np.random.default_rng(2).integers(-9000, 9000, 3 * RATE).astype(np.int16)
    every = features.log_mel(samples, np.arange(features.count(len(samples))))
    some = np.array([0, 7, 150, 151, 297])
    assert np.array_equal(features.log_mel(samples, some), every[some])


def test_silence_is_finite_and_nothing_gives_nothing():
    assert np.isfinite(features.log_mel(np.zeros(RATE, np.int16), np.arange(98))).all()
    assert features.log_mel(np.zeros(RATE, np.int16), np.arange(0)).shape == (0, 80)
    assert [features.count(one) for one in (0, 399, 400, 559, 560)] == [0, 0, 1, 1, 2]


def test_a_frame_looks_at_25_ms_around_its_middle():
    assert features.middles(3).tolist() == [200.0, 360.0, 520.0]
