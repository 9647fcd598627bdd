"""Frame headers are found where they are, and nowhere else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.audio.probing.mpeg_frames import Walk, adts_frame, info_tag, mpeg_frame, synchronise
from tests.audio.media import make

MP3 = make(
    "mp3", "libmp3lame", seconds=2.0, bit_rate=128_000, muxing={"write_xing": "0", "id3v2_version": "0"}
)
AAC = make("adts", "aac", seconds=2.0)
STREAMS = {"mpeg": MP3, "adts": AAC}


@pytest.mark.parametrize(
    ("header", "size", "samples", "rate", "channels", "codec"),
    [
        ("fffb9064", 417, 1152, 44100, 2, "mp3"),  # 128 kbit/s: 144 x 128000 / 44100
        ("fffb9264", 418, 1152, 44100, 2, "mp3"),  # the same, padded
        ("fffb54c4", 192, 1152, 48000, 1, "mp3"),  # 64 kbit/s, mono: 144 x 64000 / 48000
        ("fff384c4", 192, 576, 24000, 1, "mp3"),  # MPEG-2, 64 kbit/s: 72 x 64000 / 24000
        ("ffe318c4", 72, 576, 8000, 1, "mp3"),  # MPEG-2.5, 8 kbit/s: 72 x 8000 / 8000
        ("fffda400", 576, 1152, 48000, 2, "mp2"),  # layer II, 192 kbit/s: 144 x 192000 / 48000
        ("ffff9400", 288, 384, 48000, 2, "mp1"),  # layer I, 288 kbit/s: 12 x 288000 / 48000 x 4
    ],
)
def test_headers_of_mpeg_audio_read_as_the_standard_says(header, size, samples, rate, channels, codec):
    frame = mpeg_frame(bytes.fromhex(header), 0)
    assert (frame.samples, frame.rate, frame.channels, frame.codec) == (samples, rate, channels, codec)
    assert frame.size == size


@pytest.mark.parametrize(
    "header", ["fffbf064", "fffb0064", "fffb9c64", "ffeb9064", "fff99064", "fffb9066", "fe"]
)
def test_reserved_values_are_no_header(header):
    assert mpeg_frame(bytes.fromhex(header), 0) is None


def test_an_adts_header_reads_as_the_standard_says():
    frame = adts_frame(bytes.fromhex("fff15080173ffc"), 0)
    assert (frame.size, frame.samples, frame.rate, frame.channels) == (185, 1024, 44100, 2)


@pytest.mark.parametrize("kind", STREAMS)
@given(cut=st.integers(0, 5000), rubbish=st.binary(max_size=300))
def test_a_walk_from_any_cut_finds_the_frames_of_a_walk_from_the_start(kind, cut, rubbish):
    data = STREAMS[kind]
    cut %= len(data) // 2
    all_of_them = [position for position, _ in Walk(kind, data, last=True)]
    found = [position + cut for position, _ in Walk(kind, data[cut:], last=True)]
    assert found == [position for position in all_of_them if position >= cut]
    shifted = [position for position, _ in Walk(kind, rubbish + data, last=True)]
    assert [position - len(rubbish) for position in shifted if position >= len(rubbish)] == all_of_them


@given(st.binary(max_size=4000))
def test_rubbish_is_not_taken_for_frames(data):
    for kind in STREAMS:
        assert synchronise(kind, data, 0, last=True) is None


def test_few_frames_count_only_where_they_fill_the_audio_exactly():
    size = mpeg_frame(MP3, 0).size
    two = MP3[: size + mpeg_frame(MP3, size).size]
    assert synchronise("mpeg", two, 0, last=True) == 0
    assert synchronise("mpeg", two, 0, last=False) is None
    assert synchronise("mpeg", two + b"x", 0, last=True) is None
    assert synchronise("mpeg", b"x" + two, 0, last=True, before=2) == 1
    assert synchronise("mpeg", b"x" + two, 0, last=True, before=1) is None


def test_the_info_header_of_an_encoder_tells_frames_bytes_and_delay():
    data = make("mp3", "libmp3lame", seconds=2.0, muxing={"id3v2_version": "0"})
    frame = mpeg_frame(data, 0)
    tag = info_tag(data, 0, frame)
    frames = [one for _, one in Walk("mpeg", data, last=True)]
    assert tag.frames == len(frames) - 1
    assert tag.length == len(data)
    assert tag.skip == 576 + 529
    assert info_tag(data, frame.size, frames[1]) is None


def test_a_vbri_header_tells_the_frames():
    frame = mpeg_frame(MP3, 0)
    body = bytearray(frame.size)
    body[36:40] = b"VBRI"
    body[46:54] = (123_456).to_bytes(4, "big") + (789).to_bytes(4, "big")
    tag = info_tag(bytes(body), 0, frame)
    assert (tag.frames, tag.length, tag.skip) == (789, 123_456, 0)


def test_bytes_between_frames_are_counted():
    frames = list(Walk("mpeg", MP3, last=True))
    middle = frames[20][0]
    walk = Walk("mpeg", MP3[:middle] + bytes(333) + MP3[middle:], last=True)
    assert len(list(walk)) == len(frames)
    assert walk.skipped == 333
