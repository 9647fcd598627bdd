"""Where a recording ends by its own header, and what is appended to it."""

import struct

import pytest

from shared.audio.files.reader import Reader
from shared.audio.probing.concatenated.ends import ENDS, following, of_another_format
from tests.audio.media import FORMATS as MEDIA
from tests.audio.media import Memory, make, of_format

FORMATS = {
    "wav": "wav", "rf64": "wav", "wav-7.1": "wav", "aiff": "aiff", "caf": "caf", "w64": "w64", "avi": "avi", "wma": "asf",
    "m4a": "mov", "mov": "mov", "mp4-video": "mov", "au": "au", "tta": "tta", "voc": "voc",
}  # fmt: skip


def reader(data):
    return Reader(Memory(data).read, len(data))


@pytest.mark.parametrize("name", FORMATS)
def test_a_file_is_followed_by_those_that_were_appended(name):
    data = of_format(name)
    assert following(reader(data), FORMATS[name], 5) == [0]
    assert following(reader(3 * data), FORMATS[name], 5) == [0, len(data), 2 * len(data)]
    assert following(reader(3 * data), FORMATS[name], 2) == [0, len(data)]


@pytest.mark.parametrize("name", ["wav", "aiff", "tta", "caf"])
def test_tags_may_stand_between_them(name):
    data, size = of_format(name), 100_000
    picture = b"ID3\4\0\0" + bytes((0, size >> 14, size >> 7 & 127, size & 127)) + b"\x11" * size
    items = b"APETAGEX" + struct.pack("<IIII", 2000, 1_032, 1, 1 << 31) + bytes(8)
    ape = items + b"\x22" * 1000 + items
    for tags in (picture, b"TAG" + b"\x20" * 125, ape, ape + b"TAG" + bytes(125) + picture, bytes(300)):
        assert following(reader(data + tags + data), FORMATS[name], 5) == [0, len(data) + len(tags)]


@pytest.mark.parametrize(
    ("name", "order", "name_of"), [("wav", "<I", "id3 "), ("wav", "<I", "JUNK"), ("aiff", ">I", "ID3 ")]
)
def test_what_a_chunk_behind_the_samples_holds_is_no_other_recording(name, order, name_of):
    data = of_format(name)
    attached = make(*MEDIA[name][:2], seconds=1.0)
    for content in (attached, b"ID3\4\0\0\0\0\1\0" + attached, attached[:60] + bytes(6000)):
        chunk = name_of.encode() + struct.pack(order, len(content)) + content + bytes(len(content) % 2)
        whole = data[:4] + struct.pack(order, len(data) - 8 + len(chunk)) + data[8:] + chunk
        assert following(reader(whole), name, 5) == [0]
        assert of_another_format(reader(whole), name) is None
        assert following(reader(whole + data), name, 5) == [0, len(whole)]


@pytest.mark.parametrize("name", ["wav", "aiff", "tta", "caf", "au"])
def test_what_a_tag_at_the_end_holds_is_no_other_recording(name):
    data = of_format(name)
    tag = b"ID3\4\0\0" + bytes((0, len(data) >> 14 & 127, len(data) >> 7 & 127, len(data) & 127))
    held = data[: len(data) & 2**21 - 1]
    assert following(reader(data + tag + held), name, 5) == [0]
    assert following(reader(data + tag + held + data), name, 5) == [0, len(data + tag + held)]


def test_words_in_a_tag_are_no_recording():
    sizes = (52, 24, 8, 44, 1000, 0, 7)
    ape = b"MAC " + struct.pack("<HH7I", 3990, 0, *sizes) + bytes(sum(sizes) - 36)
    assert following(reader(ape + b"ripped on a MAC of ours"), "ape", 5) == [0]
    assert following(reader(of_format("au") + b"saved as talk.snd, and sent"), "au", 5) == [0]


