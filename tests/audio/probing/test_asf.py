"""What the headers of a wma file declare."""

import pytest

from shared.audio.files.reader import Reader
from shared.audio.probing import asf, audio_info
from shared.errors import BadMedia
from tests.audio.media import Memory, of_format


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
