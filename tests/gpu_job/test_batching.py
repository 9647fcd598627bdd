from hypothesis import given
from hypothesis import strategies as st

from gpu_job.batching import pack, padding

lengths_ = st.lists(st.integers(1, 480_000), max_size=80)


def test_windows_of_similar_length_share_a_batch_and_the_longest_come_first():
    assert pack([3, 10, 4, 9], max_windows=2) == [(1, 3), (2, 0)]


def test_a_batch_holds_no_more_windows_than_allowed():
    assert pack([5] * 5, max_windows=2) == [(0, 1), (2, 3), (4,)]


def test_a_batch_is_bounded_by_its_padded_length():
    # 10 + 9 would be computed as 2 x 10 = 20, more than 19.
    assert pack([10, 9, 4, 4], max_windows=8, max_padded=19) == [(0,), (1, 2), (3,)]


def test_a_window_too_long_for_any_batch_is_one_of_its_own():
    assert pack([100, 5], max_windows=8, max_padded=20) == [(0,), (1,)]


def test_nothing_makes_no_batch():
    assert pack([], max_windows=8) == []


@given(lengths_, st.integers(1, 16), st.integers(1, 2_000_000))
def test_every_window_is_in_exactly_one_batch_within_the_limits(lengths, most, room):
    batches = pack(lengths, max_windows=most, max_padded=room)
    assert sorted(index for batch in batches for index in batch) == list(range(len(lengths)))
    for batch in batches:
        assert len(batch) <= most
        assert len(batch) == 1 or len(batch) * max(lengths[index] for index in batch) <= room


@given(st.lists(st.integers(1, 480_000), min_size=4, max_size=80))
def test_full_batches_never_waste_more_than_in_the_order_of_arrival(lengths):
    lengths = lengths[: len(lengths) // 4 * 4]
    arrival = [range(first, first + 4) for first in range(0, len(lengths), 4)]
    packed = pack(lengths, max_windows=4, max_padded=10**12)
    assert padding(lengths, packed) <= padding(lengths, arrival) + 1e-12


def test_padding_is_the_share_of_computed_length_that_holds_no_sound():
    assert padding([10, 5], [(0, 1)]) == 0.25
    assert padding([10, 5], [(0,), (1,)]) == 0.0
    assert padding([], []) == 0.0
