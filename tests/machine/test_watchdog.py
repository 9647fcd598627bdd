"""Calls that should have returned."""

from __future__ import annotations

import time

import pytest

from shared.machine.watchdog import Watchdog


def test_only_what_is_under_way_and_over_its_time_is_overdue():
    watchdog = Watchdog()
    with (
        watchdog.within(60.0, "long"),
        watchdog.within(0.05, "second", ["2"]),
        watchdog.within(0.0, "first", ["1"]),
    ):
        time.sleep(0.06)
        assert [(one.what, one.messages) for one in watchdog.overdue()] == [
            ("first", {"1"}),
            ("second", {"2"}),
        ]
    assert watchdog.overdue() == []


def test_a_call_that_raises_has_returned():
    watchdog = Watchdog()
    with pytest.raises(ValueError, match="not today"), watchdog.within(0.0, "call"):
        raise ValueError("not today")
    assert watchdog.overdue() == []


def test_it_says_what_has_not_returned_and_for_how_long():
    watchdog = Watchdog()
    with watchdog.within(0.0, "recognising 30 s of chunk 2 of r"):
        (call,) = watchdog.overdue()
    assert str(call) == "recognising 30 s of chunk 2 of r has not returned within 0 s"
