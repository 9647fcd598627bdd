"""A part of a file reads as a file of its own."""

from hypothesis import given
from hypothesis import strategies as st

from shared.audio.files.part import part_reader

DATA = bytes(range(256)) * 4


def fetch(offset, length):
    return DATA[offset : offset + length]


@given(st.integers(0, 300), st.integers(300, 600), st.integers(601, 1024), st.data())
def test_a_part_is_the_header_and_its_own_bytes(header, first, last, data):
    reader = part_reader(fetch, first, last, header=header)
    whole = DATA[:header] + DATA[first:last]
    assert reader.size == len(whole)
    for _ in range(5):
        offset = data.draw(st.integers(0, reader.size))
        length = data.draw(st.integers(0, 400))
        assert (
            reader.at(offset, length, block=data.draw(st.integers(1, 64))) == whole[offset : offset + length]
        )
    reader.seek(0)
    read = b""
    while part := reader.read(100):
        read += part
    assert read == whole
