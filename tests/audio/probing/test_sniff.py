"""The first bytes name the container."""

import pytest

from shared.audio.probing.sniff import check_track, not_media, sniff
from shared.errors import BadMedia
from tests.audio.media import make

CONTAINERS = {
    "wav": ("wav", "pcm_s16le"), "aiff": ("aiff", "pcm_s16be"), "flac": ("flac", "flac"), "ogg": ("ogg", "libopus"),
    "webm": ("matroska", "libopus"), "matroska": ("matroska", "aac"), "mp4": ("mov", "aac"), "mov": ("mov", "aac"),
    "avi": ("avi", "mp2"), "asf": ("asf", "mp2"), "mpegts": ("mpegts", "aac"), "vob": ("mpeg", "mp2"), "flv": ("flv", "aac"),
    "caf": ("caf", "pcm_s16le"), "au": ("au", "pcm_s16be"), "w64": ("w64", "pcm_s16le"), "ac3": ("ac3", "ac3"),
    "eac3": ("eac3", "eac3"), "wv": ("wv", "wavpack"), "tta": ("tta", "tta"),
}  # fmt: skip


@pytest.mark.parametrize("name", CONTAINERS)
def test_every_container_is_recognised(name):
    demuxer, codec = CONTAINERS[name]
    assert sniff(make(name, codec, rate=48_000, seconds=0.5)[:4096]) == demuxer


def test_formats_without_a_magic_number_and_rubbish_are_left_open():
    for data in (make("adts", "aac", seconds=0.5), b"hello", b"", bytes(4096)):
        assert sniff(data[:4096]) is None


@pytest.mark.parametrize(
    ("head", "name", "says"),
    [
        (b"#EXTM3U\n", "a.mp3", "playlist"),
        (b"  <!doctype html>", "a.mp3", "web page"),
        (b"just words", "folder.x/a.mp3", "text, although its name ends in .mp3"),
        (b"just words", "folder.x/a", "This is text."),
        (b"\x00\x01\x02", "a.wav", "no audio or video"),
    ],
)
def test_the_refusal_names_what_it_is(head, name, says):
    error = not_media(head, name)
    assert error.code == "not-media"
    assert says in str(error)


def test_tracks_are_checked():
    check_track(1, 2)
    with pytest.raises(BadMedia, match="Choose track 0"):
        check_track(1, 1)
    with pytest.raises(BadMedia, match="Choose one from 0 to 2"):
        check_track(-1, 3)
