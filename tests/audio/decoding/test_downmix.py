"""Every voice is heard, on whatever channel it is, and also where the channels cancel each other out."""

import struct

import av
import numpy as np
import pytest

from shared.audio.decoding import downmix
from shared.audio.decoding.timeline import CANCELS, SUBWOOFER
from tests.audio.media import RATE, Memory, chunk, lag, make, samples, sound

SECONDS = 3.0


def frame(channels, *, form="s16", layout):
    """A frame whose channels are these signals, between -1 and 1."""
    values = np.array(channels)
    full = {"s16": 32767, "s16p": 32767, "flt": 1.0, "fltp": 1.0, "u8": 127, "s32": 2**31 - 1}[form]
    kind = {"s16": np.int16, "flt": np.float32, "u8": np.uint8, "s32": np.int32}[form.removesuffix("p")]
    data = (values * full + (128 if form == "u8" else 0)).astype(kind)
    shaped = data if form.endswith("p") else np.ascontiguousarray(data.T).reshape(1, -1)
    made = av.AudioFrame.from_ndarray(shaped, form, layout)
    made.sample_rate = RATE
    return made


WAVE = sound(RATE, 1.0)


@pytest.mark.parametrize("form", ["s16", "s16p", "flt", "fltp", "u8", "s32"])
def test_phase_inverted_channels_leave_the_louder_one(form):
    made = [frame([0.4 * WAVE, -1.0 * WAVE], form=form, layout="stereo")]
    assert downmix.weights(made, 2) == (0.5, 0.5)  # a third of it remains: nothing is lost
    made = [frame([0.9 * WAVE, -1.0 * WAVE], form=form, layout="stereo")]
    assert downmix.weights(made, 2) == (0.0, 1.0)


@pytest.mark.parametrize("channels", [[WAVE, WAVE], [WAVE, 0 * WAVE], [WAVE, np.roll(WAVE, 40)]])
def test_ordinary_stereo_is_mixed(channels):
    assert downmix.weights([frame(channels, layout="stereo")], 2) == (0.5, 0.5)


def test_silence_decides_nothing():
    assert downmix.weights([frame([0 * WAVE, 0 * WAVE], layout="stereo")], 2) is None


@pytest.mark.parametrize(("container", "codec"), [("ipod", "aac"), ("ogg", "libopus")])
def test_eight_loudspeakers_in_planes_do_not_crash_the_decoder(sandbox, container, codec):
    encoding = {"mapping_family": "1"} if codec == "libopus" else {}
    gains = [0.0] * 7 + [0.5]
    made = make(container, codec, rate=48_000, layout="7.1", seconds=SECONDS, gains=gains, **encoding)
    data, warnings = heard(sandbox, made)
    assert warnings == []
    assert abs(lag(data[RATE : 2 * RATE], sound(RATE, SECONDS) * 32767, 1.0)) < 0.005


def wav(channels, rate=RATE, mask=0):
    """A wave file whose header names no loudspeakers."""
    body = (np.array(channels).T * 32767).astype("<i2").tobytes()
    count = len(channels)
    form = struct.pack("<HHIIHHHHI", 0xFFFE, count, rate, 2 * count * rate, 2 * count, 16, 22, 16, mask)
    form += b"\x01\0" + bytes.fromhex("000000001000800000aa00389b71")
    wave = b"WAVEfmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", len(body)) + body
    return b"RIFF" + struct.pack("<I", len(wave)) + wave


def heard(sandbox, data):
    """The samples of a file and all warnings."""
    source = Memory(data)
    info = sandbox.probe(source)
    pcm = sandbox.decode(source, info, chunk())
    return samples(pcm), [*info.warnings, *pcm.warnings]


@pytest.mark.parametrize("count", [3, 4, 6, 8, 10, 24, 60])
def test_a_voice_on_any_unnamed_channel_is_heard(sandbox, count):
    wave = sound(RATE, SECONDS)
    for place in {0, 3 % count, count - 1}:
        data, warnings = heard(sandbox, wav([wave if one == place else 0 * wave for one in range(count)]))
        assert warnings == []
        assert abs(lag(data[RATE : 2 * RATE], wave * 32767, 1.0)) < 0.001
        assert np.abs(data).max() == pytest.approx(np.abs(wave).max() * 32767 / count, rel=0.1, abs=3)


