"""What the headers of an AVI declare, and what is there of it."""

import struct

from shared.audio.files.overlay import Overlay
from shared.audio.files.reader import Reader
from shared.audio.probing import audio_info, avi
from shared.audio.probing.truncation import DeclaredSize
from tests.audio.media import Memory, of_format


def reader(data):
    return Reader(Memory(data).read, len(data))


def test_an_avi_whose_index_alone_is_cut_off_is_whole():
    data = of_format("avi")
    index = data.rindex(b"idx1")
    assert avi.declared_size(reader(data[: index + 100]), 0) is None
    assert avi.declared_size(reader(data[: index - 100]), 0) is not None


def chunk(name, body):
    return name + struct.pack("<I", len(body)) + body


def stream(kind, scale, rate, length):
    fields = kind + bytes(16) + struct.pack("<IIII", scale, rate, 0, length) + bytes(20)
    return chunk(b"LIST", b"strl" + chunk(b"strh", fields))


def parts(*contents):
    """An AVI of several RIFF chunks, with a film and two audio tracks."""
    streams = (
        stream(b"vids", 1, 25, 250) + stream(b"auds", 1, 1000, 10_000) + stream(b"auds", 1, 8000, 72_000)
    )
    head = chunk(b"LIST", b"hdrl" + chunk(b"avih", bytes(56)) + streams)
    whole = b""
    for index, content in enumerate(contents):
        body = (b"AVI " + head if index == 0 else b"AVIX") + chunk(b"LIST", b"movi" + content)
        whole += chunk(b"RIFF", body)
    return whole


def test_an_avi_in_several_parts_is_whole_only_with_the_last_of_them():
    data = parts(bytes(4000), bytes(6000))
    assert avi.declared_size(reader(data), 0) is None
    found = avi.declared_size(reader(data[:-1000]), 0)
    assert found == DeclaredSize(size=found.present + 1000, present=found.present, seconds=10.0)
    assert found.present > 9000


def test_each_audio_track_of_an_avi_has_its_own_length():
    data = parts(bytes(4000))[:-1000]
    assert avi.declared_size(reader(data), 1).seconds == 9.0
    assert avi.declared_size(reader(data), 2) is None


def test_the_probe_sees_no_index():
    data = of_format("avi")
    hidden = avi.without_index(reader(data))
    assert isinstance(hidden, Overlay)
    hidden.seek(data.rindex(b"idx1"))
    assert hidden.read(4) == b"JUNK"
    assert isinstance(avi.without_index(reader(data[: data.rindex(b"idx1")])), Reader)


def test_an_avi_that_was_written_to_a_pipe_has_an_unknown_length():
    data = bytearray(of_format("avi"))
    assert audio_info.probe(reader(bytes(data)), name="", track=0).duration is not None
    at = data.index(b"auds") + 32  # the length of the stream
    data[at : at + 4] = struct.pack("<I", 2**30)
    data[4:8] = b"\xff" * 4
    assert audio_info.probe(reader(bytes(data)), name="", track=0).duration is None
