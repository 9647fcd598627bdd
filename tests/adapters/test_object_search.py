"""Shards in a store; `tests/contract/test_search.py` has what callers see."""

from __future__ import annotations

import pytest

from shared.adapters.object_search import ObjectSearch
from shared.errors import StoreUnavailable
from shared.ports import Passage
from tests.simulation.memory import MemoryRecords, MemoryStore


class Clock:
    def now(self):
        return 1.8e9


@pytest.fixture
def store():
    return MemoryStore(Clock())


@pytest.fixture
def records():
    return MemoryRecords()


@pytest.fixture
def opened(store, records):
    """Opens searches, as processes do, that fold only when they are told to."""
    every = []

    def open_one(each=2**300):
        every.append(ObjectSearch(store, records, "work", each=each, full=40))
        return every[-1]

    yield open_one
    for one in every:
        one.close()


@pytest.fixture
def search(opened):
    return opened()


def put(search, recording, text="some common words", version=0):
    words = text.split(" ")
    search.put(recording, 1.8e9, version, [Passage(start=0.0, text=text, times=(0.0,) * len(words))])


def found(search, typed="common"):
    return sorted(one.recording for one in search.find(typed, 99).hits)


def names(store):
    return sorted(name for _, name in store.objects)


def test_a_fold_leaves_one_shard_and_nothing_else(store, search):
    for number in range(5):
        put(search, f"r{number}")
    assert search.fold()
    assert [one.rpartition(".")[2] for one in names(store)] == ["recordings", "sqlite"]
    put(search, "r5")
    assert found(search) == [f"r{n}" for n in range(6)]
    assert search.fold()
    assert not search.fold()
    assert found(search) == [f"r{n}" for n in range(6)]


def test_shards_that_are_full_are_left_alone(store, search, records):
    for turn in range(3):
        for number in range(20):
            put(search, f"r{turn}.{number}")
        search.fold()
    shards = records.get("state", "search")["shards"]
    assert [one["words"] for one in shards] == [60, 60, 60]
    put(search, "small")
    search.fold()
    put(search, "smaller")
    search.fold()
    assert [one["words"] for one in records.get("state", "search")["shards"]] == [60, 60, 60, 6]
    assert len(found(search)) == 62
    assert len([one for one in names(store) if one.endswith(".sqlite")]) == 4


def test_who_died_after_the_fold_counted_leaves_doubles_that_nobody_sees(store, search, monkeypatch, opened):
    for number in range(4):
        put(search, f"r{number}")
    monkeypatch.setattr(store, "delete", lambda *_: _raise())
    with pytest.raises(StoreUnavailable):
        search.fold()
    monkeypatch.undo()
    assert found(search) == found(opened()) == ["r0", "r1", "r2", "r3"]
    search.fold()
    assert found(search) == ["r0", "r1", "r2", "r3"]
    search.remove("r1")
    assert found(search) == ["r0", "r2", "r3"]


def _raise():
    raise StoreUnavailable("no answer")


def test_of_two_folds_at_once_one_counts(store, records, search, opened):
    other = opened()
    for number in range(4):
        put(search, f"r{number}")
    real = records.update

    def later(*given):
        records.update = real
        assert other.fold()
        return real(*given)

    records.update = later
    assert not search.fold()
    assert len(records.get("state", "search")["shards"]) == 1
    assert len(names(store)) == 2
    assert found(search) == found(other) == ["r0", "r1", "r2", "r3"]


def test_a_fold_that_has_words_in_hand_that_are_removed_meanwhile_does_not_count(store, search, opened):
    other = opened()
    put(search, "kept")
    put(search, "secret", "secret words")
    real = store.create

    def later(bucket, name, *rest):
        store.create = real
        other.remove("secret")
        return real(bucket, name, *rest)

    store.create = later
    assert not search.fold()
    assert (found(search, "words"), found(search, "secret")) == (["kept"], [])
    assert search.fold()
    assert b"secret" not in b"".join(data for _, data in store.objects.values())


def test_words_of_a_shard_go_with_the_shard_and_a_reader_follows(store, search, opened):
    reader = opened()
    for number in range(3):
        put(search, f"r{number}", f"common secret{number}")
    search.fold()
    assert found(reader) == ["r0", "r1", "r2"]
    search.remove("r1")
    assert found(reader) == ["r0", "r2"]
    assert b"secret1" not in b"".join(data for _, data in store.objects.values())
    for number in (0, 2):
        search.remove(f"r{number}")
    assert (found(reader), names(store)) == ([], [])


def test_a_correction_counts_whether_it_is_folded_or_not(store, search):
    put(search, "r", "common evning")
    search.fold()
    put(search, "r", "common evening", version=1)
    assert (found(search, "evning"), found(search, "evening"), found(search)) == ([], ["r"], ["r"])
    search.fold()
    assert (found(search, "evning"), found(search, "evening"), found(search)) == ([], ["r"], ["r"])


def test_a_reader_to_whom_shards_keep_vanishing_is_told_to_try_again(store, search, monkeypatch, opened):
    put(search, "r")
    search.fold()
    reader = opened()
    monkeypatch.setattr(store, "load", lambda *_: None)
    with pytest.raises(StoreUnavailable, match="try again"):
        found(reader)


def test_a_fold_that_fails_costs_no_recording(records, monkeypatch, opened):
    search = opened(each=1)
    monkeypatch.setattr(records, "update", lambda *_: _raise())
    put(search, "r")
    monkeypatch.undo()
    assert found(search) == ["r"]
    search.close()
    assert found(search) == ["r"]


@pytest.mark.parametrize("damage", [{}, {"version": "one", "shards": []}, {"version": 1, "shards": ["x"]}])
def test_with_a_catalogue_that_nobody_can_read_the_search_begins_anew(store, records, search, caplog, damage):
    put(search, "first")
    assert search.fold()
    put(search, "second")
    records.update("state", "search", lambda _: damage)
    assert found(search) == ["second"]
    assert not [name for name in names(store) if name.startswith("search/shards/")]
    assert "dropscribe reindex" in caplog.text
    put(search, "first", version=1)
    assert search.fold()
    assert found(search) == ["first", "second"]
    records.update("state", "search", lambda _: damage)
    search.remove("second")
    assert found(search) == []
