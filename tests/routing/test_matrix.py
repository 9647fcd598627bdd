from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.in_words import MEGABYTE
from shared.model import AudioInfo
from shared.routing.matrix import MOST_BITS, row_of
from shared.settings import Settings

SETTINGS = Settings()


def audio(seconds, codec="flac"):
    return AudioInfo(
        format="x", codec=codec, sample_rate=16_000, channels=1, duration=seconds, exact=True, splittable_by="time"
    )  # fmt: skip


def row(seconds, size=0, codec="flac", settings=SETTINGS):
    return row_of(audio(seconds, codec), size, settings).index


@pytest.mark.parametrize(
    ("seconds", "index"),
    [
        (0.0, 0),
        (1799.999, 0),
        (1800.0, 1),
        (7199.999, 1),
        (7200.0, 2),
        (14400.0, 2),
        (14400.001, 3),
        (400_000.0, 3),
    ],
)
def test_each_bound_of_length_is_exact(seconds, index):
    assert row(seconds) == index


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (14_410.0, "just over 4 h is over 4 h"),
        (14_400.0, "4 h is between 2 h and 4 h"),
        (7_199.9, "just under 2 h is between 30 min and 2 h"),
        (1_799.6, "just under 30 min is under 30 min"),
    ],
)
def test_a_length_that_is_rounded_to_a_bound_says_on_which_side_it_is(seconds, said):
    assert row_of(audio(seconds), 1_000_000, SETTINGS).reason == said


@pytest.mark.parametrize(
    ("size", "index"),
    [
        (0, 0),
        (50 * MEGABYTE - 1, 0),
        (50 * MEGABYTE, 1),
        (200 * MEGABYTE - 1, 1),
        (200 * MEGABYTE, 2),
        (400 * MEGABYTE, 2),
        (400 * MEGABYTE + 1, 3),
    ],
)
def test_without_a_length_the_size_decides_and_its_bounds_are_exact(size, index):
    assert row(None, size) == index
    assert row(None, size, "mp3") == index
    assert row_of(audio(None), size, SETTINGS).reason.startswith("its length is unknown, and")


def test_a_reason_by_size_names_the_size_of_small_files_too():
    assert row_of(audio(None), 212_400, SETTINGS).reason == "its length is unknown, and 212 kB is under 50 MB"
    just = row_of(audio(None), 50 * MEGABYTE - 1, SETTINGS).reason
    assert just == "its length is unknown, and just under 50 MB is under 50 MB"


def test_of_length_and_size_the_later_row_counts_for_lossy_codecs():
    # 25 minutes at 320 kbit/s.
    assert row(1500.0, 60 * MEGABYTE, "mp3") == 1
    assert row_of(audio(1500.0, "mp3"), 60 * MEGABYTE, SETTINGS).reason == (
        "60 MB is between 50 MB and 200 MB, though 25 min is under 30 min"
    )
    assert row(9000.0, 60 * MEGABYTE, "mp3") == 2


@pytest.mark.parametrize("codec", ["pcm_s16le", "pcm_f32be", "flac", "alac"])
def test_the_size_of_lossless_audio_says_nothing(codec):
    assert row(1500.0, 100 * MEGABYTE, codec) == 0


def test_the_size_of_a_film_is_that_of_its_pictures():
    assert row(1500.0, 900 * MEGABYTE, "aac") == 0
    most = int(MOST_BITS / 8 * 1500)
    assert (row(1500.0, most, "aac"), row(1500.0, most + 1, "aac")) == (1, 0)


def test_the_thresholds_are_settings():
    changed = Settings(small_minutes=10, short_hours=1, long_hours=1, small_mb=1, short_mb=2, long_mb=3)
    assert [row(seconds, settings=changed) for seconds in (599, 600, 3599, 3600, 3601)] == [0, 1, 1, 2, 3]
    assert [row(None, mb * MEGABYTE, settings=changed) for mb in (0.5, 1, 2, 3, 3.1)] == [0, 1, 2, 2, 3]


@given(
    st.floats(0, 10**6),
    st.floats(0, 10**6),
    st.integers(0, 10**11),
    st.sampled_from(["mp3", "aac", "flac", "pcm_s16le"]),
)
def test_a_longer_recording_is_never_in_an_earlier_row(one, other, size, codec):
    assert row(min(one, other), size, codec) <= row(max(one, other), size, codec)


@given(
    st.none() | st.floats(0, 10**6),
    st.integers(0, 10**11),
    st.integers(0, 10**11),
    st.sampled_from(["mp3", "flac"]),
)
def test_a_larger_recording_is_never_in_an_earlier_row_while_it_can_be_sound(seconds, one, other, codec):
    most = 10**11 if seconds is None else int(seconds * MOST_BITS / 8)
    small, large = sorted((min(one, most), min(other, most)))
    assert row(seconds, small, codec) <= row(seconds, large, codec)


@given(st.none() | st.floats(0, 10**6), st.integers(0, 10**12), st.sampled_from(["mp3", "flac"]))
def test_every_recording_has_a_row_and_a_reason(seconds, size, codec):
    found = row_of(audio(seconds, codec), size, SETTINGS)
    assert 0 <= found.index <= 3
    assert found.reason
