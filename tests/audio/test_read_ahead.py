"""Few large reads where a reader hops onwards, and nothing more than asked for elsewhere."""

from __future__ import annotations

import os

from hypothesis import given
from hypothesis import strategies as st

from shared.audio.read_ahead import ReadAhead
from tests.audio.media import Memory

KIB = 1024
DATA = os.urandom(4096 * KIB)


@given(
    reads=st.lists(st.tuples(st.integers(0, 2100), st.integers(0, 900)), max_size=30),
    most=st.integers(1, 700),
    near=st.integers(0, 500),
)
def test_it_gives_the_bytes_of_its_source_whatever_is_read(reads, most, near):
    source = Memory(DATA[:2000])
    ahead = ReadAhead(source, most=most, near=near)
    for start, length in reads:
        assert ahead.read(start, length) == source.data[start : start + length]


def test_hops_over_short_gaps_become_few_large_reads():
    source = Memory(DATA)
    ahead = ReadAhead(source)
    for start in range(0, len(DATA) - 16 * KIB, 40 * KIB):
        ahead.read(start, 16 * KIB)
    assert len(source.reads) < 15
    assert sum(length for _, length in source.reads) <= len(DATA)


def test_reads_without_gaps_stay_as_they_are():
    source = Memory(DATA)
    ahead = ReadAhead(source)
    reads = [(0, 32 * KIB), (32 * KIB, 64 * KIB), (96 * KIB, 128 * KIB), (224 * KIB, 100)]
    for start, length in reads:
        ahead.read(start, length)
    assert source.reads == reads


def test_looks_at_distant_places_stay_as_they_are():
    source = Memory(DATA)
    ahead = ReadAhead(source)
    reads = [(0, 100), (4000 * KIB, 50), (1000 * KIB, 16), (2000 * KIB, 16), (500 * KIB, 16)]
    for start, length in reads:
        ahead.read(start, length)
    assert source.reads == reads


def test_a_run_that_ends_early_has_fetched_less_than_twice_its_length():
    for hops in range(1, 60):
        source = Memory(DATA)
        ahead = ReadAhead(source)
        for index in range(hops):
            ahead.read(index * 20 * KIB, 10 * KIB)
        fetched = sum(length for _, length in source.reads)
        assert fetched < 2 * ((hops - 1) * 20 + 10) * KIB + 1


def test_what_was_just_read_is_not_fetched_again():
    source = Memory(DATA)
    ahead = ReadAhead(source)
    ahead.read(0, 1000)
    ahead.read(3000 * KIB, 1000)
    assert ahead.read(500, 500) == DATA[500:1000]
    assert len(source.reads) == 2
