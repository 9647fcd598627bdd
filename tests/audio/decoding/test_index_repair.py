"""A damaged size in the index of an mp4 costs no sound behind it."""

import random
from functools import cache

import pytest

from shared.audio.decoding import decode as decoding
from shared.audio.decoding.index_repair import LARGEST, repaired
from shared.audio.files.reader import Reader
from shared.audio.probing.audio_info import probe
from tests.audio.media import Memory, chunk, make, repeated

KINDS = {
    "m4a": lambda: make("ipod", "aac", seconds=60.0),
    "m4a-index-first": lambda: make("ipod", "aac", seconds=60.0, muxing={"movflags": "faststart"}),
    "m4a-of-hours": lambda: repeated("ipod", "aac", rate=8_000, hours=3, b="8000"),
    "film": lambda: make("mp4", "aac", seconds=60.0, layout="mono", video=True),
}


@cache
def recording(kind):
    """A recording and what the probe says of it."""
    data = KINDS[kind]()
    return data, probe(Reader(Memory(data).read, len(data), max_read=64 * 1024), name="", track=0)


def sizes_at(data):
    """Where the list of sizes of the last track begins, and how many there are."""
    at = data.rindex(b"stsz") + 12
    return at + 4, int.from_bytes(data[at : at + 4], "big")


def damaged(data, share, new):
    at, count = sizes_at(data)
    at += int(share * count) * 4
    return data[:at] + new + data[at + len(new) :]


def decode(data, info, start, end):
    out, source = [], Memory(data)
    done = decoding.decode(
        Reader(source.read, len(data)), info, chunk(start, end), track=0, longest=4 * 3600.0, emit=out.append
    )
    return done, b"".join(out), sum(length for _, length in source.reads)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("new", [b"\xff" * 4, b"\x45\0\0\0", b"\xee" * 400], ids=["ones", "too-long", "many"])
def test_a_chunk_behind_a_damaged_size_has_every_sample_and_reads_no_more(kind, new):
    data, info = recording(kind)
    start = 0.7 * info.duration
    whole = decode(data, info, start, start + 5.0)
    assert len(whole[1]) == 2 * 16_000 * 5
    broken = decode(damaged(data, 0.3, new), info, start, start + 5.0)
    assert broken[:2] == whole[:2]
    assert broken[2] <= whole[2] + 70_000


@pytest.mark.parametrize("kind", ["m4a", "film"])
def test_the_chunk_with_the_damaged_size_goes_on_behind_it(kind):
    data, info = recording(kind)
    at = 0.5 * info.duration
    done, samples, _ = decode(damaged(data, 0.5, b"\xff" * 4), info, at - 10.0, at + 10.0)
    assert len(samples) == 2 * 16_000 * 20
    assert done.owned == pytest.approx(20.0)


def test_sizes_that_make_sense_are_left_alone():
    for kind in KINDS:
        data, _ = recording(kind)
        assert repaired(Reader(Memory(data).read, len(data))) is None
    large = damaged(recording("film")[0], 0.5, LARGEST.to_bytes(4, "big"))
    assert repaired(Reader(Memory(large).read, len(large))) is None


def test_a_file_without_an_index_is_left_alone():
    data = bytes(100) + b"stsz"
    assert repaired(Reader(Memory(data).read, len(data))) is None


@pytest.mark.parametrize("kind", ["m4a", "film"])
def test_tables_of_any_numbers_are_survived(kind):
    data, _ = recording(kind)
    numbers = random.Random(3)
    start = data.index(b"moov") + 4
    for _ in range(300):
        at, length = numbers.randrange(start, len(data)), numbers.choice([4, 16, 400])
        broken = data[:at] + numbers.randbytes(length) + data[at + length :]
        broken = broken[: numbers.choice([len(broken), at + 3])]
        file = repaired(Reader(Memory(broken).read, len(broken)))
        assert file is None or file.seek(0) == 0
