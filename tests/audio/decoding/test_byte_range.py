"""Frames that are decoded several at a time sound as they do one by one."""

import av
import numpy as np
import pytest

from shared.audio.decoding import byte_range
from shared.audio.decoding.decode import decode
from shared.audio.files.reader import Reader
from shared.audio.probing.audio_info import probe
from shared.audio.probing.mpeg_frames import Walk
from tests.audio.media import RATE, Memory, chunk, lag, make, spans

KINDS = {
    "mp3": {"bit_rate": 128_000},
    "mp3-lowest-bit-rate": {"rate": 24_000, "layout": "mono", "bit_rate": 8_000},
    "mp3-variable": {"compression_level": "7", "abr": "1"},
    "mp2": {},
}


def recording(name, seconds=6.0):
    container = name.split("-")[0]
    codec = {"mp3": "libmp3lame", "mp2": "mp2"}[container]
    return make(container, codec, seconds=seconds, **KINDS[name])


def decoded(data, part):
    out = []
    info = probe(Reader(Memory(data).read, len(data)), name="", track=0)
    done = decode(
        Reader(Memory(data).read, len(data)), info, part(info), track=0, longest=60.0, emit=out.append
    )
    return done, b"".join(out)


def one_by_one(monkeypatch, data, part):
    with monkeypatch.context() as patched:
        patched.setattr(byte_range, "FRAMES_PER_PACKET", {"mpeg": 1, "adts": 1})
        return decoded(data, part)


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("index", [None, 0, 1, 2])
def test_every_sample_is_the_same(monkeypatch, name, index):
    def part(info):
        return chunk(span=None if index is None else spans(info, 3, overlap=5000)[index])

    data = recording(name)
    done, samples = decoded(data, part)
    other, expected = one_by_one(monkeypatch, data, part)
    assert samples == expected
    assert len(samples) > 2 * 16_000
    assert done.owned == pytest.approx(other.owned)
    assert done.start == pytest.approx(other.start)


def broken(data, which):
    """The same with frames that have a header and cannot be decoded."""
    out = bytearray(data)
    for index, (at, frame) in enumerate(Walk("mpeg", data, at=data.index(b"\xff", 300), last=True)):
        if index in which:
            out[at + 4 : at + frame.size] = b"\xff" * (frame.size - 4)
    return bytes(out)


@pytest.mark.parametrize("which", [{40}, {3, 64, 65, 100}, set(range(70, 110))])
def test_a_frame_that_does_not_decode_is_silent_and_moves_no_other(monkeypatch, which):
    whole = recording("mp3")
    data = broken(whole, which)
    done, samples = decoded(data, lambda _: chunk())
    other, expected = one_by_one(monkeypatch, data, lambda _: chunk())
    assert done.warnings == other.warnings
    assert str(len(which)) in done.warnings[0] or len(which) == 1
    assert samples == expected
    sound, heard = (
        np.frombuffer(one, np.int16).astype(float) for one in (decoded(whole, lambda _: chunk())[1], samples)
    )
    behind = (max(which) + 8) * 1152 / 44_100
    assert abs(lag(heard[round(behind * RATE) :][:RATE], sound, behind)) < 0.0005


def test_the_decoder_gives_a_frame_or_nothing_for_each():
    data = broken(recording("mp3"), {5, 9})
    frames = [
        (at, frame, data[at : at + frame.size])
        for at, frame in Walk("mpeg", data, at=data.index(b"\xff", 300), last=True)
    ][:12]
    run = byte_range._Run(
        frames[0][0], frames[0][1], [len(one) for *_, one in frames], b"".join(one for *_, one in frames)
    )
    heard = byte_range._Decoder("mp3").decode(run)
    assert [index for index, one in enumerate(heard) if one is None] == [5, 9]
    assert all(isinstance(one, av.AudioFrame) for one in heard if one is not None)
