"""What FFmpeg is spared changes no sample, and a chunk reads little more than its own bytes."""

import contextlib
from functools import cache

import pytest

from shared.audio.decoding import decode as decoding
from shared.audio.files.overlay import Overlay, Shortcut
from shared.audio.files.reader import Reader
from shared.audio.probing.audio_info import probe
from shared.errors import BadMedia
from tests.audio.media import Memory, chunk, make, repeated

HOUR = 3600.0
FRAGMENTS = {"movflags": "empty_moov", "frag_duration": "5000000"}
LONG = {
    "m4a": lambda: repeated("ipod", "aac", rate=8_000, hours=6, b="8000"),
    "m4a-index-first": lambda: repeated(
        "ipod", "aac", rate=8_000, hours=6, muxing={"movflags": "faststart"}, b="8000"
    ),
    "mp4-fragmented": lambda: repeated("mp4", "aac", rate=44_100, hours=0.5, muxing=FRAGMENTS),
    "mp4-fragmented-by-the-second": lambda: repeated(
        "mp4",
        "aac",
        rate=44_100,
        hours=0.5,
        muxing={"movflags": "empty_moov+default_base_moof", "frag_duration": "1000000"},
    ),
    "mp4-segments": lambda: repeated(
        "mp4", "aac", rate=44_100, hours=0.5, muxing={"movflags": "dash", "frag_duration": "5000000"}
    ),
    "webm-live": lambda: repeated("webm", "libopus", rate=48_000, hours=0.5, muxing={"live": "1"}),
    "mkv-film": lambda: make("matroska", "aac", seconds=40.0, video=True, tracks=2),
}


@cache
def recording(name):
    """A long recording and what the probe says of it."""
    data = LONG[name]()
    return data, probe(Reader(Memory(data).read, len(data), most=64 * 1024), name="", track=0)


def decode(data, info, part, track=0):
    source, out = Memory(data), []
    done = decoding.decode(
        Reader(source.read, len(data)), info, part, track=track, longest=4 * HOUR, emit=out.append
    )
    return (done, b"".join(out)), source


@pytest.mark.parametrize("name", LONG)
@pytest.mark.parametrize("share", [0.0, 0.004, 0.37, 0.5, 0.93, 0.9999])
def test_every_sample_is_that_of_the_whole_file(monkeypatch, name, share):
    data, info = recording(name)
    start = round(share * info.duration, 3)
    part = chunk(start, start + 7.0, lead=min(3.0, start), tail=2.0)
    track = info.tracks - 1
    short, source = decode(data, info, part, track)
    monkeypatch.setattr(decoding, "shortcut", lambda reader, *_, **__: Shortcut(file=reader))
    plain, all_of_it = decode(data, info, part, track)
    assert short == plain
    assert short[1]
    if share == 0.5:
        assert sum(length for _, length in source.reads) < 0.75 * sum(length for _, length in all_of_it.reads)


@pytest.mark.parametrize("name", [name for name in LONG if name != "mkv-film"])
def test_a_chunk_reads_little_more_than_its_own_bytes_with_few_requests(name):
    data, info = recording(name)
    seconds = info.duration / 18
    _, source = decode(data, info, chunk(info.duration / 2, info.duration / 2 + seconds))
    assert sum(length for _, length in source.reads) < 1.1 * len(data) / 18 + 600_000
    assert len(source.reads) <= 10


@pytest.mark.parametrize("name", LONG)
def test_the_shortcut_is_taken(name):
    data, info = recording(name)
    reader = Reader(Memory(data).read, len(data))
    begin = info.duration / 2
    assert isinstance(decoding.shortcut(reader, info, track=0, begin=begin, stop=begin + 60).file, Overlay)


@pytest.mark.parametrize("name", LONG)
def test_a_file_that_is_cut_or_damaged_anywhere_still_ends(sandbox, name):
    data, info = recording(name)
    part = chunk(info.duration / 2, info.duration / 2 + 5.0, lead=2.0)
    whole, _ = decode(data, info, part)
    assert len(whole[1]) == 2 * 16_000 * 7
    for cut in (len(data) // 3, len(data) * 2 // 3):
        broken = data[:cut] + bytes(1000) + data[cut + 1000 : -70_000]
        with contextlib.suppress(BadMedia):  # what is left of it may not be a recording
            assert sandbox.decode(Memory(broken), info, part).seconds <= 7.0
    assert sandbox.decode(Memory(data), info, part).samples == whole[1]