def aiff(channels, order):
    """An AIFF-C file with channels in an order of its own (`CHAN`)."""
    body = (np.array(channels).T * 32767).astype(">i2").tobytes()
    rate = b"\x40\x0c\xfa\0\0\0\0\0\0\0"  # 16,000 as an 80-bit float
    comm = struct.pack(">hIh", len(channels), len(channels[0]), 16) + rate + b"NONE\0\0"
    layout = struct.pack(">III", 0, 0, len(order)) + b"".join(
        struct.pack(">II3f", one, 0, 0, 0, 0) for one in order
    )
    parts = (b"FVER" + struct.pack(">II", 4, 0xA2805140), b"COMM" + struct.pack(">I", len(comm)) + comm,
             b"CHAN" + struct.pack(">I", len(layout)) + layout,
             b"SSND" + struct.pack(">III", len(body) + 8, 0, 0) + body)  # fmt: skip
    content = b"AIFC" + b"".join(parts)
    return b"FORM" + struct.pack(">I", len(content)) + content


def test_channels_in_an_order_of_the_files_own_do_not_crash_the_decoder(sandbox):
    wave = sound(RATE, SECONDS)
    data = aiff([0 * wave] * 6 + [wave, 0 * wave], order=(1, 2, 3, 4, 10, 11, 5, 6))
    for _ in range(3):
        found, warnings = heard(sandbox, data)
        assert warnings == []
        assert abs(lag(found[RATE : 2 * RATE], wave * 32767, 1.0)) < 0.001


@pytest.mark.parametrize(
    ("container", "codec"), [("wav", "pcm_s16le"), ("flac", "flac"), ("matroska", "libmp3lame")]
)
def test_opposite_phase_is_heard_and_told(sandbox, container, codec, tmp_path):
    wave = sound(44_100, SECONDS)
    path = str(tmp_path / "made")
    with av.open(path, "w", format=container) as out:
        stream = out.add_stream(codec, rate=44_100, layout="stereo")
        shape = av.AudioResampler(
            format=stream.codec_context.format,
            layout="stereo",
            rate=44_100,
            frame_size=stream.codec_context.frame_size or 0,
        )
        one = frame([wave, -wave], layout="stereo")
        one.sample_rate, one.pts = 44_100, 0
        for shaped in [*shape.resample(one), *shape.resample(None)]:
            out.mux(stream.encode(shaped))
        out.mux(stream.encode(None))
    data, warnings = heard(sandbox, (tmp_path / "made").read_bytes())
    assert warnings == [CANCELS]
    true = sound(RATE, SECONDS) * 32767
    assert abs(lag(data[RATE : 2 * RATE], true, 1.0)) < 0.003
    assert np.std(data) == pytest.approx(np.std(true), rel=0.1)


def test_a_mix_that_changes_keeps_its_place(sandbox):
    wave = sound(RATE, 40.0)
    sign = np.where(np.arange(len(wave)) < 10 * RATE, 1.0, -1.0)
    data, warnings = heard(sandbox, make_stereo(wave, sign * wave))
    assert warnings == [CANCELS]
    assert len(data) == 40 * RATE
    for at in (1.0, 8.0, 30.0, 39.0):  # it is compared every 16 seconds at this rate
        assert abs(lag(data[round(at * RATE) : round((at + 0.5) * RATE)], wave * 32767, at)) < 0.001


def make_stereo(left, right):
    body = (np.array([left, right]).T * 32767).astype("<i2").tobytes()
    form = struct.pack("<IHHIIHH", 16, 1, 2, RATE, 4 * RATE, 4, 16)
    return (
        b"RIFF"
        + struct.pack("<I", len(body) + 36)
        + b"WAVEfmt "
        + form
        + b"data"
        + struct.pack("<I", len(body))
        + body
    )


def test_a_subwoofer_that_the_file_names_is_left_out(sandbox):
    info = sandbox.probe(Memory(make("wav", "pcm_s16le", rate=48_000, layout="5.1", seconds=1.0)))
    assert info.channels == 6
    assert downmix.is_named("5.1")
    assert not downmix.is_named("6 channels")


def test_a_voice_on_nothing_but_the_subwoofer_is_heard_and_told(sandbox):
    """FFmpeg's `amerge` calls the third of three microphones so."""
    data, warnings = heard(
        sandbox, make("wav", "pcm_s16le", rate=48_000, layout="2.1", seconds=SECONDS, gains=[0.0, 0.0, 1.0])
    )
    assert warnings == [SUBWOOFER]
    assert abs(lag(data[RATE : 2 * RATE], sound(RATE, SECONDS) * 32767, 1.0)) < 0.005
    quiet, warnings = heard(
        sandbox, make("wav", "pcm_s16le", rate=48_000, layout="2.1", seconds=SECONDS, gains=[0.1, 0.1, 1.0])
    )
    assert warnings == []
    assert 0 < np.abs(quiet).max() < np.abs(data).max() / 2
