"""What the sizes in a header declared of the samples, and what is there of them."""

import struct

import pytest

from shared.audio.files.reader import Reader
from shared.audio.probing import asf, avi, riff
from shared.audio.probing.truncation import DeclaredSize
from tests.audio.media import Memory, make, of_format


def reader(data):
    return Reader(Memory(data).read, len(data))


SHORTAGES = {
    "wav": riff.declared_size,
    "rf64": riff.declared_size,
    "w64": riff.declared_size,
    "aiff": riff.declared_size,
    "caf": riff.declared_size,
    "avi": lambda one: avi.declared_size(one, 0),
    "wma": asf.declared_size,
}


@pytest.mark.parametrize("name", SHORTAGES)
def test_what_is_cut_off_is_what_is_missing_and_a_whole_file_misses_nothing(name):
    data = of_format(name)
    assert SHORTAGES[name](reader(data)) is None
    first = SHORTAGES[name](reader(data[:-50_000]))
    second = SHORTAGES[name](reader(data[:-60_000]))
    assert first.size == second.size
    assert first.present - second.present == 10_000
    assert first.seconds == second.seconds


def test_the_samples_of_wave_files_are_counted_to_the_byte():
    for name in ("wav", "rf64", "w64", "aiff", "caf"):
        data = make(
            "wav" if name == "rf64" else name,
            "pcm_s16be" if name == "aiff" else "pcm_s16le",
            rate=16_000,
            layout="mono",
            seconds=2.0,
            muxing={"rf64": "always"} if name == "rf64" else None,
        )
        found = riff.declared_size(reader(data[:-20_000]))
        edit_count = (
            4 if name == "caf" else 8 if name == "aiff" else 0
        )  # stand in the chunk before the samples
        assert found.size == 64_000 + edit_count
        # Of Wave64 and AIFF the padding or nothing follows; the samples are the end of the file.
        assert found.present == pytest.approx(44_000 + edit_count, abs=8)


@pytest.mark.parametrize("name", ["wav", "caf", "w64", "avi", "wma"])
def test_any_cut_of_the_header_is_survived(name):
    data = of_format(name)
    for stop in (0, 1, 3, 4, 7, 8, 11, 12, 13, 19, 20, 40, 50, 64, 100, 200, 300, 600, 1000, 5000):
        found = SHORTAGES[name](reader(data[:stop]))
        assert found is None or 0 < found.present < found.size


def test_a_size_that_a_streaming_recorder_left_open_promises_nothing():
    samples = bytes(5000)
    for size in (0, 0xFFFFFFFF, 0x7FFFFFFF):
        wav = b"RIFF" + struct.pack("<I", size) + b"WAVE" + b"data" + struct.pack("<I", size) + samples
        assert riff.declared_size(reader(wav)) is None
    caf = b"caff\0\1\0\0" + b"data" + b"\xff" * 8 + samples
    assert riff.declared_size(reader(caf)) is None


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


def test_a_broadcast_or_an_empty_length_in_wma_promises_nothing():
    data = bytearray(of_format("wma")[:-50_000])
    at = data.index(bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365"))
    assert asf.declared_size(reader(bytes(data))).seconds == pytest.approx(8.0, abs=0.1)
    unknown = data[: at + 64] + bytes(8) + data[at + 72 :]
    assert asf.declared_size(reader(bytes(unknown))) is None
    data[at + 88] |= 1
    assert asf.declared_size(reader(bytes(data))) is None


def disguised(stream):
    """A compressed stream in the samples of a wave file, as on a disc for home cinemas."""
    form = struct.pack("<IHHIIHH", 16, 1, 2, 48_000, 192_000, 4, 16)
    body = b"WAVEfmt " + form + b"data" + struct.pack("<I", len(stream)) + stream
    return b"RIFF" + struct.pack("<I", len(body)) + body


def test_a_compressed_stream_in_the_samples_of_a_wave_file_is_found_and_decoded(sandbox):
    file = Memory(disguised(make("ac3", "ac3", rate=48_000, seconds=8.0)))
    audio = sandbox.probe(file)
    assert audio.codec == "ac3"


@pytest.mark.parametrize(
    "sync",
    [b"\x7f\xfe\x80\x01", b"\xfe\x7f\x01\x80", b"\x1f\xff\xe8\x00", b"\xff\x1f\x00\xe8"],
)
def test_a_mark_of_dts_anywhere_in_the_first_samples_calls_for_a_closer_look(sync):
    hidden = reader(disguised(bytes(9000) + b"\0" + sync + b"\0" + sync + bytes(40_000)))
    assert riff.may_hold_compressed_audio(hidden)
    across = reader(disguised(bytes(9000) + b"\0" + sync + b"\0" + bytes(40_000)))
    assert not riff.may_hold_compressed_audio(across)  # as quiet noise has it: two halves of samples


def test_plain_samples_call_for_none():
    assert not riff.may_hold_compressed_audio(
        reader(make("wav", "pcm_s16le", rate=16_000, layout="mono", seconds=3.0))
    )
    assert not riff.may_hold_compressed_audio(reader(disguised(b"\x01\x00" * 50)))


def test_samples_that_begin_behind_a_long_header_call_for_a_closer_look():
    plain = disguised(bytes(60_000))
    assert riff.may_hold_compressed_audio(
        reader(plain[:12] + b"LIST" + struct.pack("<I", 40_000) + bytes(40_000) + plain[12:])
    )
