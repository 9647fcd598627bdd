"""The tables of a full-text index; `tests/contract/test_search.py` has what callers see."""

from __future__ import annotations

import itertools
import sqlite3

import pytest

from shared.ports import Passage
from shared.search import words_index


@pytest.fixture
def index():
    connection = sqlite3.connect(":memory:")
    for statement in words_index.TABLES:
        connection.execute(statement)
    yield connection
    connection.close()


def passage(text, start=0.0, step=0.25):
    return Passage(start=start, text=text, times=tuple(start + step * n for n in range(len(text.split(" ")))))


def entry(recording, passages, at=1.0, version=0):
    return words_index.Entry(recording=recording, at=at, version=version, passages=tuple(passages))


def test_what_is_put_comes_back_to_the_hundredth_of_a_second(index):
    several = [passage("one two three", 1.25), passage("four five", 70.5)]
    one = entry("r", several, at=1_800_000_000.25, version=3)
    words_index.put(index, one)
    assert list(words_index.everything(index)) == [one]
    assert (words_index.recordings(index), words_index.words(index), one.words) == (["r"], 5, 5)


def test_recordings_that_ended_at_one_time_have_rows_of_their_own(index):
    many = [passage(f"w{n}") for n in range(words_index.ROOM + 1)]
    for number in range(3):
        assert words_index.put(index, entry(f"r{number}", many, at=5.0))
        assert words_index.put(index, entry(f"s{number}", [passage("short")], at=5.00001))
    slots = index.execute("SELECT slot, slots FROM recordings ORDER BY slot").fetchall()
    assert len(slots) == 6
    assert all(a[0] + a[1] <= b[0] for a, b in itertools.pairwise(slots))
    assert len(words_index.find(index, ["short"], 9, None)) == 3
    assert index.execute("INSERT INTO words (words) VALUES ('integrity-check')")


def test_after_a_removal_the_index_is_whole_and_its_terms_are_gone(index):
    for name in ("a", "b"):
        words_index.put(index, entry(name, [passage(f"common {name}secret")]))
    assert words_index.remove(index, "a")
    assert not words_index.remove(index, "a")
    words_index.tidy(index)
    index.execute("INSERT INTO words (words) VALUES ('integrity-check')")
    index.execute("CREATE VIRTUAL TABLE terms USING fts5vocab('words', 'row')")
    assert [term for (term,) in index.execute("SELECT term FROM terms")] == ["bsecret", "common"]
    blocks = b"".join(block for (block,) in index.execute("SELECT block FROM words_data"))
    assert b"asecret" not in blocks


def test_a_phrase_that_runs_out_of_its_snippet_is_marked_to_its_end(index):
    phrase = " ".join(f"p{n}" for n in range(20))
    words_index.put(index, entry("r", [passage(phrase)]))
    (row,) = words_index.find(index, [phrase], 9, None)
    assert row.hit.parts == ((" ".join(f"p{n}" for n in range(13)) + " …", True),)


def test_a_newer_version_replaces_and_an_older_one_does_not(index):
    assert words_index.put(index, entry("r", [passage("new")], version=1))
    assert not words_index.put(index, entry("r", [passage("other")], version=1))
    assert not words_index.put(index, entry("r", [passage("old")]))
    assert words_index.put(index, entry("r", [passage("newest")], version=2))
    assert words_index.version_of(index, "r") == 2
    assert [len(words_index.find(index, [one], 9, None)) for one in ("new", "old", "newest")] == [0, 0, 1]
