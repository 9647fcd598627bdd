"""The header of a wave file tells whether its samples are plain, and where they are."""

import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.audio.decoding.decode import decode
from shared.audio.files.reader import Reader
from shared.audio.probing import audio_info, wav
from shared.errors import BadMedia
from tests.audio.media import Memory, Sparse, chunk, lag, make, sound

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


def test_a_size_that_has_lost_its_upper_bits_is_found_again():
    true = 2**32 + 300 * 16_000 * 2
    head = b"RIFF\0\0\0\0WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, 16_000, 32_000, 2, 16)
    head += b"data" + struct.pack("<I", true % 2**32)
    for behind in (0, 5000):
        source = Sparse(head + b"\x12\x34" * 10_000, len(head) + true + behind)
        info = wav.probe(Reader(source.read, source.size), 0)
        assert info.duration == pytest.approx(true / 32_000, abs=0.1)
        assert info.warnings == ()
    short = Sparse(head + b"\x12\x34" * 10_000, len(head) + true % 2**32 + 1000)
    assert wav.probe(Reader(short.read, short.size), 0).duration == pytest.approx(300.0)


@pytest.mark.parametrize("behind", [0, 40])
def test_a_wrapped_size_of_many_channels_is_read_to_its_end(behind):
    """Recorders on film sets write them; FFmpeg, which knows the places of the channels, believes the size."""
    made = make("wav", "pcm_s16le", rate=48_000, layout="5.1", seconds=4.0)
    at = made.index(b"data") + 8
    width = 2 * 6 * 48_000
    true = (2**32 // width + 60) * width
    head = made[: at - 4] + struct.pack("<I", true % 2**32)
    source = Sparse(head, len(head) + true + behind, made[at:] + bytes(behind))
    info = audio_info.probe(Reader(source.read, source.size), name="reel.wav", track=0)
    assert info.duration == pytest.approx(true / width, abs=0.1)
    assert info.warnings == ()
    heard = []
    last = chunk(start=true / width - 4.0)
    done = decode(Reader(source.read, source.size), info, last, track=0, longest=60.0, emit=heard.append)
    assert done.owned == pytest.approx(4.0, abs=0.1)
    values = np.frombuffer(b"".join(heard), np.int16).astype(float)
    whole = sound(16_000, 4.0) * 32767
    assert lag(values[16_000:32_000], whole, 1.0) == pytest.approx(0.0, abs=0.01)


@pytest.mark.parametrize("tag", [0xFF, 0x1600, 0x1610])
def test_frames_of_aac_in_a_wave_file_are_heard(sandbox, tag):
    frames = make("adts", "aac", rate=16_000, layout="mono", seconds=4.0)
    form = struct.pack("<HHIIHHH", tag, 1, 16_000, 8_000, 1, 16, 0)
    body = (
        b"WAVEfmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", len(frames)) + frames
    )
    source = Memory(b"RIFF" + struct.pack("<I", len(body)) + body)
    info = sandbox.probe(source)
    assert (info.format, info.codec) == ("aac", "aac")
    assert info.duration == pytest.approx(4.0, abs=0.15)
    pcm = sandbox.decode(source, info, chunk())
    assert pcm.owned == pytest.approx(4.0, abs=0.15)
    assert pcm.warnings == ()
