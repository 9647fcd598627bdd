"""How loud samples are."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.audio.peaks import of_samples


def as_bytes(values):
    return np.asarray(values, np.int16).tobytes()


def test_each_tenth_of_a_second_has_its_greatest_distance_from_zero():
    values = np.zeros(16_000, np.int16)
    values[100], values[1700], values[3300], values[15_999] = 32_767, -32_768, 1, -16_384
    assert list(of_samples(as_bytes(values), 0.0, 1.0)) == [255, 255, 1, 0, 0, 0, 0, 0, 0, 128]


def test_the_overlap_is_left_out_on_both_sides():
    values = np.concatenate([np.full(1600, 32_767), np.zeros(1600), np.full(1600, 32_767)])
    assert list(of_samples(as_bytes(values), -0.1, 0.1)) == [0]
    assert list(of_samples(as_bytes(values), -0.1, 0.2)) == [0, 255]


@pytest.mark.parametrize(("start", "owned"), [(0.0, 0.0), (-3.0, 1.0), (0.0, 60.0)])
def test_nothing_is_nothing(start, owned):
    assert of_samples(b"", start, owned) == b""


@given(st.integers(0, 200), st.integers(1, 120_000), st.integers(0, 2**32 - 1))
def test_any_length_is_as_counted_by_hand(lead, length, seed):
    values = np.random.default_rng(seed).integers(-32_768, 32_768, lead + length, np.int16)
    found = of_samples(as_bytes(values), -lead / 16_000, length / 16_000)
    rest = values[lead:].astype(int)
    wanted = [-(-int(abs(rest[at : at + 1600]).max()) * 255 // 32_768) for at in range(0, length, 1600)]
    assert list(found) == wanted
