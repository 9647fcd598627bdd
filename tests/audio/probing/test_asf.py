"""What the headers of a wma file declare."""

import io

import av
import pytest

from shared.audio.files.reader import Reader
from shared.audio.probing import asf, audio_info
from shared.errors import BadMedia
from tests.audio.media import RATE, Memory, encode, lag, of_format
from tests.audio.test_time_axis import decoded


def reader(data):
    return Reader(Memory(data).read, len(data))


def test_a_broadcast_or_an_empty_length_in_wma_promises_nothing():
    data = bytearray(of_format("wma")[:-50_000])
    at = data.index(bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365"))
    assert asf.declared_size(reader(bytes(data))).seconds == pytest.approx(8.0, abs=0.1)
    unknown = data[: at + 64] + bytes(8) + data[at + 72 :]
    assert asf.declared_size(reader(bytes(unknown))) is None
    data[at + 88] |= 1
    assert asf.declared_size(reader(bytes(data))) is None


def test_the_length_of_a_broadcast_in_wma_is_a_guess():
    data = bytearray(of_format("wma"))
    at = data.index(bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365"))
    assert audio_info.probe(reader(bytes(data)), name="", track=0).exact
    data[at + 64 : at + 72] = bytes(8)
    data[at + 88] |= 1
    assert not audio_info.probe(reader(bytes(data)), name="", track=0).exact


def test_a_protected_file_is_refused():
    data = of_format("wma")
    asf.check(reader(data))
    mark = bytes.fromhex("fbb3112223bdd211b4b700a0c955fc6e")
    with pytest.raises(BadMedia, match="Windows Media protection"):
        asf.check(reader(data[:30] + mark + data[46:]))


class Pipe(io.RawIOBase):
    """What cannot be sought in."""

    def __init__(self):
        self.data = b""

    def writable(self):
        return True

    def seekable(self):
        return False

    def write(self, data):
        self.data += bytes(data)
        return len(data)


def piped(seconds, bit_rate=128_000):
    """A recording that was written to a pipe: its header tells no length."""
    with av.open(pipe := Pipe(), "w", format="asf") as out:
        stream = out.add_stream("wmav2", rate=44_100, layout="stereo")
        stream.bit_rate = bit_rate
        for packet in encode(stream, 44_100, "stereo", seconds):
            out.mux(packet)
    return pipe.data


@pytest.mark.parametrize("bit_rate", [32_000, 128_000])
def test_what_was_written_to_a_pipe_is_as_long_as_its_packets_say(sandbox, bit_rate):
    data = piped(8.0, bit_rate)
    info = sandbox.probe(Memory(data))
    assert info.duration == pytest.approx(8.0, abs=0.15)
    assert not info.exact
    both = data + piped(5.0, bit_rate)
    joined = sandbox.probe(Memory(both))
    assert [one.duration for one in joined.parts] == pytest.approx([8.0, 5.0], abs=0.15)
    heard = decoded(sandbox, both)[0]
    assert abs(lag(heard[-4 * RATE :][: RATE // 2], decoded(sandbox, data)[0], 1.0)) < 0.2
