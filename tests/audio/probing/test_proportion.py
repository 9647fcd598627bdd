import pytest

from shared.audio.probing.proportion import FEWEST, LONG, in_proportion
from shared.errors import BadMedia
from shared.model import AudioInfo
from tests.audio.clocks import webm
from tests.audio.media import RATE, Memory, chunk, make, samples


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
    [(None, 10), (LONG, 10), (LONG + 1, int((LONG + 1) * FEWEST) + 1), (86_400.0, 500_000)],
)
def test_a_pause_of_hours_and_a_long_recording_with_few_bytes_are_believed(kind, seconds, size):
    found = info(kind, seconds)
    assert in_proportion(found, size) == found


def test_a_length_in_a_header_that_cannot_be_counts_as_unknown():
    found = in_proportion(info("flac", 86_400.0), 10_000)
    assert (found.duration, found.exact) == (None, False)


def test_time_stamps_that_cannot_be_are_refused_with_what_to_do():
    with pytest.raises(BadMedia, match=r"60 kB lasts 30 days|60 kB lasts 720 h.*asetpts") as refused:
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
    assert len(samples(sandbox.decode(source, found, chunk()))) / RATE == pytest.approx(2.0, abs=0.1)
