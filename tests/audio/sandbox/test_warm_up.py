"""Every kind of stream beside the sound is passed over in the closed sandbox, where no module can be loaded any more."""

import io
import pkgutil
from fractions import Fraction

import av
import pytest

from shared.audio.sandbox import warm_up
from tests.audio.media import Memory, chunk, encode

BESIDE = {
    "subtitles as text": ("matroska", "subrip"),
    "subtitles with styles": ("matroska", "ass"),
    "subtitles of a web page": ("webm", "webvtt"),
    "subtitles of a phone": ("mp4", "mov_text"),
    "subtitles of a disc": ("matroska", "dvd_subtitle"),
    "subtitles of a blue disc": ("matroska", "hdmv_pgs_subtitle"),
    "DVB subtitles": ("mpegts", "dvb_subtitle"),
    "DVB subtitles in matroska": ("matroska", "dvb_subtitle"),
    "teletext": ("mpegts", "dvb_teletext"),
    "measurements": ("mpegts", "klv"),
    "timed tags": ("mpegts", "timed_id3"),
    "an attachment": ("matroska", "attachment"),
    "chapters of an audiobook": ("ipod", "chapters"),
    "chapters of a film": ("matroska", "chapters"),
    "chapters of an mp4": ("mp4", "chapters"),
}
PAYLOADS = {
    "dvb_teletext": bytes([0x10]) + bytes([0x02, 0x2C]) + bytes(44),
    "hdmv_pgs_subtitle": bytes.fromhex("16000b01000100100001800000000080000000"),
    "dvb_subtitle": bytes.fromhex("20000f100001000200008000080001000080ff"),
}
SOUND = {"webm": ("libopus", 48_000)}


def with_stream(container, beside):
    """Two seconds of sound with another stream, as bytes."""
    codec, rate = SOUND.get(container, ("aac", 48_000))
    file = io.BytesIO()
    with av.open(file, "w", format=container) as out:
        sound = out.add_stream(codec, rate=rate, layout="mono")
        other = None
        if beside == "attachment":
            out.add_attachment("cover.ttf", "font/ttf", b"a font")
        elif beside == "chapters":
            one = {"start": 0, "end": 1000, "time_base": Fraction(1, 1000), "metadata": {"title": "One"}}
            out.set_chapters([one | {"id": 1}, one | {"id": 2, "start": 1000, "end": 2000}])
        elif beside:
            other = out.add_mux_stream(beside)
            other.time_base = Fraction(1, 1000)
        packets = [(packet.pts * packet.time_base, packet) for packet in encode(sound, rate, "mono", 2.0)]
        if other is not None:
            for at in (100, 1100):
                packet = av.Packet(PAYLOADS.get(beside, b"words"))
                packet.stream, packet.time_base = other, Fraction(1, 1000)
                packet.pts = packet.dts = at
                packet.duration = 500
                packets.append((Fraction(at, 1000), packet))
        for _, packet in sorted(packets, key=lambda one: one[0]):
            out.mux(packet)
    return file.getvalue()


@pytest.mark.parametrize("name", BESIDE)
def test_another_stream_beside_the_sound_changes_nothing(sandbox, name):
    container, beside = BESIDE[name]
    data, bare = with_stream(container, beside), with_stream(container, None)
    with av.open(io.BytesIO(data)) as made:
        kinds = [stream.type for stream in made.streams]
        assert len(kinds) > 1 or made.chapters()
    info = sandbox.probe(Memory(data))
    assert (info.tracks, info.duration) == (1, pytest.approx(2.0, abs=0.1))
    assert info.warnings == ()
    heard = sandbox.decode(Memory(data), info, chunk())
    plain = sandbox.decode(Memory(bare), sandbox.probe(Memory(bare)), chunk())
    assert heard.samples == plain.samples
    assert heard.warnings == ()


def test_all_of_the_bindings_are_loaded_except_what_only_their_users_call():
    names = {module.name for module in pkgutil.walk_packages(av.__path__, "av.")}
    assert names >= warm_up.LEFT_OUT
    assert "av.subtitles.stream" in names
