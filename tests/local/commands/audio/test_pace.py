"""How far a run is, how fast it goes, and how long it will take."""

from __future__ import annotations

import pytest

from local.commands.audio.pace import Pace
from tests.world import SetClock


@pytest.fixture
def clock():
    return SetClock(0.0)


def test_speed_and_time_left_follow_from_what_was_heard(clock):
    pace = Pace(["a", "b"], clock.now)
    pace.planned("a", 600.0)
    pace.planned("b", 600.0)
    clock.time = 10.0
    pace.heard("a", 300.0)
    assert pace.speed == 30.0
    assert pace.told() == "0 of 2 files, 5 min of 20 min, 30× real time, 30 s left"
    assert pace.told(briefly=True) == "0 of 2 files, 5 min of 20 min, 30×, 30 s left"


def test_the_length_of_all_is_an_estimate_until_all_are_known(clock):
    pace = Pace(["a", "b", "c"], clock.now)
    assert pace.told() == "0 of 3 files"
    pace.planned("a", 60.0)
    assert pace.total == 180.0
    assert pace.told() == "0 of 3 files, 0.0 s of about 3 min"
    pace.planned("b", 120.0)
    pace.planned("c", 120.0)
    assert pace.told() == "0 of 3 files, 0.0 s of 5 min"


def test_overlaps_that_are_heard_twice_count_once(clock):
    pace = Pace(["a"], clock.now)
    pace.planned("a", 60.0)
    pace.heard("a", 40.0)
    assert pace.heard("a", 40.0) == 60.0
    assert pace.done == 60.0


def test_what_an_earlier_run_finished_is_no_speed_of_this_one(clock):
    pace = Pace(["a", "b"], clock.now)
    pace.ended("a", 36_000.0, skipped=True)
    pace.planned("b", 100.0)
    clock.time = 10.0
    pace.heard("b", 50.0)
    assert pace.speed == 5.0
    assert pace.told() == "1 of 2 files, 50.0 s of 1 min 40 s, 5.0× real time, 10 s left"


def test_nothing_is_said_of_speed_before_there_is_some(clock):
    pace = Pace(["a"], clock.now)
    pace.planned("a", 100.0)
    pace.heard("a", 50.0)
    assert pace.speed is None
    clock.time = 1.0
    assert pace.speed is None


def test_at_the_end_nothing_is_left(clock):
    pace = Pace(["a", "b"], clock.now)
    pace.planned("a", 100.0)
    clock.time = 20.0
    pace.ended("a", 100.0, skipped=False)
    pace.ended("b", None, skipped=False)
    assert pace.complete
    assert pace.told() == "2 of 2 files, 1 min 40 s of 1 min 40 s, 5.0× real time"
