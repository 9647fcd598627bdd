"""How long a file is that is shorter than its header says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.audio.files.reader import Reader
from shared.audio.probing import asf, avi, riff
from shared.audio.probing.truncation import (
    BELIEVED,
    FEWEST,
    DeclaredSize,
    Length,
    in_proportion,
    truncated_length,
)
from shared.errors import BadMedia
from shared.model import AudioInfo
from tests.audio.clocks import webm
from tests.audio.media import RATE as SAMPLES_A_SECOND
from tests.audio.media import Memory, chunk, make, of_format, samples

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


def info(format_, duration):
    return AudioInfo(
        format=format_,
        codec="opus",
        sample_rate=48_000,
        channels=1,
        duration=duration,
        exact=True,
        splittable_by="time",
    )


@pytest.mark.parametrize("kind", ["matroska", "flac"])
@pytest.mark.parametrize(
    ("seconds", "size"),
    [(None, 10), (BELIEVED, 10), (BELIEVED + 1, int((BELIEVED + 1) * FEWEST) + 1), (86_400.0, 500_000)],
)
def test_a_pause_of_hours_and_a_long_recording_with_few_bytes_are_believed(kind, seconds, size):
    found = info(kind, seconds)
    assert in_proportion(found, size) == found


def test_a_length_in_a_header_that_cannot_be_counts_as_unknown():
    found = in_proportion(info("flac", 86_400.0), 10_000)
    assert (found.duration, found.exact) == (None, False)


def test_time_stamps_that_cannot_be_are_refused_with_what_to_do():
    with pytest.raises(BadMedia, match=r"lasts 720 h.*asetpts") as refused:
        in_proportion(info("matroska", 30 * 86_400.0), 60_000)
    assert refused.value.code == "limit"


def test_a_clock_that_is_set_forward_by_a_month_makes_no_plan_of_a_month(sandbox):
    data = webm(lambda number, time: time if number < 200 else time + 30 * 86_400_000)
    with pytest.raises(BadMedia, match="clock"):
        sandbox.probe(Memory(data))


def test_a_flac_whose_header_promises_days_is_heard_to_its_end(sandbox):
    data = bytearray(make("flac", "flac", seconds=2.0))
    # STREAMINFO: after "fLaC" and 4 bytes, 13 bytes and 4 bits, then the number of samples in 36 bits.
    data[21] |= 0x0F
    data[22] = 0xFF
    source = Memory(bytes(data))
    found = sandbox.probe(source)
    assert found.duration is None
    assert len(samples(sandbox.decode(source, found, chunk()))) / SAMPLES_A_SECOND == pytest.approx(
        2.0, abs=0.1
    )
