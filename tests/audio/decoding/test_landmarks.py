"""The landmark before a time is found with few looks, and never one after it."""

from hypothesis import given
from hypothesis import strategies as st

from shared.audio.decoding.landmarks import Mark, last_before, scan
from shared.audio.files.reader import Reader
from tests.audio.media import Memory


class Known:
    """Landmarks at known places, and how often they were looked for."""

    def __init__(self, marks):
        self.marks = marks
        self.looks = 0

    def find(self, at):
        self.looks += 1
        return next((mark for mark in self.marks if mark.at >= at), None)

    def following(self, mark):
        self.looks += 1
        return next((one for one in self.marks if one.at > mark.at), None)


def test_a_steady_file_takes_a_handful_of_looks():
    marks = Known([Mark(10_000 + 80_000 * index, 10.0 * index) for index in range(2160)])
    found = last_before(marks, 10_803.0, first=marks.marks[0], end=172_810_000, rate=8_000.0)
    assert found == Mark(10_000 + 80_000 * 1080, 10_800.0)
    assert marks.looks < 6


@given(
    steps=st.lists(st.tuples(st.integers(1, 3_000_000), st.floats(0.01, 30.0)), min_size=1, max_size=60),
    share=st.floats(-0.1, 1.2),
)
def test_with_any_bit_rates_it_is_the_last_one_before(steps, share):
    marks, at, time = [], 100, 0.0
    for length, seconds in steps:
        marks.append(Mark(at, time))
        at, time = at + length, time + seconds
    wanted = share * time
    known = Known(marks)
    found = last_before(known, wanted, first=marks[0], end=at, rate=at / time)
    assert found == max((mark for mark in marks if mark.time <= wanted), default=marks[0])
    assert known.looks <= 220


def test_a_name_that_stands_there_by_chance_is_passed_over():
    data = bytes(70_000) + b"mark" + bytes(200_000) + b"mark" + bytes(50)
    reader = Reader(Memory(data).read, len(data))
    seen = []

    def check(at):
        seen.append(at)
        return Mark(at, 1.0) if at > 100_000 else None

    assert scan(reader, b"mark", 10, check) == Mark(270_004, 1.0)
    assert seen == [70_000, 270_004]
    assert scan(reader, b"none", 10, check) is None


def test_a_name_across_two_reads_is_found():
    data = bytes(64 * 1024 - 2) + b"mark" + bytes(100)
    reader = Reader(Memory(data).read, len(data))
    assert scan(reader, b"mark", 0, lambda at: Mark(at, 0.0)) == Mark(64 * 1024 - 2, 0.0)
