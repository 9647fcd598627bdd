"""Plain samples of a wave file: the same sound as FFmpeg gives, from fewer bytes."""

import struct

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from shared.audio.decoding import wav_samples
from shared.audio.decoding.decode import _ChunkDecoder
from shared.audio.files.reader import Reader
from shared.audio.probing import wav
from tests.audio.media import Memory, chunk
from tests.audio.probing.test_wav import PCM, extensible, reader, wave


def decoded(data, part):
    """What our own way gives for a chunk, and what FFmpeg's gives."""
    info = wav.probe(reader(data), 0)
    ours, theirs = [], []
    done = wav_samples.decode(reader(data), info, part, track=0, longest=3600.0, emit=ours.append)
    other = _ChunkDecoder(reader(data), info, part, 0, 3600.0, theirs.append).decode()
    assert (done.start, done.warnings) == (other.start, other.warnings)
    assert done.owned == pytest.approx(other.owned, abs=1e-6)
    return np.frombuffer(b"".join(ours), np.int16), np.frombuffer(b"".join(theirs), np.int16)


@pytest.mark.parametrize("layout", ["mono", "stereo"])
@pytest.mark.parametrize("rate", [8_000, 11_025, 16_000, 44_100, 48_000, 192_000])
@pytest.mark.parametrize("codec", PCM)
def test_a_whole_file_gives_the_samples_that_ffmpeg_gives(codec, rate, layout):
    ours, theirs = decoded(wave(codec, rate, layout), chunk())
    assert len(ours) == 48_000
    assert np.array_equal(ours, theirs)


@settings(max_examples=60, deadline=None)
@given(
    begin=st.floats(0.0, 2.9),
    length=st.floats(0.01, 3.5),
    lead=st.floats(0.0, 1.0),
    tail=st.floats(0.0, 1.0),
)
@example(begin=0.0, length=3.0, lead=0.0, tail=0.0)
def test_any_chunk_gives_the_samples_that_ffmpeg_gives(begin, length, lead, tail):
    ours, theirs = decoded(wave(), chunk(begin, begin + length, lead=lead, tail=tail))
    assert np.array_equal(ours, theirs)


@pytest.mark.parametrize("rate", [8_000, 11_025, 44_100, 48_000])
def test_a_chunk_at_another_rate_has_the_samples_of_the_whole_file(rate):
    data = wave(rate=rate)
    whole, _ = decoded(data, chunk())
    for begin in (0.05, 0.7, 1.234567):
        part, _ = decoded(data, chunk(begin, begin + 1.0, lead=0.05, tail=0.2))
        at = round((begin - 0.05) * 16_000)
        inside = part[80:-80].astype(int)  # where the resampler has its whole neighbourhood
        assert np.abs(inside - whole[at + 80 : at + len(part) - 80]).max() <= 1


def test_only_the_bytes_of_a_chunk_are_read():
    data = wave(seconds=60.0)
    memory = Memory(data)
    info = wav.probe(reader(data), 0)
    part = chunk(20.0, 30.0, lead=1.0, tail=1.0)
    wav_samples.decode(
        Reader(memory.read, len(data)), info, part, track=0, longest=60.0, emit=lambda _samples: None
    )
    assert sum(len(data[start : start + length]) for start, length in memory.reads) < 12.5 * 32_000


@pytest.mark.parametrize("codec", PCM)
@pytest.mark.parametrize(("layout", "mask"), [("mono", 4), ("mono", 0), ("stereo", 3)])
def test_the_longer_description_tells_the_same(codec, layout, mask):
    data = wave(codec, layout=layout)
    assert wav.probe(reader(extensible(data, mask)), 0).codec == codec
    assert np.array_equal(decoded(extensible(data, mask), chunk())[0], decoded(data, chunk())[0])


@pytest.mark.parametrize("unknown", [0, 0xFFFFFFFF, 0x7FFFFFFF])
def test_a_file_of_unknown_length_goes_on_to_its_end(unknown):
    data = wave(seconds=2.0)
    at = data.index(b"data") + 4
    piped = data[:at] + struct.pack("<I", unknown) + data[at + 4 :]
    info = wav.probe(reader(piped), 0)
    assert (info.duration, info.exact, info.warnings) == (2.0, True, ())
    assert np.array_equal(decoded(piped, chunk())[0], decoded(data, chunk())[0])


def test_what_follows_the_samples_is_no_sound():
    data = wave(seconds=1.0)
    tagged = data + b"LIST" + struct.pack("<I", 500) + bytes(500)
    info = wav.probe(reader(tagged), 0)
    assert (info.duration, info.last_byte) == (1.0, len(data))
    assert len(decoded(tagged, chunk())[0]) == 16_000


def test_a_cut_file_says_where_it_ends_and_what_it_promised():
    data = wave(seconds=8.0)
    info = wav.probe(reader(data[:-96_001]), 0)
    assert info.duration == pytest.approx(5.0, abs=1e-3)
    assert info.warnings == ("the audio stops at 5.0 s, the header promised 8.0 s",)
    assert len(decoded(data[:-96_001], chunk())[0]) == round(info.duration * 16_000)
