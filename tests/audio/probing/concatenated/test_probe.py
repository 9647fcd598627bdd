"""What a probe says of a file that consists of several recordings, and what is heard of it."""

import re

import pytest

from shared.audio.files.reader import Reader
from shared.audio.probing import audio_info
from shared.audio.types import MOST_PARTS
from tests.audio.media import FORMATS, RATE, Memory, lag, make, of_format, write_repeated
from tests.audio.test_time_axis import decoded

APPENDED = (
    "wav", "rf64", "aiff", "caf", "w64", "au", "voc", "avi", "wma", "m4a", "mov", "mp4-video", "mp4-fragmented", "flac",
    "wavpack", "tta", "amr", "mp3", "aac",
)  # fmt: skip


@pytest.mark.parametrize("name", APPENDED)
def test_a_file_that_is_appended_to_another_is_heard_in_full(sandbox, name):
    container, codec, options = FORMATS[name]
    data = of_format(name)
    alone = decoded(sandbox, data)[0]
    other = make(container, codec, **options, seconds=5.0)
    heard, info, warnings = decoded(sandbox, data + other)
    assert info.duration == pytest.approx(13.0, abs=0.3)
    assert len(heard) / RATE == pytest.approx(13.0, abs=0.3)
    if name not in {"mp3", "aac"}:  # frames that follow one another
        assert warnings == ["the file consists of 2 recordings, one after the other: all are transcribed"]
        assert [one.first_byte for one in info.parts] == [0, len(data)]
    begin = len(heard) / RATE - 5.0
    for at in (1.0, 3.0):
        part = heard[round((begin + at) * RATE) : round((begin + at + 0.5) * RATE)]
        assert abs(lag(part, alone, at)) < 0.1