def test_a_short_file_that_does_not_say_where_it_ends_is_searched():
    data = make("wav", "pcm_s16le", rate=16_000, layout="mono", seconds=3.0)
    at = data.index(b"data") + 4
    piped = data[:4] + b"\xff" * 4 + data[8:at] + b"\xff" * 4 + data[at + 4 :]
    assert following(reader(piped + piped), "wav", 5) == [0, len(piped)]
    sizes = bytes(400_000)
    assert following(reader(piped + sizes + sizes + piped), "wav", 5) == [0], "too long to be read in full"


@pytest.mark.parametrize("name", ["wav", "aiff", "caf", "w64", "avi", "wma", "tta", "voc"])
@pytest.mark.parametrize("lost", [0.1, 0.6])
def test_what_was_appended_to_a_file_that_was_cut_is_searched(name, lost):
    data = of_format(name)
    cut = data[: round(len(data) * (1 - lost))]
    for more in (data, data[: len(data) // 3]):
        assert following(reader(cut + more), FORMATS[name], 5) == [0, len(cut)]


@pytest.mark.parametrize(
    ("more", "most"),
    [(b"\1rubbish" * 500, 1_000_000), (b"LIST" + struct.pack("<I", 9) + b"adtlnote\1\0", 60_000)],
)
def test_of_a_long_file_with_a_little_behind_its_end_little_is_read(more, most):
    """Chunks that the size of the file does not count are none of another recording."""
    head = make("wav", "pcm_s16le", rate=16_000, layout="mono", seconds=1.0)
    samples, size = head.index(b"data") + 8, 20_000_000
    sizes = [(samples - 8 + size).to_bytes(4, "little"), size.to_bytes(4, "little")]
    data = head[:4] + sizes[0] + head[8 : samples - 4] + sizes[1] + bytes(size)
    source = reader(data + more)
    assert following(source, "wav", 5) == [0]
    assert source.bytes_read < most
    lost = head[: len(head) // 2]
    assert following(reader(data[: -len(lost)] + head), "wav", 5) == [0, len(data) - len(lost)]


def test_a_healthy_file_is_not_searched():
    """Also one with something of the format in its samples, or with chunks behind them."""
    data = make("wav", "pcm_s16le", rate=16_000, layout="mono", seconds=3.0)
    inside = data[:2000] + data[:100] + data[2100:]
    notes = (
        inside[:4] + (len(data) + 12).to_bytes(4, "little") + inside[8:] + b"LIST\x0c\0\0\0adtlnote\0\0\0\0"
    )
    for one in (inside, notes):
        assert following(reader(one), "wav", 5) == [0]


def test_amr_says_nothing_about_its_end():
    data = of_format("amr")
    assert ENDS["amr"](reader(data)) == ()
    assert following(reader(data + data), "amr", 5) == [0, len(data)]


def test_an_ape_file_is_as_long_as_its_parts():
    sizes = (52, 24, 8, 44, 1000, 0, 7)
    data = b"MAC " + struct.pack("<HH7I", 3990, 0, *sizes) + bytes(sum(sizes) - 36)
    assert ENDS["ape"](reader(data)) == (len(data),)
    assert following(reader(data + data), "ape", 5) == [0, len(data)]


def test_a_sphere_file_is_as_long_as_its_samples():
    head = b"NIST_1A\n   1024\nsample_count -i 500\nsample_n_bytes -i 2\nchannel_count -i 2\nend_head\n"
    data = head.ljust(1024) + b"\x01" * 2000
    assert following(reader(data + data), "nistsphere", 5) == [0, len(data)]


@pytest.mark.parametrize("name", FORMATS)
def test_any_cut_of_a_header_is_survived(name):
    data = of_format(name)
    for stop in (0, 1, 4, 8, 12, 16, 22, 24, 30, 36, 44, 64, 100, 300, 1000, 5000):
        assert following(reader(data[:stop]), FORMATS[name], 5) == [0]
        of_another_format(reader(data[:stop]), FORMATS[name])
