"""What is refused for a while is done again until it succeeds, its time is over or the process is to end."""

from __future__ import annotations

import threading

import pytest

from shared import concurrency
from shared.errors import BadRequest, StoreUnavailable
from shared.state import patience
from shared.state.patience import patiently


@pytest.fixture
def pauses(monkeypatch):
    """Time that passes only while somebody waits; gives the pauses."""
    found = []

    class Event(threading.Event):
        def wait(self, timeout=None):
            found.append(timeout)
            return self.is_set()

    monkeypatch.setattr(concurrency, "Event", Event)
    monkeypatch.setattr(concurrency, "monotonic", lambda: sum(found))
    return found


def refused(times, error=StoreUnavailable):
    """Work that fails so often, and then gives `done`."""
    errors = [error("not now") for _ in range(times)]

    def work():
        if errors:
            raise errors.pop()
        return "done"

    return work


def test_it_is_tried_with_pauses_that_grow_until_it_succeeds(pauses):
    assert patiently(refused(7), 100.0) == "done"
    assert pauses == [0.5, 1.0, 2.0, 4.0, 8.0, 8.0, 8.0]


def test_no_try_begins_after_its_time(pauses):
    with pytest.raises(StoreUnavailable):
        patiently(refused(7), 20.0)
    assert pauses == [0.5, 1.0, 2.0, 4.0, 8.0]


def test_it_is_tried_once_when_its_time_is_over_and_the_last_pause_is_not_slept(pauses):
    assert patiently(refused(0), -1.0) == "done"
    assert pauses == []


def test_what_cannot_succeed_later_is_raised_at_once(pauses):
    with pytest.raises(BadRequest):
        patiently(refused(1, BadRequest), 100.0)
    assert pauses == []


def test_a_process_that_is_to_end_tries_no_more():
    stop = threading.Event()
    stop.set()
    with pytest.raises(StoreUnavailable):
        patiently(refused(1), patience.LONGEST_PAUSE + concurrency.monotonic(), stop)
