"""What a probe learns, what it refuses, and how little it reads."""

import contextlib
import io
import struct

import av
import numpy as np
import pytest
from av.stream import Disposition

from shared.audio import Limits, Sandbox
from shared.errors import BadMedia
from tests.audio.media import FORMATS, Memory, Sparse, chunk, encode, make, of_format, repeated
from tests.audio.probing.test_elementary import mp3_frames

SIX_HOURS = 6 * 3600.0


def refusal(sandbox, data, **options):
    with pytest.raises(BadMedia) as raised:
        sandbox.probe(Memory(data), **options)
    return raised.value.code, str(raised.value)


def box(name, *content):
    body = b"".join(content)
    return struct.pack("!I", 8 + len(body)) + name + body


def test_an_empty_file_is_empty(sandbox):
    code, message = refusal(sandbox, b"")
    assert code == "empty"
    assert "Copy it again" in message


@pytest.mark.parametrize(
    "data",
    [
        b"Dear all, here is what we said.\n" * 3000,
        "größer, später, übrigens: ÿûÿûÿû ".encode("latin-1") * 4000,
        bytes(200_000),
        np.random.default_rng(3).bytes(500_000),
        b"\xff\xfb" * 50_000,
        b"\x89PNG\r\n\x1a\n" + bytes(5000),
        b"%PDF-1.7 " + bytes(5000),
        b"PK\x03\x04" + bytes(5000),
        b"x",
    ],
)
def test_what_is_no_recording_is_refused_whatever_it_is_called(sandbox, data):
    code, message = refusal(sandbox, data, name="a/talk.mp3")
    assert code == "not-media"
    assert any(
        one in message
        for one in ("se the recording itself.", "se the recordings in it.", "try again.", "copy it again.")
    )


def test_a_video_without_sound_has_no_audio(sandbox):
    for container in ("mp4", "matroska", "avi", "mpegts"):
        assert refusal(sandbox, make(container, None, video=True, seconds=1.0))[0] == "no-audio"


def test_a_missing_track_is_named_with_the_number_there_are(sandbox):
    for container, tracks in (("matroska", 2), ("mp4", 2), ("wav", 1)):
        codec = "pcm_s16le" if container == "wav" else "aac"
        data = make(container, codec, seconds=1.0, tracks=tracks)
        code, message = refusal(sandbox, data, track=2)
        assert code == "no-track"
        assert (f"{tracks} audio track") in message


def test_an_mp4_without_its_index_is_incomplete(sandbox):
    data = make("mp4", "aac", seconds=2.0)
    assert refusal(sandbox, data[: data.index(b"moov") - 4])[0] == "incomplete"
    assert refusal(sandbox, data[: len(data) // 3])[0] == "incomplete"


def test_protected_recordings_are_encrypted(sandbox):
    mp4 = make("mp4", "aac", seconds=1.0)
    assert refusal(sandbox, mp4.replace(b"mp4a", b"enca"))[0] == "encrypted"
    assert refusal(sandbox, mp4.replace(b"mp4a", b"drms"))[0] == "encrypted"
    assert refusal(sandbox, b"\0\0\0\x14ftypaax \0\0\0\1aax " + mp4[28:])[0] == "encrypted"
    assert refusal(sandbox, b"\0\0\0\0\x57\x90\x75\x36" + bytes(5000))[0] == "encrypted"
    asf = make("asf", "wmav2", seconds=1.0, bit_rate=64_000)
    mark = bytes.fromhex("fbb3112223bdd211b4b700a0c955fc6e")
    assert refusal(sandbox, asf[:30] + mark + asf[46:])[0] == "encrypted"


def test_a_damaged_header_is_undecodable(sandbox):
    code, message = refusal(sandbox, b"fLaC" + np.random.default_rng(4).bytes(3000))
    assert code == "undecodable"
    assert "convert" in message


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF, 0x7FFFF000, 0x7FFFFFDB, 0xFFFFFFDB, 0x80000000])
def test_a_streamed_wav_takes_its_length_from_the_file(sandbox, size):
    data = make("wav", "pcm_s16le", seconds=3.0)
    at = data.index(b"data") + 4
    source = Memory(
        data[:4] + struct.pack("<I", size) + data[8:at] + struct.pack("<I", size) + data[at + 4 :]
    )
    info = sandbox.probe(source)
    assert info.duration == pytest.approx(3.0)
    assert info.warnings == ()
    assert sandbox.decode(source, info, chunk()).owned == pytest.approx(3.0)


