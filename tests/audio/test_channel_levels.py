"""Both channels of a recording, level by level, through every way of decoding."""

from __future__ import annotations

import io

import av
import numpy as np
import pytest

from shared.audio import Sandbox, channel_levels
from shared.audio.channel_levels import LevelMeter
from shared.audio.decoding.timeline import Timeline
from tests.audio.media import RATE, Memory, chunk


def sound(seconds, level=0.3, pitch=440.0, rate=RATE):
    times = np.arange(round(seconds * rate)) / rate
    return level * np.sqrt(2) * np.sin(2 * np.pi * pitch * times)


def stereo(left, right, container="wav", codec="pcm_s16le", rate=RATE, layout="stereo"):
    """A file with two channels, from -1 to 1."""
    data = io.BytesIO()
    planes = (np.stack([left, right], axis=1) * 32767).astype(np.int16).reshape(1, -1)
    with av.open(data, "w", format=container) as file:
        stream = file.add_stream(codec, rate=rate, layout=layout)
        frame = av.AudioFrame.from_ndarray(planes, "s16", layout)
        frame.sample_rate = rate
        file.mux([*stream.encode(frame), *stream.encode(None)])
    return data.getvalue()


def decoded(data, *, lead=0.0, start=0.0, end=None, tail=0.0):
    source = Memory(data)
    with Sandbox() as sandbox:
        audio = sandbox.probe(source)
        part = chunk(start=start, end=end, lead=lead, tail=tail)
        return (
            audio,
            sandbox.decode(source, audio, part),
            sandbox.decode(source, audio, part, both="levels"),
        )


def levels(pcm):
    return np.frombuffer(pcm.levels, np.uint8).reshape(-1, 2)


