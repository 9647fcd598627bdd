"""A flac file without a length is measured by its last frame."""

import pytest

from shared.audio.files.reader import Reader
from shared.audio.probing.concatenated.numbered import last_end
from shared.audio.probing.flac import declared_samples, frames_from, without_pictures
from tests.audio.media import Memory, chunk, make


def length(data, rate=44_100):
    """Seconds, by the last frame."""
    end = last_end(Reader(Memory(data).read, len(data)), "flac")
    return None if end is None else end / rate


def without_length(data):
    return data[:21] + bytes([data[21] & 0xF0]) + bytes(4) + data[26:]


@pytest.mark.parametrize(("rate", "seconds"), [(44_100, 8.0), (16_000, 3.3), (192_000, 0.7)])
def test_the_last_frame_tells_the_length(sandbox, rate, seconds):
    data = without_length(make("flac", "flac", rate=rate, seconds=seconds))
    source = Memory(data)
    assert length(data, rate) == pytest.approx(seconds)
    info = sandbox.probe(source)
    assert info.duration == pytest.approx(seconds)
    assert sandbox.decode(source, info, chunk()).owned == pytest.approx(seconds)


def test_frames_of_a_hundred_kilobytes_are_found():
    data = without_length(make("flac", "flac", seconds=1.0))
    at = frames_from(Reader(Memory(data).read, len(data)))
    assert (
        length(data + bytes(110_000)) == length(data[:at] + bytes(110_000) + data[at:]) == pytest.approx(1.0)
    )


def test_a_cut_file_is_measured_as_far_as_its_last_frame_begins():
    data = without_length(make("flac", "flac", seconds=8.0))
    half = data[: len(data) // 2]
    assert 2.0 < length(half) < 6.0


def test_a_file_without_frames_has_no_length():
    data = without_length(make("flac", "flac", seconds=1.0))[:42] + bytes(5000)
    assert length(data) is None


def with_pictures(data, *sizes):
    """A flac with pictures behind its first block of metadata."""
    blocks = b"".join(b"\6" + size.to_bytes(3, "big") + b"\xff" * size for size in sizes)
    return data[:4] + bytes((data[4] & 0x7F,)) + data[5:42] + blocks + data[42:]


@pytest.mark.parametrize("sizes", [(100_000,), (3_000_000,), (700_000, 900_000)])
def test_a_cover_of_any_size_is_skipped_and_not_read(sandbox, sizes):
    data = make("flac", "flac", seconds=8.0)
    source = Memory(with_pictures(data, *sizes))
    info = sandbox.probe(source)
    assert info.duration == 8.0
    assert info.warnings == ()
    source.reads.clear()
    pcm = sandbox.decode(source, info, chunk(4.0))
    assert pcm.owned == pytest.approx(4.0)
    assert sum(length for _, length in source.reads) < len(data) + 3 * 64 * 1024


def test_a_file_without_pictures_is_read_as_it_is():
    data = make("flac", "flac", seconds=1.0)
    reader = Reader(Memory(data).read, len(data))
    assert without_pictures(reader) is reader
    assert data[frames_from(reader)] == 0xFF


def test_the_header_tells_the_length():
    data = make("flac", "flac", rate=16_000, seconds=3.0)
    assert declared_samples(Reader(Memory(data).read, len(data))) == 48_000
    data = without_length(data)
    assert declared_samples(Reader(Memory(data).read, len(data))) is None
