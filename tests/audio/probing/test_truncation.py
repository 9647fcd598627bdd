"""How long a file is that is shorter than its header says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.audio.files.reader import Reader
from shared.audio.probing import asf, avi, riff
from shared.audio.probing.truncation import DeclaredSize, Length, truncated_length
from tests.audio.media import Memory, of_format

HALF = DeclaredSize(size=320_000, present=160_000)
RATE = 256_000


def length(duration):
    return Length(duration=duration, exact=True)


def test_a_duration_that_follows_the_header_is_cut_down_to_what_is_there():
    assert truncated_length(HALF, length(10.0), RATE) == Length(
        duration=5.0, exact=True, warnings=("the audio stops at 5.0 s, the header promised 10.0 s",)
    )


def test_a_duration_that_follows_the_file_stays_and_the_promise_is_worked_out():
    assert truncated_length(HALF, length(5.0), RATE) == Length(
        duration=5.0, exact=True, warnings=("the audio stops at 5.0 s, the header promised 10.0 s",)
    )


def test_where_the_header_tells_seconds_what_is_there_is_an_estimate_in_proportion():
    declared = DeclaredSize(size=1000, present=250, seconds=80.0)
    expected = Length(
        duration=20.0, exact=False, warnings=("the audio stops at 20.0 s, the header promised 80.0 s",)
    )
    assert truncated_length(declared, length(80.0), 0) == expected
    assert truncated_length(declared, length(33.0), 0) == expected


def test_what_ffmpeg_finds_in_the_file_may_be_less_than_in_proportion():
    assert (
        truncated_length(DeclaredSize(size=1000, present=500, seconds=80.0), length(31.0), 0).duration == 31.0
    )


@pytest.mark.parametrize(
    "declared", [DeclaredSize(size=1000, present=999), DeclaredSize(size=1000, present=999, seconds=9.0)]
)
def test_a_difference_that_nobody_hears_is_not_mentioned(declared):
    assert truncated_length(declared, length(9.0), 1000) == length(9.0)


def test_without_a_duration_or_a_bit_rate_nothing_is_made_up():
    assert truncated_length(HALF, length(None), RATE) == length(None)
    assert truncated_length(HALF, length(7.0), 0) == length(7.0)


@given(
    size=st.integers(1000, 10**10),
    part=st.floats(0.01, 0.99),
    rate=st.integers(8_000, 10_000_000),
    by_header=st.booleans(),
)
def test_whichever_of_the_two_ffmpeg_tells_the_answer_is_the_same(size, part, rate, by_header):
    held = max(1, int(size * part))
    promised, there = 8 * size / rate, 8 * held / rate
    found = truncated_length(
        DeclaredSize(size=size, present=held), length(promised if by_header else there), rate
    )
    if promised - there > 0.11:
        assert found.duration == pytest.approx(there)
        assert len(found.warnings) == 1


def reader(data):
    return Reader(Memory(data).read, len(data))


DECLARED = {
    "wav": riff.declared_size,
    "rf64": riff.declared_size,
    "w64": riff.declared_size,
    "aiff": riff.declared_size,
    "caf": riff.declared_size,
    "avi": lambda one: avi.declared_size(one, 0),
    "wma": asf.declared_size,
}


@pytest.mark.parametrize("name", DECLARED)
def test_what_is_cut_off_is_what_is_missing_and_a_whole_file_misses_nothing(name):
    data = of_format(name)
    assert DECLARED[name](reader(data)) is None
    first = DECLARED[name](reader(data[:-50_000]))
    second = DECLARED[name](reader(data[:-60_000]))
    assert first.size == second.size
    assert first.present - second.present == 10_000
    assert first.seconds == second.seconds


@pytest.mark.parametrize("name", ["wav", "caf", "w64", "avi", "wma"])
def test_any_cut_of_the_header_is_survived(name):
    data = of_format(name)
    for stop in (0, 1, 3, 4, 7, 8, 11, 12, 13, 19, 20, 40, 50, 64, 100, 200, 300, 600, 1000, 5000):
        found = DECLARED[name](reader(data[:stop]))
        assert found is None or 0 < found.present < found.size
