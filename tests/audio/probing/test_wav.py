"""Wave files of plain samples: the same sound as FFmpeg's own way gives, from fewer bytes."""

import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from shared.audio.decoding import wav_samples
from shared.audio.decoding.decode import _ChunkDecoder
from shared.audio.files.reader import Reader
from shared.audio.probing import audio_info, wav
from shared.errors import BadMedia, StoreUnavailable
from tests.audio.media import Memory, chunk, make

PCM = ("pcm_alaw", "pcm_mulaw", "pcm_u8", "pcm_s16le", "pcm_s24le", "pcm_s32le", "pcm_f32le", "pcm_f64le")


def reader(data):
    return Reader(Memory(data).read, len(data))


def wave(codec="pcm_s16le", rate=16_000, layout="mono", seconds=3.0):
    return make("wav", codec, rate=rate, layout=layout, seconds=seconds)


def extensible(data, mask):
    """The same samples behind the longer description, with a mask of loudspeakers."""
    at = data.index(b"fmt ") + 8
    tag, channels, rate, speed, align, bits = struct.unpack("<HHIIHH", data[at : at + 16])
    if tag == 0xFFFE:  # FFmpeg writes it so for wide samples
        tag = data[at + 24]
    long = struct.pack("<HHIIHHHHIH", 0xFFFE, channels, rate, speed, align, bits, 22, bits, mask, tag)
    samples = data[data.index(b"data") :]
    body = b"WAVEfmt " + struct.pack("<I", 40) + long + wav.SUBFORMAT + samples
    return b"RIFF" + struct.pack("<I", len(body)) + body


def described(**changes):
    """A wave file of silence whose description is changed."""
    fields = {"tag": 1, "channels": 1, "rate": 16_000, "align": 2, "bits": 16} | changes
    speed = fields["rate"] * fields["align"]
    form = struct.pack(
        "<HHIIHH", fields["tag"], fields["channels"], fields["rate"], speed, fields["align"], fields["bits"]
    )
    body = b"WAVEfmt " + struct.pack("<I", 16) + form + b"data" + struct.pack("<I", 4000) + bytes(4000)
    return b"RIFF" + struct.pack("<I", len(body)) + body


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


@pytest.mark.parametrize(
    "changes",
    [
        {"tag": 2},
        {"tag": 3},
        {"bits": 12},
        {"align": 4},
        {"channels": 0, "align": 0},
        {"channels": 3, "align": 6},
        {"rate": 0},
        {"rate": 1_000_000},
    ],
)
def test_what_is_not_plain_is_left_to_ffmpeg(changes):
    assert wav.probe(reader(described()), 0) is not None
    assert wav.probe(reader(described(**changes)), 0) is None


def test_unusual_loudspeakers_several_parts_and_an_empty_file_are_left_to_ffmpeg():
    data = wave()
    assert wav.probe(reader(extensible(data, 0x8)), 0) is None
    assert wav.probe(reader(data + b"data" + struct.pack("<I", 4) + bytes(4)), 0) is None
    assert wav.probe(reader(data[:44]), 0) is None


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


def test_there_is_one_track_and_no_more():
    with pytest.raises(BadMedia) as raised:
        wav.probe(reader(wave()), 1)
    assert raised.value.code == "no-track"


@settings(max_examples=200, deadline=None)
@given(cut=st.integers(0, 300), at=st.integers(0, 60), value=st.integers(0, 255))
def test_no_damage_of_the_header_breaks_the_probe(cut, at, value):
    data = bytearray(wave(seconds=1.0))
    data[at] = value
    data = bytes(data[: len(data) - cut])
    try:
        info = audio_info.probe(reader(data), name="talk.wav", track=0)
    except BadMedia:
        return
    assert info.duration is None or info.duration > 0


def test_plain_samples_take_no_fork_and_everything_else_takes_one(sandbox):
    jobs = []

    class Watching(Memory):
        def read(self, start, length):
            process = sandbox._process.pid
            jobs.append(Path(f"/proc/{process}/task/{process}/children").read_text().split())
            return super().read(start, length)

    for codec, forks in (("pcm_s16le", False), ("pcm_mulaw", False), ("adpcm_ms", True)):
        data = Watching(wave(codec))
        info, ahead = sandbox.probe_and_decode(data, lambda _info: chunk())
        again = sandbox.decode(data, info, chunk())
        assert ahead.pcm.samples == again.samples
        # The first look at a file is always taken before a fork.
        assert [bool(one) for one in jobs[1:]] == [forks] * (len(jobs) - 1)
        jobs.clear()


def test_a_source_that_fails_in_the_middle_costs_no_process(sandbox):
    class Failing(Memory):
        def read(self, start, length):
            if start > 100_000:
                raise StoreUnavailable("not now")
            return super().read(start, length)

    data = wave(rate=48_000, seconds=60.0)
    info = sandbox.probe(Memory(data))
    process = sandbox._process.pid
    with pytest.raises(StoreUnavailable, match="not now"):
        sandbox.decode(Failing(data), info, chunk(30.0, 40.0))
    assert sandbox.decode(Memory(data), info, chunk(30.0, 40.0)).owned == pytest.approx(10.0)
    assert sandbox._process.pid == process
