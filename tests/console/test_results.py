from __future__ import annotations

import time
from types import SimpleNamespace

import pytest

from console.results import MOST, Results
from shared.flow.reading import live


@pytest.fixture
def asked(monkeypatch):
    """What was known of each recording that was read; every time another result is there."""
    calls = []

    def arrived(one, ports, known):
        calls.append((one.id, known))
        return {**known, len(known): one.id}

    monkeypatch.setattr(live, "arrived", arrived)
    return calls


def read(known, key):
    return known.of(SimpleNamespace(id=key), None)


def test_those_that_nobody_asked_for_the_longest_go_first(asked):
    known = Results()
    for number in range(MOST + 1):
        read(known, str(number))
    assert read(known, str(MOST)) == {0: str(MOST), 1: str(MOST)}
    assert read(known, "0") == {0: "0"}
    assert asked[-1] == ("0", {})


def test_what_was_read_is_not_read_again(asked):
    known = Results()
    assert read(known, "a") == {0: "a"}
    assert read(known, "a") == {0: "a", 1: "a"}
    assert asked == [("a", {}), ("a", {0: "a"})]


def test_what_nobody_asks_for_any_more_is_forgotten_by_itself(asked, monkeypatch):
    monkeypatch.setattr("console.results.KEPT", 0.05)
    known = Results()
    read(known, "a")
    until = time.monotonic() + 10.0
    while known._known and time.monotonic() < until:
        time.sleep(0.01)
    assert known._known == known._asked == {}
    assert read(known, "a") == {0: "a"}