@pytest.mark.parametrize(
    ("name", "within"),
    [("wav", 0.01), ("rf64", 0.01), ("w64", 0.01), ("aiff", 0.01), ("caf", 0.01), ("avi", 0.7), ("wma", 0.3)],
)
def test_a_cut_file_says_how_much_its_header_promised(sandbox, name, within):
    data = of_format(name)
    source = Memory(data[: len(data) // 2])
    info = sandbox.probe(source)
    assert info.duration == pytest.approx(4.0, abs=max(0.05, within / 10))
    assert info.warnings == ("the audio stops at 4.0 s, the header promised 8.0 s",)
    pcm = sandbox.decode(source, info, chunk())
    assert pcm.owned == pytest.approx(4.0, abs=within)
    assert pcm.warnings == ()


@pytest.mark.parametrize("name", FORMATS)
def test_a_whole_file_has_no_warning(sandbox, name):
    source = Memory(of_format(name))
    info = sandbox.probe(source)
    assert info.warnings == ()
    assert sandbox.decode(source, info, chunk()).warnings == ()


@pytest.mark.parametrize("name", ["ogg-opus", "ogg-vorbis", "ogg-flac"])
def test_a_cut_ogg_says_where_it_breaks_off(sandbox, name):
    data = of_format(name)
    source = Memory(data[: len(data) * 6 // 10])
    info = sandbox.probe(source)
    seconds = sandbox.decode(source, info, chunk()).owned
    assert info.warnings == (
        f"the audio breaks off at {seconds:.1f} s: the file is cut, and what came after is missing",
    )


def test_a_live_webm_gets_its_length_from_the_last_cluster(sandbox):
    data = make("webm", "libopus", rate=48_000, seconds=9.0, muxing={"live": "1"})
    assert sandbox.probe(Memory(data)).duration == pytest.approx(9.0, abs=0.1)


def test_a_fragmented_mp4_gets_its_length_from_the_last_fragment(sandbox):
    muxing = {"movflags": "frag_keyframe+empty_moov+default_base_moof", "frag_duration": "1000000"}
    info = sandbox.probe(Memory(make("mp4", "aac", seconds=9.0, muxing=muxing)))
    assert info.duration == pytest.approx(9.0, abs=0.1)
    assert info.exact


def long_files():
    frames = mp3_frames(4.0)
    wav = make("wav", "pcm_s16le", rate=16_000, layout="mono", seconds=1.0)
    at = wav.index(b"data") + 4
    size = int(SIX_HOURS * 32_000)
    wav = wav[:4] + struct.pack("<I", size + at - 4) + wav[8:at] + struct.pack("<I", size) + wav[at + 4 :]
    flac = bytearray(make("flac", "flac", rate=16_000, layout="mono", seconds=2.0))
    flac[21:26] = (flac[21] & 0xF0 | 0).to_bytes(1) + struct.pack("!I", int(SIX_HOURS * 16_000))
    opus = {"rate": 48_000, "hours": 6, "frame_duration": "120"}
    art = b"ID3\x04\0\0" + bytes([1, 0x40, 0, 0]) + bytes(0x41 << 14)
    return {
        "wav": lambda: Sparse(wav, at + 4 + size),
        "mp3": lambda: Memory(art + frames * 5400),
        "aac": lambda: Memory(make("adts", "aac", seconds=4.0) * 5400),
        "m4a": lambda: Memory(repeated("ipod", "aac", rate=8_000, hours=6)),
        "webm": lambda: Memory(repeated("webm", "libopus", **opus)),
        "webm-live": lambda: Memory(repeated("webm", "libopus", muxing={"live": "1"}, **opus)),
        "ogg": lambda: Memory(repeated("ogg", "libopus", **opus)),
        "flac": lambda: Sparse(bytes(flac), 400_000_000),
    }


@pytest.mark.parametrize("name", long_files())
def test_six_hours_are_probed_from_less_than_a_megabyte(sandbox, name):
    source = long_files()[name]()
    info = sandbox.probe(source)
    assert info.duration == pytest.approx(SIX_HOURS, rel=0.03)
    assert info.bytes_read < 700_000
    if isinstance(source, Memory):
        assert sum(length for _, length in source.reads) == info.bytes_read


def test_a_probe_stops_at_its_budget():
    data = make("mpegts", "aac", video=True, seconds=8.0)
    source = Memory(data * 20)
    with Sandbox(Limits(probe_bytes=60_000)) as small, contextlib.suppress(BadMedia):
        small.probe(source)
    assert 0 < sum(length for _, length in source.reads) <= 60_000


def muxed(container, flags):
    """Two audio tracks, of which the second has four times the rate; which of them are the default ones."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=container) as out:
        streams = [out.add_stream("aac", rate=rate, layout="mono") for rate in (11_025, 44_100)]
        for stream, flag in zip(streams, flags, strict=True):
            stream.disposition = Disposition.default if flag else Disposition(0)
        packets = [
            one
            for stream, rate in zip(streams, (11_025, 44_100), strict=True)
            for one in encode(stream, rate, "mono", 2.0)
        ]
        for packet in sorted(packets, key=lambda one: one.dts * one.time_base):
            out.mux(packet)
    return buffer.getvalue()


@pytest.mark.parametrize("container", ["matroska", "mov"])
def test_the_track_that_players_choose_is_counted_first(sandbox, container):
    for flags, rates in (((True, False), (11_025, 44_100)), ((False, True), (44_100, 11_025))):
        source = Memory(muxed(container, flags))
        for track, rate in enumerate(rates):
            info = sandbox.probe(source, track=track)
            assert info.sample_rate == rate
            assert sandbox.decode(source, info, chunk(), track=track).owned == pytest.approx(2.0, abs=0.2)


def test_an_m4a_that_begins_with_nothing_is_as_much_later(sandbox):
    data = make("ipod", "aac", late=3.0, seconds=4.0)
    source = Memory(data)
    info = sandbox.probe(source)
    pcm = sandbox.decode(source, info, chunk())
    assert info.duration == pytest.approx(7.0, abs=0.1)
    heard = np.frombuffer(pcm.samples, np.int16)
    assert not heard[: round(2.9 * 16_000)].any()
    assert heard[round(3.1 * 16_000) :].any()
    assert pcm.warnings == ()


@pytest.mark.parametrize("name", ["wav", "aiff", "w64", "caf", "tta", "wma", "voc"])
def test_a_recording_of_another_format_behind_the_end_is_told_with_the_command_that_takes_it_out(
    sandbox, name
):
    one = of_format(name)
    assert sandbox.probe(Memory(one)).warnings == ()
    assert sandbox.probe(Memory(one + bytes(5000))).warnings == ()
    other = of_format("flac")
    source = Memory(one + other)
    info = sandbox.probe(source)
    (warning,) = info.warnings
    assert f"{len(other):,} bytes" in warning
    assert f"tail -c +{len(one) + 1} FILE" in warning
    pcm = sandbox.decode(source, info, chunk())
    assert pcm.owned == pytest.approx(8.0, abs=0.1)
    assert pcm.warnings == ()


@pytest.mark.parametrize("name", ["wav", "aiff", "caf", "voc", "wavpack", "m4a", "ac3", "tta", "flac"])
def test_a_tag_before_a_file_is_skipped(sandbox, name):
    size = 200_000
    tag = b"ID3\4\0\0" + bytes((0, size >> 14 & 127, size >> 7 & 127, size & 127)) + b"\x0b" * size
    source = Memory(tag + of_format(name))
    info = sandbox.probe(source)
    assert info.warnings == ()
    assert info.duration == pytest.approx(8.0, abs=0.1)
    pcm = sandbox.decode(source, info, chunk(4.0))
    assert pcm.owned == pytest.approx(4.0, abs=0.1)
    assert pcm.warnings == ()
