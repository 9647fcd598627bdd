from itertools import combinations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from gpu_job.speech.packing import CALL_COST, pack

lengths_ = st.lists(st.integers(1, 480_000), max_size=80)
RATE = 16_000


def padding(lengths, batches):
    """The share of the computed length that is padding, 0 to 1."""
    padded = sum(len(batch) * max(lengths[index] for index in batch) for batch in batches)
    useful = sum(lengths[index] for batch in batches for index in batch)
    return 1.0 - useful / padded if padded else 0.0


def test_windows_of_similar_length_share_a_batch_and_the_longest_come_first():
    assert pack([3, 10, 4, 9], max_padded=100, call_cost=2) == [(1, 3), (2, 0)]


def test_one_call_is_made_where_that_is_cheaper_than_no_padding():
    # Together 4 x 10 = 40; apart 2 x 10 + 2 x 4 = 28 and one call more.
    assert pack([10, 10, 4, 4], max_padded=100, call_cost=13) == [(0, 1, 2, 3)]
    assert pack([10, 10, 4, 4], max_padded=100, call_cost=11) == [(0, 1), (2, 3)]


def test_a_batch_holds_no_more_windows_than_allowed():
    assert sorted(map(len, pack([5] * 5, max_windows=2, max_padded=100))) == [1, 2, 2]


def test_a_batch_is_bounded_by_its_padded_length():
    # 10 + 9 would be computed as 2 x 10 = 20, more than 19.
    assert pack([10, 9, 4, 4], max_padded=19) == [(0,), (1, 2), (3,)] or pack(
        [10, 9, 4, 4], max_padded=19
    ) == [(0,), (1,), (2, 3)]


def test_a_window_too_long_for_any_batch_is_one_of_its_own():
    assert pack([100, 5], max_padded=20) == [(0,), (1,)]
    assert pack([5, 5], max_padded=0) == [(0,), (1,)]


def test_what_a_window_takes_may_be_another_measure_than_its_length():
    assert pack([10, 10, 10, 10], max_padded=250, size=lambda length: length**2) == [(0, 1), (2, 3)]


def test_nothing_makes_no_batch():
    assert pack([], max_padded=100) == []


@given(lengths_, st.none() | st.integers(1, 16), st.integers(1, 2_000_000))
def test_every_window_is_in_exactly_one_batch_within_the_limits(lengths, most, capacity):
    batches = pack(lengths, max_windows=most, max_padded=capacity)
    assert sorted(index for batch in batches for index in batch) == list(range(len(lengths)))
    for batch in batches:
        assert most is None or len(batch) <= most
        assert len(batch) == 1 or len(batch) * max(lengths[index] for index in batch) <= capacity


@given(st.lists(st.integers(1, 50), min_size=1, max_size=8), st.integers(0, 60), st.integers(20, 200))
def test_no_other_division_of_the_sorted_row_costs_less(lengths, call_cost, capacity):
    def cost(batches):
        return sum(call_cost + len(batch) * max(lengths[i] for i in batch) for batch in batches)

    row = sorted(range(len(lengths)), key=lambda i: -lengths[i])
    cheapest = min(
        cost(division)
        for count in range(len(row))
        for cuts in combinations(range(1, len(row)), count)
        for division in [[row[a:b] for a, b in zip((0, *cuts), (*cuts, len(row)), strict=True)]]
        if all(len(one) == 1 or len(one) * lengths[one[0]] <= capacity for one in division)
    )
    assert cost(pack(lengths, max_padded=capacity, call_cost=call_cost)) == cheapest


def test_padding_of_eight_chunks_of_speech_is_below_a_twentieth():
    # As `windowing.cut` makes them of speech: about 10 s, seldom less than 7 or more than 13.
    lengths = (
        np.random.default_rng(1).normal(10 * RATE, 1.9 * RATE, 480).astype(int).clip(RATE, 15 * RATE).tolist()
    )
    batches = pack(lengths, max_padded=2000 * RATE)
    assert padding(lengths, batches) < 0.05
    assert len(lengths) / len(batches) > 20, "and the batches are still worth a call"


def test_padding_of_eight_chunks_of_any_windows_is_below_a_twentieth():
    lengths = np.random.default_rng(2).integers(RATE, 30 * RATE, 320).tolist()
    assert padding(lengths, pack(lengths, max_padded=2000 * RATE)) < 0.05


def test_a_call_is_worth_twenty_seconds_of_padding():
    assert CALL_COST == 320_000
