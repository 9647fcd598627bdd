"""A bounded number in one tick, in turn, and each by itself."""

from __future__ import annotations

import itertools

import pytest

from shared.errors import StoreUnavailable, Transient
from shared.sweep import each as module
from shared.sweep.each import LOOKS, each, next_in_turn

KEYS = [f"{number:05}" for number in range(10_000)]


def those(keys):
    """What is there, as a query gives it."""
    return lambda after: ((key, key) for key in keys if key > after)


def look(world, seen, keys=KEYS, acts=()):
    def handle(key, item):
        assert key == item
        seen.append(key)
        return key in acts

    return each({"part": those(keys)}, handle, "the look at a thing", world.ports)


def test_ten_thousand_that_wait_are_each_looked_at_within_four_ticks(world):
    seen = []
    for tick in range(1, 5):
        look(world, seen)
        assert len(seen) == tick * LOOKS
    assert sorted(seen) == KEYS
    for _ in range(4):
        look(world, seen)
    assert sorted(seen[len(KEYS) :]) == KEYS


def test_where_one_thing_waits_or_none_nobody_reads_where_the_last_tick_stopped(world, monkeypatch):
    monkeypatch.setattr(world.ports.records, "get", None)
    seen = []
    look(world, seen, [])
    look(world, seen, KEYS[:1])
    assert seen == KEYS[:1]


def test_one_at_a_time_all_get_their_turn(world):
    turns = [key for _ in range(4) for key, _ in next_in_turn("part", those(KEYS[:3]), 1, world.ports)]
    assert turns == [*KEYS[:3], KEYS[0]]


def test_what_all_fits_into_one_tick_costs_one_look_and_no_write(world, monkeypatch):
    asked = []
    for name in ("get", "create", "update"):
        call = getattr(world.ports.records, name)
        monkeypatch.setattr(
            world.ports.records, name, lambda *a, name=name, call=call: asked.append(name) or call(*a)
        )
    seen = []
    look(world, seen, KEYS[:500])
    assert (seen, asked) == (KEYS[:500], ["get"])


def test_a_tick_stops_when_its_time_is_up_and_the_next_goes_on_there(world, monkeypatch):
    monkeypatch.setattr(module, "SECONDS", 100.0)
    monkeypatch.setattr(module.concurrency, "monotonic", itertools.count().__next__)
    seen = []
    assert look(world, seen, KEYS[:250], acts=KEYS) == 100
    assert look(world, seen, KEYS[:250], acts=KEYS) == 100
    assert seen == KEYS[:200]
    look(world, seen, KEYS[:250], acts=KEYS)
    assert seen[200:] == KEYS[200:250] + KEYS[:50], "and from the beginning again"


def test_a_failure_stops_no_other(world):
    def handle(key, _):
        seen.append(key)
        if key in KEYS[:50]:
            raise StoreUnavailable("not now")
        if key in KEYS[50:60]:
            raise RuntimeError("a mistake of ours")
        return True

    seen = []
    with pytest.raises(Transient, match="the look failed 60 times"):
        each({"part": those(KEYS[:250])}, handle, "the look", world.ports)
    assert seen == KEYS[:250]


def test_what_comes_and_goes_meanwhile_hides_nothing(world, monkeypatch):
    monkeypatch.setattr(module, "LOOKS", 10)
    seen, there = [], set(KEYS[:50])
    for tick in range(5):
        look(world, seen, sorted(there))
        there.discard(seen[-1])
        there.add(KEYS[100 + tick])
    assert set(KEYS[:50]) <= set(seen)


def test_parts_have_their_places_for_themselves(world, monkeypatch):
    monkeypatch.setattr(module, "LOOKS", 2)
    parts = {"a": those(["1", "2", "3"]), "b": those(["x", "y", "z"])}
    seen = []
    for _ in range(2):
        each(parts, lambda key, _: bool(seen.append(key)), "the look", world.ports)
    assert seen == ["1", "2", "x", "y", "3", "1", "z", "x"]


def test_nothing_is_given_twice_in_one_turn(world):
    assert [key for key, _ in next_in_turn("part", those(KEYS[:5]), 3, world.ports)] == KEYS[:3]
    assert [key for key, _ in next_in_turn("part", those(KEYS[:5]), 9, world.ports)] == KEYS[3:5] + KEYS[:3]
