"""What is hidden from FFmpeg changes no sample, and a chunk reads little more than its own bytes."""

import contextlib
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.audio.decoding import decode as decoding
from shared.audio.decoding.splice import _find, last_before
from shared.audio.files.reader import Reader
from shared.audio.probing.audio_info import probe
from shared.errors import BadMedia
from tests.audio.media import Memory, chunk, make, repeated

HOUR = 3600.0


def fragmented(movflags="empty_moov", seconds=5):
    muxing = {"movflags": movflags, "frag_duration": f"{seconds}000000"}
    return repeated("mp4", "aac", rate=44_100, hours=0.5, muxing=muxing)


def film(container, **options):
    return make(container, "aac", seconds=40.0, layout="mono", video=True, **options)


UNINDEXED = {
    "mp4-fragmented": fragmented,
    "mp4-fragmented-by-the-second": lambda: fragmented("empty_moov+default_base_moof", seconds=1),
    "mp4-fragmented-after-a-table": lambda: fragmented("frag_keyframe"),
    "mp4-segments": lambda: fragmented("dash"),
    "webm-live": lambda: repeated("webm", "libopus", rate=48_000, hours=0.5, muxing={"live": "1"}),
    "mkv-film": lambda: make("matroska", "aac", seconds=40.0, video=True, tracks=2),
}
FRAGMENTED_FILM = {"movflags": "frag_keyframe+empty_moov"}
FILMS = {
    "mp4": lambda: film("mp4", muxing=FRAGMENTED_FILM),
    "mp4-late-sound": lambda: film("mp4", late=9.0, muxing=FRAGMENTED_FILM),
    "mp4-a-fragment-a-track": lambda: film(
        "mp4", muxing={"movflags": "frag_keyframe+empty_moov+separate_moof"}
    ),
    "mkv-late-sound": lambda: film("matroska", late=9.0),
}
INDEXED = {
    "m4a": lambda: repeated("ipod", "aac", rate=8_000, hours=6, b="8000"),
    "m4a-index-first": lambda: repeated(
        "ipod", "aac", rate=8_000, hours=6, muxing={"movflags": "faststart"}, b="8000"
    ),
    "mp4-segment-index": lambda: fragmented("dash+global_sidx"),
    "webm": lambda: repeated("webm", "libopus", rate=48_000, hours=0.5),
}
LONG = UNINDEXED | INDEXED


@cache
def recording(name):
    """A long recording and what the probe says of it."""
    data = (LONG | FILMS)[name]()
    return data, probe(Reader(Memory(data).read, len(data), max_read=64 * 1024), name="", track=0)


def decode(data, info, part, track=0):
    source, out = Memory(data), []
    done = decoding.decode(
        Reader(source.read, len(data)), info, part, track=track, longest=4 * HOUR, emit=out.append
    )
    return (done, b"".join(out)), source


def spliced(monkeypatch, data, info, start):
    """What the splice answers for a chunk."""
    answers, splice = [], decoding.splice
    with monkeypatch.context() as patched:
        patched.setattr(decoding, "splice", lambda *a, **k: answers.append(splice(*a, **k)) or answers[-1])
        decode(data, info, chunk(start, start + 1.0))
    return answers[0]


@pytest.mark.parametrize("name", UNINDEXED)
@pytest.mark.parametrize("share", [0.0, 0.004, 0.37, 0.5, 0.93, 0.9999])
def test_every_sample_is_that_of_the_whole_file(monkeypatch, name, share):
    data, info = recording(name)
    start = round(share * info.duration, 3)
    part = chunk(start, start + 7.0, lead=min(3.0, start), tail=2.0)
    track = info.tracks - 1
    short, source = decode(data, info, part, track)
    monkeypatch.setattr(decoding, "splice", lambda *_, **__: None)
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


