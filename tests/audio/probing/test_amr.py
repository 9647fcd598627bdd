"""AMR: pauses are silence, and the length is that of all frames."""

import numpy as np
import pytest

from shared.audio.files.reader import Reader
from shared.audio.probing import amr
from shared.audio.probing.truncation import Length
from shared.audio.types import SHORT
from tests.audio.media import RATE, Memory, chunk, lag, make, of_format, samples, sound
from tests.audio.test_time_axis import decoded


def talk_after_a_pause(rate, seconds):
    """The sound in the last third only."""
    return sound(rate, seconds) * (np.arange(int(rate * seconds)) >= rate * seconds * 2 / 3)


@pytest.fixture(scope="module", params=["amr", "3gp"])
def paused(request):
    """Six seconds of pause, which a telephone does not send, and three of sound."""
    muxer, options = request.param, {"rate": 8_000, "layout": "mono", "bit_rate": 12_200, "dtx": "1"}
    return make(muxer, "libopencore_amrnb", seconds=9.0, wave=talk_after_a_pause, **options)


def test_pauses_are_silence_and_no_damage(sandbox, paused):
    heard, info, warnings = decoded(sandbox, paused)
    assert warnings == []
    assert info.duration == pytest.approx(9.0, abs=0.05)
    loud = np.flatnonzero(np.abs(heard) > 300)
    assert loud[0] / RATE == pytest.approx(6.0, abs=0.1)
    assert loud[-1] / RATE == pytest.approx(9.0, abs=0.1)
    pcm = sandbox.decode(Memory(paused), info, chunk(5.0, 7.0))
    assert np.flatnonzero(np.abs(samples(pcm)) > 300)[0] / RATE == pytest.approx(1.0, abs=0.1)


def test_what_follows_a_recording_with_pauses_begins_where_it_ends(sandbox):
    options = {"rate": 8_000, "layout": "mono", "bit_rate": 12_200, "dtx": "1"}
    data = make("amr", "libopencore_amrnb", seconds=9.0, wave=talk_after_a_pause, **options)
    heard, info, _ = decoded(sandbox, data + of_format("amr"))
    assert [round(one.start, 1) for one in info.parts] == [0.0, 9.0]
    assert len(heard) / RATE == pytest.approx(17.0, abs=0.1)


def test_frames_of_both_kinds_are_counted():
    for magic, kinds in ((b"#!AMR\n", (7, 8, 15)), (b"#!AMR-WB\n", (8, 9, 15))):
        sizes = (32, 6, 1) if magic == b"#!AMR\n" else (61, 6, 1)
        frames = b"".join(
            bytes((kind << 3 | 4,)) + bytes(size - 1) for kind, size in zip(kinds, sizes, strict=True)
        )
        data = magic + 50 * frames
        assert amr.length(Reader(Memory(data).read, len(data))) == Length(
            duration=pytest.approx(3.0), exact=True
        )
    assert amr.length(Reader(Memory(b"#!AMR\n").read, 6)).duration is None


@pytest.mark.parametrize(
    ("magic", "sizes"),
    [pytest.param(b"#!AMR\n", (32, 1, 6), marks=pytest.mark.slow), (b"#!AMR-WB\n", (61, 1, 6))],
)
def test_the_length_of_a_long_file_with_pauses_is_nearly_right_and_little_of_it_is_read(magic, sizes):
    random = np.random.default_rng(5)
    kinds = ((7, 15, 8) if magic == b"#!AMR\n" else (8, 15, 9))[:3]
    frames, number = [magic], 0
    while sum(map(len, frames)) < 2 * SHORT:
        which, several = (0, 150) if number % 2 == 0 else (1, 400)
        for _ in range(several):
            one = which if which == 0 or random.random() > 0.12 else 2
            frames.append(bytes((kinds[one] << 3 | 4,)) + random.bytes(sizes[one] - 1))
        number += 1
    data = b"".join(frames)
    source = Reader(Memory(data).read, len(data))
    found = amr.length(source)
    assert not found.exact
    assert found.duration == pytest.approx((len(frames) - 1) * amr.FRAME, rel=0.1)
    assert source.bytes_read < 700_000


def test_noise_has_no_frames():
    data = b"#!AMR\n" + np.random.default_rng(1).bytes(SHORT)
    assert amr.length(Reader(Memory(data).read, len(data))).duration is None


def test_what_was_appended_to_a_long_file_is_heard(sandbox):
    data = of_format("amr")
    frames = data[data.index(b"\n") + 1 :]
    long = data + frames * (SHORT // len(frames) + 1)
    assert len(long) > SHORT
    info = sandbox.probe(Memory(long + data))
    pcm = sandbox.decode(Memory(long + data), info, chunk())
    alone = decoded(sandbox, data)[0]
    seconds = len(alone) / RATE
    assert pcm.seconds == pytest.approx(seconds * (SHORT // len(frames) + 3) + 6 * amr.FRAME, abs=0.01)
    assert [*info.warnings, *pcm.warnings] == []
    for at in (0.5, 2.0, 5.0):
        part = samples(pcm)[round((pcm.seconds - seconds + at) * RATE) :][: RATE // 2]
        assert abs(lag(part, alone, at)) < 0.1


def test_a_file_is_read_ahead_as_it_would_be_without_anything_replaced():
    data = b"#!AMR\n" + bytes(4_000_000)
    source = Reader(Memory(data).read, len(data))
    source.expect(600_000)
    view = amr.without_magic(source)
    while view.tell() < 600_000:
        view.read(4096)
    assert 600_000 <= source.bytes_read < 1.1 * 600_000
