"""Elements of EBML are read as RFC 8794 writes them."""

from shared.audio.files.reader import Reader
from shared.audio.probing.ebml import CLUSTER, SEGMENT, children, top_level, vint
from tests.audio.media import Memory, of_format


def test_integers_tell_their_own_length():
    assert vint(b"\x81", 0, keep_marker=False) == (1, 1)
    assert vint(b"\0\x40\x02\xff", 1, keep_marker=False) == (2, 3)
    assert vint(b"\x1f\x43\xb6\x75", 0, keep_marker=True) == (CLUSTER, 4)
    assert vint(b"\x01" + 7 * b"\xff", 0, keep_marker=False) == (-1, 8)
    for none in (b"", b"\0", b"\x40"):
        assert vint(none, 0, keep_marker=False) is None


def test_children_are_given_up_to_the_end_and_the_last_may_be_truncated():
    assert list(children(b"\xd7\x81\x05\x83\x82\x02\x03")) == [(0xD7, b"\x05"), (0x83, b"\x02\x03")]
    assert list(children(b"\xd7\x81\x05\x83\x82\x02")) == [(0xD7, b"\x05"), (0x83, b"\x02")]
    assert list(children(b"\xd7\xff\x05\x06")) == [(0xD7, b"\x05\x06")]


def test_the_elements_of_a_file_end_with_its_first_cluster():
    data = of_format("webm")
    found = list(top_level(Reader(Memory(data).read, len(data))))
    names = [one.name for one in found]
    assert names.index(SEGMENT) == 1
    assert names.index(CLUSTER) == len(names) - 1
    assert data[found[1].start : found[1].end] == data[found[1].start :]
