"""Ogg whose positions begin below zero."""

import zlib

import pytest

from shared.audio.files.ogg_positions import counted_from_zero
from shared.audio.files.reader import Reader
from tests.audio.media import FORMATS, RATE, Memory, make, repeated
from tests.audio.test_time_axis import assert_same, decoded

RATES = {"ogg-opus": 48_000, "ogg-vorbis": 44_100, "ogg-flac": 44_100}


def reader(data):
    return Reader(Memory(data).read, len(data))


TURNED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
"""Bytes whose bits are turned around."""


def checksum(data):
    """CRC-32 from zero with the bits in the other order than zlib's, which begins and ends with all of them set."""
    found = ~zlib.crc32(data.translate(TURNED), 2**32 - 1) & 2**32 - 1
    return int.from_bytes(found.to_bytes(4, "little").translate(TURNED))


def pages(data):
    at = 0
    while at < len(data):
        end = at + 27 + data[at + 26] + sum(data[at + 27 : at + 27 + data[at + 26]])
        yield data[at:end]
        at = end


def position(page):
    return int.from_bytes(page[6:14], "little", signed=True)


def moved(data, by):
    """A file whose pages are so many samples later."""
    out = []
    for page in pages(data):
        end = position(page) + by if position(page) > 0 else position(page)
        told = page[:6] + end.to_bytes(8, "little", signed=True) + page[14:22] + bytes(4) + page[26:]
        out.append(told[:22] + checksum(told).to_bytes(4, "little") + told[26:])
    return b"".join(out)


def test_positions_begin_above_zero_and_checksums_are_right_however_the_file_is_read():
    data = make("ogg", "libopus", rate=48_000, seconds=3.0)
    first, second, *_ = (position(page) for page in pages(data) if position(page) > 0)
    expected = moved(data, second - 2 * first)
    for step in (97, 4096, len(data)):
        view = counted_from_zero(reader(moved(data, -(2**31))))
        assert b"".join(view.at(at, step, block=1) for at in range(0, len(data), step)) == expected


def test_a_file_whose_positions_are_moved_is_read_ahead_as_it_would_be_itself():
    data = repeated("ogg", "libopus", rate=48_000, hours=240 / 3600, b="96000")
    end = len(data) * 2 // 5
    source = reader(moved(data, -(2**31)))
    source.expect(end)
    view = counted_from_zero(source)
    while view.tell() < end:
        view.read(4096)
    assert end < source.bytes_read < 1.1 * end


def test_any_other_file_is_left_as_it_is():
    for data in (b"", b"OggS", make("ogg", "libopus", rate=48_000, seconds=1.0), bytes(5000)):
        source = reader(data)
        assert counted_from_zero(source) is source


@pytest.mark.parametrize("chunks", [1, 3])
@pytest.mark.parametrize("seconds", [3, 100, 40_000])
@pytest.mark.parametrize("name", RATES)
def test_a_stream_that_begins_below_zero_is_heard_in_full(sandbox, name, seconds, chunks):
    data = make(*FORMATS[name][:2], **FORMATS[name][2], seconds=8.0)
    heard, info, warnings = decoded(sandbox, moved(data, -seconds * RATES[name]), chunks=chunks)
    assert info.duration == pytest.approx(8.0, abs=0.05)
    assert len(heard) / RATE == pytest.approx(8.0, abs=0.05)
    assert_same(heard, decoded(sandbox, data)[0], tolerance=0.05)
    assert warnings == []