@pytest.mark.parametrize(
    ("container", "codec", "rate"),
    [
        ("wav", "pcm_s16le", 16_000),
        ("wav", "pcm_s16le", 8_000),
        ("wav", "pcm_s16le", 44_100),
        ("flac", "flac", 48_000),
        ("mp3", "libmp3lame", 44_100),
        ("mp4", "aac", 44_100),
        ("adts", "aac", 44_100),
        ("ogg", "libopus", 48_000),
    ],
)
def test_each_side_has_its_level_and_the_mix_is_as_without_them(container, codec, rate):
    silence = np.zeros(2 * rate)
    left = np.concatenate([sound(2, 0.3, rate=rate), silence])
    right = np.concatenate([silence, sound(2, 0.1, 600.0, rate=rate)])
    audio, plain, both = decoded(stereo(left, right, container, codec, rate))
    assert audio.channels == 2
    assert plain.levels == b""
    mixes = [np.frombuffer(one.samples, np.int16).astype(int) for one in (plain, both)]
    assert len(mixes[0]) == len(mixes[1])
    # Rounding to 16 bits once more, and channels that are mixed before or after.
    assert abs(mixes[0] - mixes[1]).max() <= 2
    found = levels(both)
    assert len(found) == -(-len(mixes[1]) // 320)
    middle = [found[40:90], found[len(found) // 2 + 15 : len(found) // 2 + 65]]
    # 0.3 and 0.1 of full scale: 10.5 and 20 dB below it.
    assert np.median(middle[0][:, 0]) == pytest.approx(21, abs=1)
    assert np.median(middle[1][:, 1]) == pytest.approx(40, abs=1)
    assert np.median(middle[0][:, 1]) > 80
    assert np.median(middle[1][:, 0]) > 80


def test_the_overlap_of_a_chunk_is_cut_off():
    left = np.concatenate([sound(3.0), np.zeros(5 * RATE)])
    right = np.concatenate([np.zeros(3 * RATE), sound(5.0)])
    _, _, both = decoded(stereo(left, right), start=2.0, end=5.0, lead=1.5, tail=1.0)
    assert (both.start, len(levels(both))) == (-1.5, 275)
    own = np.frombuffer(channel_levels.of_chunk(both.levels, both.start, both.owned), np.uint8).reshape(-1, 2)
    assert len(own) == 150
    assert (own[:49, 0] < own[:49, 1]).all()
    assert (own[51:, 0] > own[51:, 1]).all()


def test_a_gap_is_silent_on_both_sides_and_times_stay():
    def frame(left, right):
        one = av.AudioFrame.from_ndarray(
            np.tile(np.array([[left, right]], np.int16), (1, 1600)).reshape(1, -1), "s16", "stereo"
        )
        one.sample_rate = RATE
        return one

    out = bytearray()
    timeline = Timeline(out.extend, begin=0.05, end=0.55, both=True)
    timeline.add(frame(1000, 3000), 0.0)
    timeline.add(frame(5000, 1000), 0.3)
    timeline.add(frame(1000, 1000), 0.4)
    timeline.finish()
    samples = np.frombuffer(bytes(out), np.int16).reshape(-1, 3)
    assert len(samples) == timeline.out == 7200
    assert samples[:800].tolist() == [[2000, 1000, 3000]] * 800
    assert not samples[800:4000].any()
    assert samples[4000:5600].tolist() == [[3000, 5000, 1000]] * 1600
    assert samples[5600:].tolist() == [[1000, 1000, 1000]] * 1600


def test_channels_that_cancel_each_other_out_keep_their_sides():
    tone = sound(6.0)
    _, plain, both = decoded(stereo(tone, -0.5 * tone))
    assert both.samples == plain.samples
    assert abs(np.frombuffer(both.samples, np.int16)).max() > 12_000
    assert np.median(levels(both), axis=0) == pytest.approx([21, 33], abs=1)


def test_one_channel_is_both_sides():
    data = io.BytesIO()
    with av.open(data, "w", format="wav") as file:
        stream = file.add_stream("pcm_s16le", rate=RATE, layout="mono")
        frame = av.AudioFrame.from_ndarray((sound(1.0)[None] * 32767).astype(np.int16), "s16", "mono")
        frame.sample_rate = RATE
        file.mux([*stream.encode(frame), *stream.encode(None)])
    _, plain, both = decoded(data.getvalue())
    assert both.samples == plain.samples
    assert (levels(both)[:, 0] == levels(both)[:, 1]).all()


@pytest.mark.parametrize("piece", [1, 5, 6, 1000, 65_535, 10**9])
def test_pieces_of_any_size_give_the_same(piece):
    samples = np.stack([np.arange(2000) % 7, np.full(2000, 3277), np.zeros(2000)], axis=1).astype(np.int16)
    data = samples.tobytes()
    one = LevelMeter()
    mix = b"".join(one.take(data[at : at + piece]) for at in range(0, len(data), piece))
    assert mix == samples[:, 0].tobytes()
    # A tenth of full scale is 20 dB below it; the seventh step is of 80 samples.
    assert one.finish() == bytes([40, 255]) * 7
    assert one.sound is None
    kept = LevelMeter(sound=True)
    for at in range(0, len(data), piece):
        kept.take(data[at : at + piece])
    assert kept.sound == (samples[:, 1].tobytes(), samples[:, 2].tobytes())


def test_the_sound_of_both_channels_comes_with_the_mix():
    silence = np.zeros(RATE)
    left, right = np.concatenate([sound(1.0, 0.3), silence]), np.concatenate([silence, sound(1.0, 0.1)])
    source = Memory(stereo(left, right))
    with Sandbox() as sandbox:
        pcm = sandbox.decode(source, sandbox.probe(source), chunk(end=2.0), both="sound")
    told = [np.frombuffer(one, np.int16) for one in pcm.sound]
    assert [len(one) for one in told] == [len(pcm.samples) // 2] * 2
    assert abs(told[0] - (left * 32767).astype(np.int16)).max() <= 1
    assert abs(told[1] - (right * 32767).astype(np.int16)).max() <= 1
    assert pcm.size == 3 * len(pcm.samples)


def lead(*stretches):
    """Levels: seconds, and both channels in half decibels."""
    return b"".join(bytes(levels) * round(50 * seconds) for seconds, *levels in stretches)


@pytest.mark.parametrize(
    ("levels", "differ"),
    [
        (lead((8, 40, 90), (8, 90, 40)), True),
        (lead((9, 40, 90), (1, 40, 44)), True),
        (lead((8, 40, 90), (8, 255, 255)), False),
        (lead((8, 40, 40), (8, 60, 60)), False),
        (lead((8, 40, 60), (8, 60, 80)), False),
        (lead((8, 255, 255)), False),
        (b"", False),
    ],
)
def test_sides_differ_if_what_leads_changes(levels, differ):
    assert channel_levels.differ(levels) is differ


def test_the_power_of_a_stretch_is_the_mean_of_its_levels_or_that_of_the_nearest_one():
    levels = np.frombuffer(lead((1, 0, 20), (1, 20, 20)), np.uint8).reshape(-1, 2)
    assert channel_levels.powers(levels, 0.0, 2.0) == pytest.approx((0.55, 0.1))
    assert channel_levels.powers(levels, 0.5, 0.5) == pytest.approx((1.0, 0.1))
    assert channel_levels.powers(levels, 5.0, 6.0) == pytest.approx((0.1, 0.1))
    assert channel_levels.powers(levels[:0], 0.0, 1.0) == (0.0, 0.0)


def test_nothing_has_no_levels():
    assert LevelMeter().finish() == b""
    assert channel_levels.of_chunk(b"", -1.0, 5.0) == b""
