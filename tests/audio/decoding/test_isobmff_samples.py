"""Samples of an mp4 by time, and the groups that hold them."""

import math
import struct

from hypothesis import given
from hypothesis import strategies as st

from shared.audio.decoding.isobmff_samples import Span, groups, samples, shift


def table(rows, form):
    return struct.pack("!II", 0, len(rows)) + b"".join(struct.pack(form, *row) for row in rows)


def test_without_edits_the_clock_of_the_samples_is_the_players():
    assert shift(b"", 1000, 44_100) == (0.0, 0.0)


def test_a_pause_before_the_samples_and_samples_left_out_are_in_seconds():
    assert shift(table([(500, -1, 65536), (9000, 1024, 65536)], "!Iii"), 1000, 44_100) == (0.5, 1024 / 44_100)
    wide = b"\1" + table([(9000, 4410, 65536)], "!Qqi")[1:]
    assert shift(wide, 1000, 44_100) == (0.0, 0.1)


def test_several_edits_are_nothing_that_a_shift_could_tell():
    assert shift(table([(500, 0, 65536), (500, 70_000, 65536)], "!Iii"), 1000, 44_100) is None
    assert shift(table([(500, 0, 65536)], "!Iii")[:-4], 1000, 44_100) is None


def test_samples_of_a_stretch_are_counted_over_runs_of_equal_lengths():
    times = table([(10, 100), (5, 50)], "!II")
    assert samples(times, 0, 100) == (0, 1)
    assert samples(times, 250, 600) == (2, 6)
    assert samples(times, 950, 1120) == (9, 13)
    assert samples(times, 1100, math.inf) == (12, 15)
    assert samples(times, 9999, 10_000) == (14, 15)
    assert samples(table([(10, 0)], "!II"), 0, 1) is None
    assert samples(b"", 0, 1) is None


def test_groups_are_given_whole():
    rows = table([(1, 3, 1), (3, 2, 1)], "!III")  # 3 3 2 2 2
    assert groups(rows, 5, 0, 1) == Span(0, 1, 0, 3)
    assert groups(rows, 5, 4, 7) == Span(1, 3, 3, 8)
    assert groups(rows, 5, 9, 12) == Span(3, 5, 8, 12)
    assert groups(rows, 5, 12, 13) is None


def test_tables_that_make_no_sense_give_no_groups():
    assert groups(table([(1, 0, 1)], "!III"), 5, 0, 1) is None
    assert groups(table([(2, 3, 1), (2, 3, 1)], "!III"), 5, 0, 1) is None
    assert groups(b"", 5, 0, 1) is None


@given(
    sizes=st.lists(st.integers(1, 6), min_size=1, max_size=30),
    first=st.integers(0, 100),
    length=st.integers(1, 40),
)
def test_a_span_holds_the_samples_and_no_group_too_many(sizes, first, length):
    total = sum(sizes)
    first = min(first, total - 1)
    end = min(total, first + length)
    span = groups(table([(i + 1, size, 1) for i, size in enumerate(sizes)], "!III"), len(sizes), first, end)
    assert span.first == sum(sizes[: span.first_group])
    assert span.end == sum(sizes[: span.end_group])
    assert span.first <= first < span.first + sizes[span.first_group]
    assert span.end - sizes[span.end_group - 1] < end <= span.end
