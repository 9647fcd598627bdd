"""Whether an Ogg stream was brought to its end."""

import struct

import pytest

from shared.audio.files.reader import Reader
from shared.audio.probing import ogg
from tests.audio.media import Memory, of_format

CUT = "the audio breaks off at 7.0 s: the file is cut, and what came after is missing"
UNMARKED = "the audio stops at 7.0 s without the mark of its end: it may be cut short"


def page(size, marks=0):
    whole, rest = divmod(size, 255)
    table = b"\xff" * whole + bytes([rest])
    header = b"OggS\0" + bytes([marks]) + struct.pack("<qIII", 0, 1, 2, 3) + bytes([len(table)])
    return header + table + b"\x55" * size


def said(data):
    return ogg.truncation_warning(Reader(Memory(data).read, len(data)), 7.0)


def test_a_stream_with_the_mark_on_its_last_page_is_whole():
    assert said(page(5000, 2) + page(4000) + page(3000, 4)) is None
    assert said(page(5000, 2) + page(3000, 4) + b"TAG" + bytes(125)) is None


def test_a_stream_that_ends_between_pages_without_the_mark_may_be_cut_short():
    assert said(page(5000, 2) + page(4000)) == UNMARKED


def test_wherever_inside_its_last_page_a_file_ends_it_is_cut():
    whole = page(5000, 2) + page(4000)
    last = page(600, 4)
    for kept in range(4, len(last)):
        assert said(whole + last[:kept]) == CUT


def test_less_than_the_name_of_a_page_is_as_good_as_nothing():
    assert said(page(4000) + b"Ogg") == UNMARKED


def test_the_name_of_a_page_inside_sound_is_no_page():
    last = page(3000, 4)
    assert said(page(4000) + last[:500] + b"OggS\x07\x99" + last[506:]) is None


def test_the_longest_page_is_found():
    assert said(page(5000, 2) + page(255 * 255 - 1, 4)) is None
    assert said(page(5000, 2) + page(255 * 255 - 1, 4)[:-1]) == CUT


@pytest.mark.parametrize("name", ["ogg-opus", "ogg-vorbis", "ogg-flac"])
def test_what_encoders_write_is_whole(name):
    assert said(of_format(name)) is None
