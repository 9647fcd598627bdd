"""The first bytes name the container."""

import pytest

from shared.audio.probing.sniff import sniff
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


@pytest.mark.parametrize("cut", [1, 100, 187])
def test_a_transport_stream_may_begin_in_the_middle_of_a_packet(cut):
    data = make("mpegts", "aac", seconds=2.0)
    assert sniff(data[cut : cut + 4096]) == "mpegts"
    assert sniff(bytes(40) + data[188 : 188 + 2000]) is None, "too little to be sure"
