"""Where tables go, and how times are written."""

from __future__ import annotations

import time

import pytest

from local.commands import terminal


def test_a_table_that_nobody_sees_on_a_terminal_has_a_width_of_its_own(capsys):
    assert terminal.output().width == terminal.WIDTH
    assert terminal.output(90).width == 90


@pytest.mark.parametrize(("zone", "shown"), [("UTC", "2026-11-20 12:00"), ("UTC-2", "2026-11-20 14:00")])
def test_times_are_those_of_the_computers_clock(monkeypatch, zone, shown):
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        assert terminal.local_time(1_795_176_059.0) == shown
    finally:
        monkeypatch.undo()
        time.tzset()
