"""Where the recordings in a file begin."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.audio.files.reader import Reader
from shared.audio.probing.concatenated.ends import ENDS
from shared.audio.probing.concatenated.numbered import NUMBERS
from shared.audio.probing.concatenated.parts import beginnings, header_length
from shared.audio.probing.flv import header_length as flv_header_length
from shared.audio.types import MOST_PARTS
from tests.audio.clocks import flv, two_programs, webm, webm_blocks
from tests.audio.media import FORMATS, make, repeated


def reader(data):
    return Reader(lambda offset, length: data[offset : offset + length], len(data))


@pytest.mark.parametrize(("demuxer", "name"), [("matroska", "mkv-video"), ("matroska", "webm"), ("matroska", "webm-live"),
                                               ("ogg", "ogg-opus"), ("ogg", "ogg-flac"), ("mpegts", "mpegts"), ("mpeg", "mpeg"),
                                               ("flv", "flv")])  # fmt: skip
def test_files_that_are_joined_begin_where_they_were_joined(demuxer, name):
    container, codec, options = FORMATS[name]
    files = [make(container, codec, **options, seconds=seconds) for seconds in (8.0, 5.0, 6.5)]
    assert beginnings(reader(files[0]), demuxer) == [0]
    found = beginnings(reader(b"".join(files)), demuxer)
    true = [0, len(files[0]), len(files[0]) + len(files[1])]
    assert found == pytest.approx(true, abs=600), "a few packets before the first clock at most"


@pytest.mark.parametrize(("demuxer", "name"), [("ogg", "ogg-opus"), ("ogg", "ogg-vorbis"), ("ogg", "ogg-flac"), ("flv", "flv")])  # fmt: skip
def test_a_file_that_is_appended_to_itself_begins_again(demuxer, name):
    data = make(*FORMATS[name][:2], **FORMATS[name][2], seconds=5.0)
    assert beginnings(reader(data), demuxer) == [0]
    assert beginnings(reader(3 * data), demuxer) == [0, len(data), 2 * len(data)]


def test_what_is_appended_to_a_much_longer_file_of_the_same_stream_is_found():
    long = repeated("ogg", "libopus", rate=48_000, hours=150 / 3600, b="96000")
    short = make("ogg", "libopus", rate=48_000, seconds=9.0, bit_rate=96_000)
    data = long + short.replace(short[14:18], long[14:18])
    assert long[14:18] == data[len(long) + 14 : len(long) + 18]
    source = reader(data)
    assert beginnings(source, "ogg") == [0, len(long)]
    assert source.bytes_read < len(data) / 2


def test_of_several_streams_in_an_ogg_file_the_pages_do_not_count_alike():
    data = bytearray(make("ogg", "libopus", rate=48_000, seconds=5.0, tracks=2))
    assert beginnings(reader(bytes(2 * data)), "ogg") == [0]


@pytest.mark.parametrize("codec", ["aac", "libmp3lame"])
def test_a_clock_of_flv_that_is_set_back_needs_the_headers_of_file_and_codec(codec):
    data = make("flv", codec, seconds=8.0)
    back = flv(data, lambda _, time: time if time < 4000 else time - 3000)
    begin, turn = beginnings(reader(back), "flv")
    assert begin == 0
    assert turn == pytest.approx(len(data) / 2, abs=1000)
    assert header_length(reader(back), "flv", turn) == flv_header_length(reader(data))
    assert header_length(reader(data * 2), "flv", len(data)) == 0


def test_an_flv_whose_codec_has_no_header_where_the_file_begins_is_one_recording():
    data = make("flv", "aac", seconds=8.0)
    back = flv(data, lambda _, time: time if time < 4000 else time - 3000)
    without = back.replace(b"\xaf\0", b"\xaf\1", 1)
    assert len(beginnings(reader(back), "flv")) == 2
    assert beginnings(reader(without), "flv") == [0]


def test_a_long_file_is_looked_at_in_some_places_only():
    one = make("mpegts", "aac", seconds=60.0, bit_rate=256_000)
    source = reader(one + one)
    assert len(source.at(0, 1)) == 1
    found = beginnings(source, "mpegts")
    assert len(found) == 2
    assert found[1] == pytest.approx(len(one), abs=600)
    assert source.bytes_read < len(one)


@pytest.mark.parametrize("later", [5.0, 700.0])
def test_the_clocks_of_two_programs_are_no_two_recordings(later):
    assert beginnings(reader(two_programs(later)), "mpegts") == [0]


def test_recordings_of_two_channels_are_two_recordings():
    one = make("mpegts", "aac", seconds=8.0, late=20.0)
    other = make("mpegts", "aac", seconds=5.0, muxing={"mpegts_start_pid": "272"})
    assert beginnings(reader(one + other), "mpegts") == pytest.approx([0, len(one)], abs=600)


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
    seconds = [0.1 + 0.02 * number for number in range(MOST_PARTS + 5)]
    data = b"".join(make("ogg", "libopus", rate=48_000, seconds=one) for one in seconds)
    assert len(beginnings(reader(data), "ogg")) == MOST_PARTS + 1


@given(
    st.binary(max_size=3000), st.sampled_from(["ogg", "mpegts", "mpeg", "matroska", "flv", *ENDS, *NUMBERS])
)
def test_any_bytes_are_one_recording_or_several_within_the_file(data, demuxer):
    found = beginnings(reader(data), demuxer)
    assert found[0] == 0
    assert found == sorted(set(found))
    assert all(0 <= at < max(1, len(data)) for at in found)
