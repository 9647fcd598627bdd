"""The media writer and reader that other tests rely on."""

from __future__ import annotations

import av
import numpy as np
import pytest

from tests.media import CODECS, SAMPLE_RATE, read_media, write_media, write_wav


@pytest.fixture(scope="module")
def tone():
    """2.3 s of a 440 Hz tone that swells once a second."""
    seconds = np.arange(round(2.3 * SAMPLE_RATE)) / SAMPLE_RATE
    wave = 8000 * np.sin(2 * np.pi * 440 * seconds) * (1.2 + np.sin(2 * np.pi * seconds))
    return wave.astype(np.int16)


@pytest.mark.parametrize("suffix", CODECS)
def test_what_is_written_is_heard_again(tmp_path, tone, suffix):
    path = tmp_path / f"tone{suffix}"
    write_media(path, tone)
    heard = read_media(path)
    # Codecs without a header that tells their delay start up to 0.15 s late; blocks are filled up.
    assert abs(len(heard) - len(tone)) < 0.15 * SAMPLE_RATE
    spectrum = np.abs(np.fft.rfft(heard[: 2 * SAMPLE_RATE].astype(float)))
    assert np.argmax(spectrum) == pytest.approx(2 * 440, abs=1)


def test_lossless_files_keep_every_sample(tmp_path, tone):
    for name in ("a.wav", "a.flac", "a.aiff"):
        write_media(tmp_path / name, tone)
        assert np.array_equal(read_media(tmp_path / name), tone)


def test_the_same_arguments_give_the_same_bytes(tmp_path, tone):
    for name in ("a.mp3", "a.m4a", "a.opus", "a.ogg", "a.webm", "a.mkv", "a.mp4"):
        first, second = tmp_path / f"1{name}", tmp_path / f"2{name}"
        for path in (first, second):
            write_media(path, tone, picture=name in {"a.webm", "a.mkv", "a.mp4"})
        assert first.read_bytes() == second.read_bytes()


def test_rate_layout_and_codec_are_as_asked(tmp_path, tone):
    path = tmp_path / "a.mkv"
    write_media(path, tone, codec="pcm_s24le", rate=96_000, layout="7.1")
    with av.open(str(path)) as file:
        stream = file.streams.audio[0]
        assert (stream.codec.name, stream.rate, stream.channels) == ("pcm_s24le", 96_000, 8)


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".webm"])
def test_a_video_holds_a_picture_and_every_track(tmp_path, tone, suffix):
    path = tmp_path / f"a{suffix}"
    write_media(path, [tone, tone[:SAMPLE_RATE]], picture=True)
    with av.open(str(path)) as file:
        assert len(file.streams.video) == 1
        assert len(file.streams.audio) == 2
    assert len(read_media(path, track=0)) > len(read_media(path, track=1))


def test_a_container_may_lie_about_its_suffix(tmp_path, tone):
    path = tmp_path / "a.mp3"
    write_media(path, tone, container="wav", codec="pcm_s16le")
    assert path.read_bytes()[:4] == b"RIFF"


def test_the_plain_wav_writer_agrees(tmp_path, tone):
    path = tmp_path / "a.wav"
    write_wav(path, tone)
    assert np.array_equal(read_media(path), tone)
