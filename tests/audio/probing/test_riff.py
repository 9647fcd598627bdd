"""What the sizes in a header declared of the samples, and what is there of them."""

import struct

import numpy as np
import pytest

from shared.audio.decoding.decode import decode
from shared.audio.files.reader import Reader
from shared.audio.probing import audio_info, riff
from tests.audio.media import RATE, Memory, chunk, lag, make, sound


def reader(data):
    return Reader(Memory(data).read, len(data))


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


def test_a_size_that_a_streaming_recorder_left_open_promises_nothing():
    samples = bytes(5000)
    for size in (0, 0xFFFFFFFF, 0x7FFFFFFF):
        wav = b"RIFF" + struct.pack("<I", size) + b"WAVE" + b"data" + struct.pack("<I", size) + samples
        assert riff.declared_size(reader(wav)) is None
    caf = b"caff\0\1\0\0" + b"data" + b"\xff" * 8 + samples
    assert riff.declared_size(reader(caf)) is None


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


@pytest.mark.parametrize("container", ["wav", "w64"])
@pytest.mark.parametrize("codec", ["adpcm_ima_wav", "adpcm_ms", "adpcm_yamaha"])
@pytest.mark.parametrize(("rate", "layout"), [(16_000, "mono"), (44_100, "stereo")])
def test_a_later_part_of_adpcm_is_found_where_the_header_has_a_wrong_rate_of_bytes(
    container, codec, rate, layout
):
    """FFmpeg's own muxer wrote 16,000 for any rate, and its demuxer seeks by that."""
    data = make(container, codec, rate=rate, layout=layout, seconds=30.0)
    at = data.index(b"fmt ") + (24 if container == "w64" else 8) + 8
    data = data[:at] + struct.pack("<I", 16_000 if rate != 16_000 else 30_000) + data[at + 4 :]
    info = audio_info.probe(reader(data), name="call", track=0)
    assert info.duration == pytest.approx(30.0, abs=0.2)
    heard = []
    done = decode(reader(data), info, chunk(start=20.0, end=25.0), track=0, longest=60.0, emit=heard.append)
    assert done.warnings == ()
    values = np.frombuffer(b"".join(heard), np.int16).astype(float)
    assert abs(lag(values[RATE : 2 * RATE], sound(RATE, 30.0) * 32767, 21.0)) < 0.05


def test_the_length_of_a_wave_file_without_a_rate_of_bytes_is_a_guess():
    data = make("wav", "libmp3lame", rate=44_100, layout="mono", seconds=8.0)
    at = data.index(b"fmt ") + 16
    assert audio_info.probe(
        reader(data[:at] + struct.pack("<I", 8_000) + data[at + 4 :]), name="", track=0
    ).exact
    open_rate = data[:at] + bytes(4) + data[at + 4 :]
    assert not audio_info.probe(reader(open_rate), name="", track=0).exact


def piped_aiff(size, frames, whole=None):
    data = bytearray(make("aiff", "pcm_s16be", rate=16_000, layout="mono", seconds=3.0))
    form, samples = data.index(b"COMM") + 8, data.index(b"SSND") + 8
    if size is not None:
        data[4:8] = data[samples - 4 : samples] = size.to_bytes(4, "big")
    if whole is not None:
        data[4:8] = whole.to_bytes(4, "big")
    data[form + 2 : form + 6] = frames.to_bytes(4, "big")
    return bytes(data)


@pytest.mark.parametrize(
    ("form", "codec", "samples", "chunk"),
    [
        ("aiff", "pcm_s16be", b"SSND", b"ID3 " + (3_000_000).to_bytes(4, "big")),
        ("w64", "pcm_s16le", b"data\xf3\xac", b"junk" + bytes(12) + (3_000_024).to_bytes(8, "little")),
    ],
)
def test_a_picture_before_the_samples_is_not_read(form, codec, samples, chunk):
    data = make(form, codec, rate=16_000, layout="mono", seconds=3.0)
    at = data.index(samples)
    source = reader(data[:at] + chunk + bytes(3_000_000) + data[at:])
    assert riff.corrected(source) is source
    assert source.bytes_read < 100_000


def piped_wave64(size):
    data = bytearray(make("w64", "pcm_s16le", rate=16_000, layout="mono", seconds=3.0))
    at = data.index(b"data\xf3\xac")
    data[16:24] = data[at + 16 : at + 24] = size.to_bytes(8, "little")
    return bytes(data)


@pytest.mark.parametrize(
    "data",
    [
        *(piped_aiff(size, 0) for size in (0, 8, 0x7FFFFFFF, 0xFFFFFFFF)),
        piped_aiff(0x7F000050, 0x3F800000),
        *(piped_aiff(size, most) for size in (None, 8, 0, 0x7FFFFFFF) for most in (0x7FFFFFFF, 0xFFFFFFFF)),
        *(piped_aiff(None, 48_000, whole) for whole in (0, 0x7FFFFFFF, 0xFFFFFFFF)),
        *(piped_wave64(size) for size in (0, 24, 2**63 - 1, 2**64 - 1)),
    ],
)
def test_an_aiff_or_wave64_file_from_a_pipe_is_heard_to_its_end(sandbox, data):
    source = Memory(data)
    info = sandbox.probe(source)
    assert info.duration == pytest.approx(3.0, abs=0.01)
    assert info.warnings == ()
    pcm = sandbox.decode(source, info, chunk(1.0))
    assert pcm.owned == pytest.approx(2.0, abs=0.01)
    assert pcm.warnings == ()