@pytest.mark.parametrize("name", ["wav", "aiff", "w64", "caf"])
@pytest.mark.parametrize("seconds", [1.0, 7.0])
def test_a_file_that_was_cut_before_another_was_appended_is_heard_as_two(sandbox, name, seconds):
    """Also where the second one ends before the first would have."""
    container, codec, options = FORMATS[name]
    first, other = of_format(name), make(container, codec, **options, seconds=seconds)
    heard, info, warnings = decoded(sandbox, first[: len(first) // 2] + other)
    assert info.duration == pytest.approx(4.0 + seconds, abs=0.1)
    assert len(heard) / RATE == pytest.approx(4.0 + seconds, abs=0.1)
    assert [one.first_byte for one in info.parts] == [0, len(first) // 2]
    assert warnings[0].startswith("the file consists of 2 recordings")
    assert "promised 8.0 s" in warnings[1]


@pytest.mark.parametrize("megabytes", [3, 20, 62])
@pytest.mark.parametrize("codec", [None, "pcm_s16le", "adpcm_ms"])
def test_a_long_file_that_was_cut_is_heard_as_well_as_what_was_appended_to_it(sandbox, megabytes, codec):
    """It is searched in full, as its caller allows, and what FFmpeg parses of it in a fork."""
    head = make("wav", "pcm_s16le", rate=16_000, layout="mono", seconds=1.0)
    samples, size = head.index(b"data") + 8, megabytes * 1_000_000
    cut = head[: samples - 4] + (4 * size).to_bytes(4, "little") + bytes(size)
    other = b"" if codec is None else make("wav", codec, rate=16_000, layout="mono", seconds=2.0)
    info = sandbox.probe(Memory(cut + other))
    assert info.duration == pytest.approx(size / 32_000 + 2.0 * bool(other), abs=0.1)
    assert [one.first_byte for one in info.parts] == [0, len(cut)] * bool(other)
    assert "the header promised" in info.warnings[-1]


@pytest.mark.parametrize(
    ("container", "codec", "muxing"),
    [
        ("ipod", "aac", {}),
        ("ipod", "aac", {"movflags": "faststart"}),
        ("asf", "wmav2", {}),
        ("avi", "libmp3lame", {}),
    ],
)
def test_to_look_for_another_recording_costs_few_bytes_of_a_long_one(tmp_path, container, codec, muxing):
    path = tmp_path / "long"
    write_repeated(str(path), container, codec, rate=44_100, hours=1, muxing=muxing, b="64000")
    data = path.read_bytes()
    reader = Reader(Memory(data).read, len(data), max_read=64 * 1024, budget=10**6)
    assert audio_info.probe(reader, name="", track=0).duration == pytest.approx(3600, abs=1)
    assert reader.bytes_read < 40_000


def test_what_follows_and_cannot_be_read_is_told(sandbox):
    one = of_format("tta")
    broken = b"TTA1\1\0" + bytes(3000)
    info = sandbox.probe(Memory(one + broken))
    (warning,) = info.warnings
    assert "another recording follows" in warning
    assert f"{len(broken):,} bytes" in warning


def test_more_recordings_than_are_kept_apart_are_told(sandbox):
    one = make("wav", "pcm_s16le", rate=16_000, layout="mono", seconds=0.5)
    info = sandbox.probe(Memory((MOST_PARTS + 3) * one))
    assert len(info.parts) == MOST_PARTS
    assert (
        info.warnings[0]
        == f"the file consists of {MOST_PARTS} recordings, one after the other: these are transcribed"
    )
    assert f"{3 * len(one):,} bytes" in info.warnings[1]
    assert f"tail -c +{MOST_PARTS * len(one) + 1} FILE" in info.warnings[1]


@pytest.mark.parametrize("piped", [(True, False), (False, True), (True, True)])
def test_recordings_that_do_not_tell_their_length_are_heard_in_full(sandbox, piped):
    files = [make("wv", "wavpack", seconds=seconds) for seconds in (8.0, 5.0)]
    data = b"".join(
        re.sub(rb"(?<=wvpk.{8}).{4}", b"\xff" * 4, one, flags=re.DOTALL) if unknown else one
        for one, unknown in zip(files, piped, strict=True)
    )
    heard, info, warnings = decoded(sandbox, data)
    assert [one.first_byte for one in info.parts] == [0, len(files[0])]
    assert len(warnings) == 1
    assert len(heard) / RATE == pytest.approx(13.0, abs=0.01)


@pytest.mark.parametrize("name", ["mkv-video", "mp4-video", "webm"])
def test_a_recording_without_the_chosen_track_is_told(sandbox, name):
    container, codec, options = FORMATS[name]
    files = [make(container, codec, **options | {"tracks": tracks, "seconds": 5.0}) for tracks in (2, 1)]
    info = sandbox.probe(Memory(b"".join(files)), track=1)
    assert info.duration == pytest.approx(5.0, abs=0.2)
    (warning,) = info.warnings
    assert f"{len(files[1]):,} bytes" in warning
    both = sandbox.probe(Memory(b"".join(files)))
    assert len(both.parts) == 2


def test_a_radio_station_does_not_mark_where_a_piece_ends(sandbox):
    pieces = []
    for seconds in (3.0, 4.0, 5.0):
        piece = bytearray(make("ogg", "libopus", rate=48_000, seconds=seconds))
        piece[piece.rindex(b"OggS") + 5] &= ~4
        pieces.append(bytes(piece))
    warnings = sandbox.probe(Memory(b"".join(pieces))).warnings
    assert len(warnings) == 2, "that there are several, and that the last one may be cut"
    assert "3 recordings" in warnings[0]
    assert "without the mark" in warnings[1]


@pytest.mark.parametrize("before", [b"\1rubbish" * 200, b"\1rubbish" * 7000])
def test_an_ogg_file_that_begins_in_the_middle_of_a_page_is_heard_from_its_first_stream(sandbox, before):
    data = of_format("ogg-opus")
    heard, info, warnings = decoded(sandbox, before + data)
    assert len(heard) / RATE == pytest.approx(8.0, abs=0.01)
    assert info.duration == pytest.approx(8.0, abs=0.01)
    assert warnings == [
        f"{len(before):,} bytes before the first recording were left out: they hold the end of another one, or no sound"
    ]
    middle = data[len(data) // 2 :]
    both, _, warnings = decoded(sandbox, middle + data)
    assert len(both) == len(heard)
    assert f"{len(middle):,} bytes" in warnings[0]


def test_a_file_without_fragments_behind_a_long_one_in_fragments_is_heard(sandbox):
    container, codec, options = FORMATS["mp4-fragmented"]
    long = make(container, codec, **{**options, "bit_rate": 256_000}, seconds=60.0)
    heard, info, warnings = decoded(sandbox, long + of_format("m4a"))
    assert [one.first_byte for one in info.parts] == [0, len(long)]
    assert len(heard) / RATE == pytest.approx(68.0, abs=0.2)
    assert warnings == ["the file consists of 2 recordings, one after the other: all are transcribed"]
    part = heard[round(-5.0 * RATE) : round(-4.5 * RATE)]
    assert abs(lag(part, decoded(sandbox, of_format("m4a"))[0], 3.0)) < 0.1
