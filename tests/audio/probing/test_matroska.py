"""Matroska headers are read without the clusters, and the tail only where it is needed."""

import pytest

from shared.audio.files.reader import Reader
from shared.audio.probing import matroska
from shared.errors import BadMedia
from tests.audio.media import Memory, make


def probe(data, track=0):
    source = Memory(data)
    reader = Reader(source.read, len(data), max_read=64 * 1024)
    return matroska.probe(reader, track), reader


def test_the_header_tells_tracks_codec_and_duration():
    data = make("matroska", "aac", tracks=3, video=True, seconds=4.0)
    info, reader = probe(data)
    assert (info.codec, info.sample_rate, info.channels, info.tracks) == ("aac", 44_100, 2, 3)
    assert info.duration == pytest.approx(4.0, abs=0.1)
    assert reader.bytes_read < 30_000


@pytest.mark.parametrize("seconds", [1.0, 12.0])
def test_a_live_recording_is_measured_by_its_last_block(seconds):
    data = make("webm", "libopus", rate=48_000, seconds=seconds, muxing={"live": "1"})
    assert probe(data)[0].duration == pytest.approx(seconds, abs=0.05)


def test_a_live_recording_that_was_cut_is_measured_as_far_as_it_goes():
    data = make("webm", "libopus", rate=48_000, seconds=10.0, muxing={"live": "1"})
    assert 3.0 < probe(data[: len(data) // 2])[0].duration < 7.0


def test_encrypted_tracks_are_refused():
    # ContentEncodings / ContentEncoding / ContentEncryption, put into the track entry by hand.
    data = bytearray(make("webm", "libopus", rate=48_000, seconds=1.0))
    encryption = bytes.fromhex("6d8087" "624084" "503581" "00")  # fmt: skip
    codec = data.index(b"\x86\x86A_OPUS")
    entry = data.rindex(b"\xae", 0, codec)
    at = entry + 1
    width = 9 - data[at].bit_length()
    tracks = data.rindex(bytes.fromhex("1654ae6b"), 0, entry)
    for place, length in ((tracks + 4, 9 - data[tracks + 4].bit_length()), (at, width)):
        size = int.from_bytes(data[place : place + length], "big") + len(encryption)
        data[place : place + length] = size.to_bytes(length, "big")
    data[codec:codec] = encryption
    with pytest.raises(BadMedia) as raised:
        probe(bytes(data))
    assert raised.value.code == "encrypted"
