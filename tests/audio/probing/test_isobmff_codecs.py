"""The sample entry of an mp4 names its codec."""

from shared.audio.files.reader import Reader
from shared.audio.probing import isobmff
from tests.audio.media import Memory, make


def probe(data, track=0):
    source = Memory(data)
    reader = Reader(source.read, len(data), max_read=64 * 1024)
    return isobmff.probe(reader, track), reader


def test_codecs_other_than_aac_are_named_as_ffmpeg_does():
    for container, codec, name in (("ipod", "alac", "alac"), ("mp4", "libopus", "opus"), ("mp4", "libmp3lame", "mp3"),
                                   ("mov", "pcm_s16le", "pcm_s16le"), ("mp4", "ac3", "ac3"), ("mp4", "flac", "flac")):  # fmt: skip
        info, _ = probe(make(container, codec, rate=48_000, seconds=1.0))
        assert (info.codec, info.sample_rate) == (name, 48_000)
