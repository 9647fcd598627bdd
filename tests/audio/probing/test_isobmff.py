"""The boxes of an mp4 are walked without loading its tables."""

import struct

import pytest

from shared.audio.files.reader import Reader
from shared.audio.probing import isobmff
from shared.errors import BadMedia
from tests.audio.media import RATE, Memory, chunk, make, repeated, samples


def probe(data, track=0):
    source = Memory(data)
    reader = Reader(source.read, len(data), max_read=64 * 1024)
    return isobmff.probe(reader, track), reader


def box(name, *content):
    body = b"".join(content)
    return struct.pack("!I", 8 + len(body)) + name + body


def test_the_index_may_stand_before_or_behind_the_sound():
    for muxing in ({}, {"movflags": "faststart"}):
        info, _ = probe(make("ipod", "aac", seconds=3.0, muxing=muxing))
        assert info.duration == pytest.approx(3.0, abs=0.05)
        assert (info.codec, info.sample_rate, info.channels, info.tracks) == ("aac", 44_100, 2, 1)


def test_a_long_index_is_not_loaded():
    data = repeated("ipod", "aac", rate=8_000, hours=3)
    info, reader = probe(data)
    assert info.duration == pytest.approx(3 * 3600, rel=1e-3)
    assert len(data) - data.index(b"moov") > 300_000
    assert reader.bytes_read < 60_000


def test_a_file_that_ends_before_its_sound_says_so():
    data = make("ipod", "aac", seconds=5.0, muxing={"movflags": "faststart"})
    info, _ = probe(data[: len(data) * 3 // 4])
    assert info.duration == pytest.approx(5.0, abs=0.05)
    assert f"promises {len(data):,} bytes" in info.warnings[0]


def test_a_box_that_claims_nonsense_ends_the_walk():
    data = make("ipod", "aac", seconds=1.0)
    with pytest.raises(BadMedia) as raised:
        probe(box(b"ftyp", b"M4A \0\0\0\0") + struct.pack("!I", 3) + b"junk" + data)
    assert raised.value.code == "incomplete"


def test_boxes_that_hold_themselves_do_not_hang():
    deep = b""
    for _ in range(300):
        deep = box(b"trak", box(b"mdia", deep[:4000]))
    with pytest.raises(BadMedia) as raised:
        probe(box(b"ftyp", b"isom\0\0\0\0") + box(b"moov", deep))
    assert raised.value.code == "no-audio"


@pytest.mark.parametrize(("muxing", "fragmented"), [({}, False), ({"movflags": "empty_moov"}, True)])
def test_the_index_tells_where_it_is_and_whether_fragments_follow(muxing, fragmented):
    data = make("mp4", "aac", seconds=3.0, muxing=muxing)
    reader = Reader(Memory(data).read, len(data))
    start, end = isobmff.index_span(reader)
    assert data[start - 4 : start] == b"moov"
    assert int.from_bytes(data[start - 8 : start - 4], "big") == end - start + 8
    assert isobmff.is_fragmented(reader) == fragmented


def test_a_file_without_an_index_has_none():
    data = box(b"ftyp", b"isom\0\0\0\0") + 70 * box(b"free") + box(b"moov")
    reader = Reader(Memory(data).read, len(data))
    assert isobmff.index_span(reader) is None
    assert not isobmff.is_fragmented(reader)


FRAGMENTS = {"movflags": "frag_keyframe+delay_moov", "frag_duration": "1000000"}


@pytest.mark.parametrize("muxing", [{}, FRAGMENTS])
@pytest.mark.parametrize("late", [3.0, 300.0])
def test_an_empty_edit_is_that_much_silence(sandbox, late, muxing):
    source = Memory(make("mp4", "aac", seconds=5.0, late=late, muxing=muxing))
    info = sandbox.probe(source)
    assert info.duration == pytest.approx(5.0 + late, abs=0.1)
    assert info.warnings == ()
    heard = samples(sandbox.decode(source, info, chunk(late - 1.0)))
    assert not heard[: round(0.9 * RATE)].any()
    assert heard[round(1.1 * RATE) :].any()
    assert len(heard) / RATE == pytest.approx(6.0, abs=0.1)


@pytest.mark.parametrize("late", [90_000.0, 1.7e9])
@pytest.mark.parametrize(("muxing", "video"), [({}, False), ({}, True), (FRAGMENTS, False)])
def test_an_empty_edit_of_days_is_left_out_with_a_warning(sandbox, late, muxing, video):
    source = Memory(make("mp4", "aac", seconds=5.0, late=late, muxing=muxing, video=video))
    info = sandbox.probe(source)
    assert info.duration == pytest.approx(5.0, abs=0.1)
    (warning,) = info.warnings
    assert "of silence come before the sound" in warning
    pcm = sandbox.decode(source, info, chunk(2.0))
    assert pcm.owned == pytest.approx(3.0, abs=0.1)
    assert samples(pcm)[: round(0.5 * RATE)].any()
    assert pcm.warnings == ()


def test_a_long_silence_that_pictures_fill_is_believed(sandbox):
    data = bytearray(make("mp4", "aac", seconds=5.0, late=2000.0, video=True))
    # The pictures of five seconds shall last 2,005: their duration stands in the header of their track and in its edit.
    at = data.index(b"mdhd")
    assert data.index(b"vide") < data.index(b"soun")
    scale = int.from_bytes(data[at + 16 : at + 20], "big")
    data[at + 20 : at + 24] = (2005 * scale).to_bytes(4, "big")
    edit = data.index(b"elst")
    data[edit + 12 : edit + 16] = (2005 * 1000).to_bytes(4, "big")
    info = sandbox.probe(Memory(bytes(data)))
    assert info.duration == pytest.approx(2005.0, abs=0.1)
    assert info.warnings == ()
