import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpu_job.pipeline.memory import GUESS, MemoryModel, units
from gpu_job.speech.transcriber import DeviceMemory

CARD = DeviceMemory(total=24_000_000_000, weights=1_300_000_000, peak=1_300_000_000)


def reading(peak, weights=1_300_000_000):
    return DeviceMemory(total=24_000_000_000, weights=weights, peak=peak)


def test_attention_counts_with_the_square_of_a_window():
    assert units(16_000.0 * 10) == 10 + 100 / 320
    assert units(16_000.0 * 320) == 640
    assert units(np.array([160_000.0, 320_000.0])).tolist() == [10.3125, 21.25]


def test_the_first_room_is_what_the_limit_leaves_beside_the_weights():
    # 0.9 of 20 GB, less 1.3 GB, at 8 MB a unit.
    assert MemoryModel.of(CARD, 20.0).capacity == pytest.approx(16.7e9 / 8e6)


def test_the_card_is_the_limit_where_it_has_less():
    assert MemoryModel.of(CARD, 80.0).capacity == pytest.approx((0.9 * 24e9 - 1.3e9) / 8e6)


def test_where_nobody_knows_the_memory_eight_minutes_of_sound_fit():
    assert MemoryModel.of(None, 20.0).capacity == 480


def test_weights_that_leave_nothing_leave_no_room():
    assert MemoryModel.of(reading(0, weights=23_000_000_000), 20.0).capacity == 0


def test_a_peak_above_the_guess_is_believed_at_once():
    model = MemoryModel.of(CARD, 20.0).fitted(100.0, reading(1_300_000_000 + 1_600_000_000))
    assert model.unit == 16e6
    assert model.capacity == pytest.approx(16.7e9 / 16e6)


def test_a_peak_below_the_guess_is_believed_a_fifth_at_a_time_and_from_large_batches_only():
    model = MemoryModel.of(CARD, 20.0)
    assert model.fitted(100.0, reading(1_500_000_000)).unit == GUESS
    assert model.fitted(1000.0, reading(3_300_000_000)).unit == pytest.approx(0.8 * GUESS)


def test_the_room_follows_what_is_seen():
    model = MemoryModel.of(CARD, 20.0)
    for _ in range(30):
        model = model.fitted(model.capacity, reading(int(1.3e9 + 4e6 * model.capacity)))
    assert model.unit == pytest.approx(4e6)


def test_other_weights_on_the_same_card_take_their_room():
    model = MemoryModel.of(CARD, 20.0).fitted(10.0, reading(2_700_000_000, weights=2_600_000_000))
    assert model.capacity < MemoryModel.of(CARD, 20.0).capacity


def test_a_batch_that_did_not_fit_halves_the_room():
    model = MemoryModel.of(CARD, 20.0).did_not_fit(1000.0)
    assert model.capacity == pytest.approx(500.0)
    assert model.did_not_fit(500.0).capacity == pytest.approx(250.0)


def test_what_did_not_fit_once_is_never_tried_again():
    model = MemoryModel.of(CARD, 20.0).did_not_fit(1000.0)
    for _ in range(50):
        model = model.fitted(model.capacity, reading(1_300_000_001))
    assert model.capacity == 900.0


@given(
    st.lists(st.tuples(st.booleans(), st.floats(0.1, 1.0), st.floats(0, 3e10)), max_size=40),
    st.floats(1, 100),
)
def test_the_room_stays_below_everything_that_ever_failed(lessons, limit):
    model = MemoryModel.of(CARD, limit)
    failed = []
    for fits, share, peak in lessons:
        tried = max(model.capacity * share, 1e-3)
        if fits:
            model = model.fitted(tried, reading(int(peak)))
        else:
            model = model.did_not_fit(tried)
            failed.append(tried)
        assert model.capacity >= 0
        assert all(model.capacity < one for one in failed)
