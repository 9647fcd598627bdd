"""An overlay reads as the file does, but for what it replaces."""

import io

from hypothesis import given
from hypothesis import strategies as st

from shared.audio.files.overlay import Overlay
from shared.audio.files.reader import Reader
from tests.audio.media import Memory

DATA = bytes(range(1, 251)) * 40


@given(
    cuts=st.lists(st.integers(0, len(DATA)), min_size=2, max_size=2, unique=True),
    reads=st.lists(st.tuples(st.integers(0, len(DATA) + 5), st.integers(1, 4000)), max_size=15),
)
def test_any_reads_are_those_of_the_file_with_the_replaced_stretch_written_into_it(cuts, reads):
    start, end = sorted(cuts)
    expected = DATA[:start] + b"\xff" * (end - start) + DATA[end:]
    overlay = Overlay(Reader(Memory(DATA).read, len(DATA), block=100), start, b"\xff" * (end - start))
    for at, length in reads:
        assert overlay.seek(at) == at
        got = overlay.read(length)
        assert got == expected[at : at + len(got)]
        assert bool(got) == (at < len(DATA))
        assert overlay.tell() == at + len(got)


def test_what_is_replaced_is_never_fetched():
    source = Memory(DATA)
    overlay = Overlay(Reader(source.read, len(DATA), block=100), 0, bytes(len(DATA)))
    while overlay.read(1000):
        pass
    assert source.reads == []


def test_positions_move_as_in_a_file():
    overlay = Overlay(Reader(Memory(DATA).read, len(DATA)), 0, b"")
    assert overlay.seek(0, io.SEEK_END) == len(DATA)
    assert overlay.seek(-10, io.SEEK_CUR) == len(DATA) - 10
    assert overlay.read(100) == DATA[-10:]
    assert overlay.read(1) == b""
