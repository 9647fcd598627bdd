"""The reader gives the right bytes with few and bounded reads."""

from hypothesis import given
from hypothesis import strategies as st

from shared.audio.files.reader import Reader, part_reader
from tests.audio.media import Memory

DATA = bytes(range(256)) * 4000


def reader(**options):
    source = Memory(DATA)
    return source, Reader(source.read, len(DATA), **options)


@given(st.lists(st.tuples(st.integers(0, len(DATA) + 10), st.integers(0, 200_000)), max_size=20))
def test_any_ranges_are_the_bytes_of_the_file(ranges):
    _, one = reader(block=1000, max_read=8000)
    for start, length in ranges:
        assert one.at(start, length) == DATA[start : start + length]


def test_sequential_reads_share_round_trips():
    source, one = reader()
    while one.read(1024):
        pass
    assert len(source.reads) < 8
    assert one.bytes_read == len(DATA)


def test_far_apart_reads_do_not_read_ahead():
    _, one = reader()
    for start in range(0, len(DATA), 100_000):
        one.at(start, 16, block=512)
    assert one.bytes_read == 512 * 11


def test_the_file_seems_to_end_where_the_budget_does():
    _, one = reader(budget=50_000)
    assert len(one.at(0, len(DATA))) == 50_000
    assert one.exhausted
    assert one.at(60_000, 10) == b""


def test_positions_move_as_in_a_file():
    _, one = reader()
    assert one.seek(0, 2) == len(DATA)
    assert one.read(10) == b""
    assert one.seek(-256, 1) == len(DATA) - 256
    assert one.read(2) == b"\x00\x01"
    assert one.tell() == len(DATA) - 254


def test_an_expected_run_is_fetched_in_few_parts_and_little_beyond():
    source, one = reader(max_read=4_000_000)
    one.expect(600_000)
    one.seek(100_000)
    for _ in range(600):
        one.read(1000)
    assert len(source.reads) <= 4
    assert one.bytes_read == 600_000
    for _ in range(60):
        one.read(1000)
    assert one.bytes_read <= 600_000 * 1.2


def test_a_run_that_is_known_to_the_byte_is_fetched_at_once():
    source, one = reader(max_read=4_000_000)
    one.expect_span(100_000, 600_000)
    one.at(0, 10, block=16)
    one.seek(100_200)
    while one.tell() < 600_000:
        one.read(1000)
    assert source.reads == [(0, 16), (100_200, 499_800)]


def test_short_gaps_in_an_expected_run_do_not_end_it():
    source, one = reader(max_read=4_000_000)
    one.expect(900_000)
    for start in range(0, 900_000, 50_000):
        one.at(start, 20_000)
    assert len(source.reads) <= 5


@given(st.integers(0, 300), st.integers(300, 600), st.integers(601, 1024), st.data())
def test_a_part_is_the_header_and_its_own_bytes(header, first, last, data):
    content = bytes(range(256)) * 4
    reader = part_reader(lambda offset, length: content[offset : offset + length], first, last, header=header)
    whole = content[:header] + content[first:last]
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
