"""What the clock shows at a byte."""

import struct

import pytest

from shared.audio.files.reader import Reader
from shared.audio.probing.concatenated.clock import reading
from tests.audio.clocks import webm
from tests.audio.media import of_format


def reader(data):
    return Reader(lambda offset, length: data[offset : offset + length], len(data))


@pytest.mark.parametrize(("demuxer", "name"), [("mpegts", "mpegts"), ("mpeg", "mpeg")])
def test_the_clock_of_a_stream_goes_on_through_the_file(demuxer, name):
    data = of_format(name)
    times = [
        reading(reader(data), demuxer, at, len(data)).time
        for at in range(0, len(data) - 20_000, len(data) // 9)
    ]
    assert times == sorted(times)
    assert times[-1] - times[0] == pytest.approx(8.0, abs=1.6)


def test_a_cluster_tells_its_time_however_it_is_written():
    long = webm(lambda _, time: 1_700_000_000_000 + time)
    assert reading(reader(long), "matroska", 0, len(long)).time == pytest.approx(1_700_000_000, abs=1)
    short = of_format("webm-live")
    assert reading(reader(short), "matroska", 0, len(short)) == (short.index(b"\x1f\x43\xb6\x75"), 0.0, 0)


def test_packs_of_mpeg_1_and_2_tell_the_same():
    base = 123 << 30 & 7 << 30 | 456 << 15 | 789
    two = (
        1 << 46
        | (base >> 30) << 43
        | 1 << 42
        | (base >> 15 & 0x7FFF) << 27
        | 1 << 26
        | (base & 0x7FFF) << 11
        | 1 << 10
    )
    one = (
        2 << 44 | (base >> 30) << 41 | 1 << 40 | (base >> 15 & 0x7FFF) << 25 | 1 << 24 | (base & 0x7FFF) << 9
    )
    for body in (one, two):
        data = b"junk\0\0\1\xba" + struct.pack("!Q", body)[2:] + bytes(20)
        assert reading(reader(data), "mpeg", 0, len(data)) == (4, base / 90_000, 0)


@pytest.mark.parametrize("demuxer", ["mpegts", "mpeg", "matroska"])
@pytest.mark.parametrize(
    "data", [b"", b"\x47", b"\x47" * 188 * 3, bytes(70_000), b"\0\0\1\xba", b"\x1f\x43\xb6\x75\xff\xe7\x88"]
)
def test_where_there_is_no_clock_none_is_found(demuxer, data):
    assert reading(reader(data), demuxer, 0, len(data)) is None