@pytest.mark.parametrize("name", FILMS)
def test_every_sample_of_a_film_is_that_of_the_whole_file_however_late_its_sound(monkeypatch, name):
    data, info = recording(name)
    part = chunk(info.duration - 9.0, info.duration - 3.0, lead=2.0, tail=1.0)
    assert spliced(monkeypatch, data, info, part.start) is not None
    short, _ = decode(data, info, part)
    monkeypatch.setattr(decoding, "splice", lambda *_, **__: None)
    plain, _ = decode(data, info, part)
    assert short == plain
    assert len(short[1]) == 2 * 16_000 * 9


@pytest.mark.parametrize("name", UNINDEXED)
def test_a_file_without_an_index_of_the_track_is_spliced(monkeypatch, name):
    data, info = recording(name)
    assert spliced(monkeypatch, data, info, info.duration / 2) is not None


@pytest.mark.parametrize("name", INDEXED)
def test_a_file_with_an_index_is_read_as_it_is(monkeypatch, name):
    data, info = recording(name)
    assert spliced(monkeypatch, data, info, info.duration / 2) is None


def test_fragments_that_do_not_tell_their_time_are_read_from_the_beginning(monkeypatch):
    data, info = recording("mp4-fragmented")
    assert spliced(monkeypatch, data.replace(b"tfdt", b"free"), info, info.duration / 2) is None


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


class Known:
    """Clusters at known places, and how often their time was asked for."""

    def __init__(self, clusters):
        self.times = dict(clusters)
        self.looks = 0

    def find(self, low, high):
        return next((at for at in self.times if low <= at < high), None)

    def time_of(self, at):
        self.looks += 1
        return self.times[at]

    def last_before(self, wanted, *, end, rate, margin=100_000):
        start = next(iter(self.times.items()))
        return last_before(wanted, self.find, self.time_of, start=start, end=end, rate=rate, margin=margin)


def test_a_steady_file_takes_a_handful_of_looks():
    known = Known((10_000 + 80_000 * index, 10.0 * index) for index in range(2160))
    assert known.last_before(10_803.0, end=172_810_000, rate=8_000.0) == 10_000 + 80_000 * 1080
    assert known.looks < 6


@given(
    steps=st.lists(st.tuples(st.integers(1, 3_000_000), st.floats(0.01, 30.0)), min_size=1, max_size=60),
    share=st.floats(-0.1, 1.2),
)
def test_with_any_bit_rates_it_is_the_last_one_before(steps, share):
    clusters, at, time = [], 100, 0.0
    for length, seconds in steps:
        clusters.append((at, time))
        at, time = at + length, time + seconds
    wanted = share * time
    known = Known(clusters)
    found = known.last_before(wanted, end=at, rate=at / time)
    assert found == max((at for at, time in clusters if time <= wanted), default=100)
    assert known.looks <= 100


CLUSTER = b"\x1f\x43\xb6\x75\x01\xff\xff\xff\xff\xff\xff\xff\xe7\x84\0\0\0\1"
NAMED = b"\x53\xab\x84\x1f\x43\xb6\x75\x53\xac\x82\x20\x00"
"""An entry of a list of contents (`SeekHead`) that says where the first cluster is."""


def find(data, low=0, high=None):
    return _find(Reader(Memory(data).read, len(data)), "matroska", low, len(data) if high is None else high)


def test_a_name_that_begins_no_cluster_is_passed_over():
    data = NAMED + bytes(70_000) + CLUSTER[:4] + bytes(200_000) + CLUSTER + bytes(50)
    assert find(data) == data.index(CLUSTER)
    assert find(data[: data.index(CLUSTER)]) is None
    assert find(data, high=data.index(CLUSTER)) is None


@pytest.mark.parametrize("across", range(1, len(CLUSTER)))
def test_a_cluster_across_two_reads_is_found(across):
    data = bytes(64 * 1024 - across) + CLUSTER + bytes(100)
    assert find(data) == 64 * 1024 - across
