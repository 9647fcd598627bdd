"""Where the numbers of frames begin anew."""

import re
import struct

import pytest

from shared.audio.files.reader import Reader
from shared.audio.probing.concatenated.numbered import restarts
from shared.audio.types import MOST_PARTS, SHORT
from tests.audio.media import FORMATS, Memory, make
from tests.audio.probing.test_flac import with_pictures, without_length

KINDS = {"flac": "flac", "wavpack": "wv", "mp4-fragmented": "mov"}


def reader(data):
    return Reader(Memory(data).read, len(data))


def starts(files):
    return [sum(map(len, files[:number])) for number in range(len(files))]


@pytest.fixture(scope="module", params=KINDS)
def made(request):
    """FFmpeg's name of a format, and recordings in it by their seconds."""
    container, codec, options = FORMATS[request.param]
    options = {**options, "bit_rate": 256_000} if codec == "aac" else options
    return KINDS[request.param], {
        seconds: make(container, codec, **options, seconds=seconds) for seconds in (60.0, 30.0, 5.0)
    }


@pytest.mark.parametrize(
    "seconds", [(5, 5), (5, 5, 5), (60, 30), (30, 60), (60, 60), (60, 5), (5, 60), (30, 5, 60), (5,) * 17]
)
def test_every_recording_is_found_whatever_the_lengths(made, seconds):
    demuxer, files = made
    chosen = [files[one] for one in seconds]
    data = b"".join(chosen)
    assert restarts(reader(data), demuxer, MOST_PARTS + 1) == starts(chosen)


def test_one_recording_is_one_and_of_a_long_one_little_is_read(made):
    demuxer, files = made
    for data in files.values():
        source = reader(data)
        assert restarts(source, demuxer, 5) == [0]
        if len(data) > SHORT:
            assert source.bytes_read < (100_000 if demuxer == "flac" else 350_000)


def test_pictures_before_the_frames_do_not_matter():
    one, other = (make("flac", "flac", seconds=seconds) for seconds in (60.0, 30.0))
    for files in ([one, with_pictures(other, 300_000)], [with_pictures(one, 2_000_000), one]):
        assert restarts(reader(b"".join(files)), "flac", 5) == starts(files)


def test_files_without_a_length_are_told_apart():
    data = without_length(make("flac", "flac", seconds=60.0))
    assert restarts(reader(data), "flac", 5) == [0]
    assert restarts(reader(2 * data), "flac", 5) == [0, len(data)]


def test_fragments_without_a_table_are_told_apart():
    container, codec, options = FORMATS["mp4-fragmented"]
    data = make(container, codec, **{**options, "bit_rate": 256_000}, seconds=60.0)
    bare = data[: data.rindex(b"mfra") - 4]
    assert restarts(reader(bare), "mov", 5) == [0]
    assert restarts(reader(2 * bare), "mov", 5) == [0, len(bare)]
    assert restarts(reader(bare + data), "mov", 5) == [0, len(bare)]


def test_a_header_that_is_repeated_before_each_fragment_is_no_other_recording():
    container, codec, options = FORMATS["mp4-fragmented"]
    data = make(container, codec, **options, seconds=30.0)
    header, *fragments = re.split(rb"(?=.{4}moof\0)", data[: data.rindex(b"mfra") - 4], flags=re.DOTALL)
    repeated = b"".join(header + one for one in fragments)
    assert len(fragments) > MOST_PARTS
    assert len(repeated) < SHORT
    assert restarts(reader(repeated), "mov", 5) == [0]
    assert restarts(reader(repeated + data), "mov", 5) == [0, len(repeated)]
    attached = struct.pack("!I4s", 8 + len(header), b"free") + header
    assert restarts(reader(header + attached + b"".join(fragments)), "mov", 5) == [0]
    other = make("mp4", "aac", seconds=5.0)
    assert restarts(reader(data + other), "mov", 5) == [0, len(data)]


def test_a_picture_that_is_a_recording_itself_is_no_other_recording():
    one = make("flac", "flac", seconds=5.0)
    data = with_pictures(one, len(one)).replace(b"\xff" * len(one), one)
    assert restarts(reader(data), "flac", 5) == [0]
    assert restarts(reader(data + data), "flac", 5) == [0, len(data)]


@pytest.mark.parametrize("table", [True, False])
@pytest.mark.parametrize("muxing", [{}, {"movflags": "faststart"}])
def test_a_file_without_fragments_behind_one_in_fragments_is_told_apart(table, muxing):
    container, codec, options = FORMATS["mp4-fragmented"]
    data = make(container, codec, **{**options, "bit_rate": 192_000}, seconds=60.0)
    long = data if table else data[: data.rindex(b"mfra") - 4]
    assert len(long) > SHORT
    for seconds in (5.0, 60.0):
        other = make("mp4", "aac", seconds=seconds, bit_rate=192_000, muxing=muxing)
        source = reader(long + other)
        assert restarts(source, "mov", 5) == [0, len(long)]
        assert source.bytes_read < 800_000
