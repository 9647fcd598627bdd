"""Where the recordings in a file begin."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.audio.files.reader import Reader
from shared.audio.probing.parts import beginnings, header_length
from shared.audio.types import MOST_PARTS
from tests.audio.clocks import webm, webm_blocks
from tests.audio.media import FORMATS, make


def reader(data):
    return Reader(lambda offset, length: data[offset : offset + length], len(data))


@pytest.mark.parametrize(("demuxer", "name"), [("matroska", "mkv-video"), ("matroska", "webm"), ("matroska", "webm-live"),
                                               ("ogg", "ogg-opus"), ("ogg", "ogg-flac"), ("mpegts", "mpegts"), ("mpeg", "mpeg")])  # fmt: skip
def test_files_that_are_joined_begin_where_they_were_joined(demuxer, name):
    container, codec, options = FORMATS[name]
    files = [make(container, codec, **options, seconds=seconds) for seconds in (8.0, 5.0, 6.5)]
    assert beginnings(reader(files[0]), demuxer) == [0]
    found = beginnings(reader(b"".join(files)), demuxer)
    true = [0, len(files[0]), len(files[0]) + len(files[1])]
    assert found == pytest.approx(true, abs=600), "a few packets before the first clock at most"


def test_a_long_file_is_looked_at_in_some_places_only():
    one = make("mpegts", "aac", seconds=60.0, bit_rate=256_000)
    source = reader(one + one)
    assert len(source.at(0, 1)) == 1
    found = beginnings(source, "mpegts")
    assert len(found) == 2
    assert found[1] == pytest.approx(len(one), abs=600)
    assert source.bytes_read < len(one)


def test_a_clock_that_is_set_back_needs_the_header_of_the_file():
    data = webm(lambda number, time: time if number < 200 else time - 3000)
    found = beginnings(reader(data), "matroska")
    assert len(found) == 2
    assert data[found[1] :].startswith(b"\x1f\x43\xb6\x75")
    assert header_length(reader(data), "matroska", found[1]) == len(webm_blocks()[0])
    assert header_length(reader(data * 2), "matroska", len(data)) == 0


def test_a_clock_that_wraps_is_no_new_recording():
    wraps = 2**33
    base = make("mpegts", "aac", seconds=8.0)
    data = bytearray(base)
    for at in range(0, len(data) - 188, 188):
        if data[at + 3] >> 4 & 2 and data[at + 4] >= 7 and data[at + 5] & 0x10:
            clock = int.from_bytes(data[at + 6 : at + 11], "big")
            shifted = ((clock >> 7) + wraps - 4 * 90_000) % wraps
            data[at + 6 : at + 11] = (shifted << 7 | clock & 0x7F).to_bytes(5, "big")
    assert beginnings(reader(bytes(data)), "mpegts") == [0]


def test_no_more_recordings_are_kept_apart_than_allowed():
    data = b"".join(make("ogg", "libopus", rate=48_000, seconds=0.1) for _ in range(MOST_PARTS + 5))
    assert len(beginnings(reader(data), "ogg")) == MOST_PARTS


@given(st.binary(max_size=3000), st.sampled_from(["ogg", "mpegts", "mpeg", "matroska"]))
def test_any_bytes_are_one_recording_or_several_within_the_file(data, demuxer):
    found = beginnings(reader(data), demuxer)
    assert found[0] == 0
    assert found == sorted(set(found))
    assert all(0 <= at < max(1, len(data)) for at in found)
