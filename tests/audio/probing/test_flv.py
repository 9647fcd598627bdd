"""What the tags of an flv say."""

import pytest

from shared.audio.files.reader import Reader
from shared.audio.probing.flv import FIRST, SOUND, duration, header_length
from tests.audio.clocks import flv
from tests.audio.media import Memory, make


def reader(data):
    return Reader(Memory(data).read, len(data))


def tags(data):
    """Where the tags begin."""
    at = FIRST
    while at + 11 <= len(data):
        yield at
        at += 15 + int.from_bytes(data[at + 1 : at + 4], "big")


def first(data, kind):
    """Where the first tag of a kind begins, and where the one behind it."""
    starts = [*tags(data), len(data)]
    number = next(number for number, at in enumerate(starts) if data[at] == kind)
    return starts[number], starts[number + 1]


@pytest.mark.parametrize("codec", ["aac", "libmp3lame"])
def test_the_header_of_a_file_is_what_its_codec_needs(codec):
    data = make("flv", codec, seconds=2.0)
    begin, end = first(data, SOUND)
    expected = end if codec == "aac" else begin
    assert header_length(reader(data)) == expected
    script = data[:expected]
    assert script.count(b"onMetaData") == 1


def test_without_the_header_of_its_codec_there_is_none():
    data = make("flv", "aac", seconds=2.0)
    begin, end = first(data, SOUND)
    assert header_length(reader(data[:begin] + data[end:])) == 0


@pytest.mark.parametrize("codec", ["aac", "libmp3lame"])
def test_a_file_is_as_long_as_its_tags_say(codec):
    data = make("flv", codec, seconds=5.0)
    assert duration(reader(data), 0.0) == pytest.approx(5.0, abs=0.06)
    later = flv(data, lambda _, time: time + 7_200_000)
    assert duration(reader(later), 7200.0) == pytest.approx(5.0, abs=0.06)


def test_a_file_that_is_cut_does_not_say_how_long_it_is():
    data = make("flv", "aac", seconds=2.0)
    for stop in (0, 1, 4, FIRST, 100, len(data) // 2, len(data) - 1):
        assert duration(reader(data[:stop]), 0.0) is None
        assert header_length(reader(data[:stop])) in {0, header_length(reader(data))}
