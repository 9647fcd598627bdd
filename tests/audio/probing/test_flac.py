"""A flac file without a length is measured by its last frame."""

import pytest

from shared.audio.files.reader import Reader
from shared.audio.probing.flac import length
from tests.audio.media import Memory, chunk, make


def without_length(data):
    return data[:21] + bytes([data[21] & 0xF0]) + bytes(4) + data[26:]


@pytest.mark.parametrize(("rate", "seconds"), [(44_100, 8.0), (16_000, 3.3), (192_000, 0.7)])
def test_the_last_frame_tells_the_length(sandbox, rate, seconds):
    data = without_length(make("flac", "flac", rate=rate, seconds=seconds))
    source = Memory(data)
    assert length(Reader(source.read, len(data)), 0) == pytest.approx(seconds)
    info = sandbox.probe(source)
    assert info.duration == pytest.approx(seconds)
    assert sandbox.decode(source, info, chunk()).owned == pytest.approx(seconds)


def test_a_cut_file_is_measured_as_far_as_its_last_frame_begins():
    data = without_length(make("flac", "flac", seconds=8.0))
    half = data[: len(data) // 2]
    assert 2.0 < length(Reader(Memory(half).read, len(half)), 0) < 6.0


def test_a_file_without_frames_has_no_length():
    data = without_length(make("flac", "flac", seconds=1.0))[:42] + bytes(5000)
    assert length(Reader(Memory(data).read, len(data)), 0) is None
