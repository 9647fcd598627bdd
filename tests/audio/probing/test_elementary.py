"""mp3 and raw aac: how long they are, and where they begin and end between their tags."""

import struct

import numpy as np
import pytest

from tests.audio.media import Memory, make


def mp3_frames(seconds, bit_rate=64_000):
    return make("mp3", "libmp3lame", rate=32_000, layout="mono", seconds=seconds, bit_rate=bit_rate,
                muxing={"write_xing": "0", "id3v2_version": "0"})  # fmt: skip


def test_an_mp3_with_a_header_is_exact_and_cut_it_is_not(sandbox):
    data = make("mp3", "libmp3lame", seconds=12.0, bit_rate=128_000)
    info = sandbox.probe(Memory(data))
    assert (info.exact, info.splittable_by, info.codec) == (True, "bytes", "mp3")
    assert info.duration == pytest.approx(12.0, abs=0.05)
    cut = sandbox.probe(Memory(data[: len(data) // 2]))
    assert not cut.exact
    assert cut.duration == pytest.approx(6.0, abs=0.2)
    assert cut.warnings == (f"the audio stops at {cut.duration:.1f} s, the header promised 12.0 s",)


def test_an_mp3_of_constant_rate_without_header_is_exact_at_any_length(sandbox):
    frames = mp3_frames(4.0)
    info = sandbox.probe(Memory(frames * 600))
    assert info.exact
    assert info.duration == pytest.approx(600 * sandbox.probe(Memory(frames)).duration, rel=1e-4)


def test_an_mp3_of_varying_rate_without_header_is_an_estimate(sandbox):
    quiet, loud = mp3_frames(4.0, 32_000), mp3_frames(4.0, 128_000)
    info = sandbox.probe(Memory((quiet + loud) * 60))
    assert not info.exact
    assert info.duration == pytest.approx(480, rel=0.35)


def test_tags_around_an_mp3_are_no_audio(sandbox):
    frames = mp3_frames(4.0)
    art = b"ID3\x04\0\0" + bytes([0, 0x40, 0, 0]) + bytes(0x40 << 14)
    ape = b"APETAGEX" + struct.pack("<IIII", 2000, 32 + 900, 1, 0) + bytes(8)
    tail = bytes(900) + ape + b"TAG" + bytes(125)
    info = sandbox.probe(Memory(art + frames + tail))
    assert info.first_byte == len(art)
    assert info.duration == pytest.approx(sandbox.probe(Memory(frames)).duration)


def test_raw_aac_is_estimated(sandbox):
    frames = make("adts", "aac", seconds=4.0, bit_rate=64_000)
    info = sandbox.probe(Memory(frames * 60))
    assert (info.codec, info.splittable_by, info.exact) == ("aac", "bytes", False)
    assert info.duration == pytest.approx(60 * sandbox.probe(Memory(frames)).duration, rel=0.05)


@pytest.mark.parametrize("cover", [50_000, 150_000, 3_000_000])
@pytest.mark.parametrize("plain", [True, False])
def test_a_tag_may_write_its_size_as_a_plain_number(sandbox, cover, plain):
    frames = mp3_frames(4.0)
    art = np.random.default_rng(1).integers(0, 255, cover, np.uint8).tobytes().replace(b"\xff", b"\xfe")
    size = cover.to_bytes(4, "big") if plain else bytes(cover >> shift & 0x7F for shift in (21, 14, 7, 0))
    info = sandbox.probe(Memory(b"ID3\x03\0\0" + size + art + frames))
    assert info.duration == pytest.approx(sandbox.probe(Memory(frames)).duration, abs=0.01)
    assert info.first_byte == 10 + cover
