"""How far a run is, how fast it goes, and how long it will take."""

from __future__ import annotations

import pytest

from local.commands.audio.progress import RunProgress
from tests.world import SetClock


@pytest.fixture
def clock():
    return SetClock(0.0)


def test_speed_and_time_left_follow_from_what_was_heard(clock):
    run = RunProgress(["a", "b"], clock.now)
    run.planned("a", 600.0)
    run.planned("b", 600.0)
    clock.time = 10.0
    run.heard("a", 300.0)
    assert run.speed == 30.0
    assert run.told() == "0 of 2 files, 5 min of 20 min, 30× real time, 30 s left"
    assert run.told(briefly=True) == "0 of 2 files, 5 min of 20 min, 30×, 30 s left"


def test_the_length_of_all_is_an_estimate_until_all_are_known(clock):
    run = RunProgress(["a", "b", "c"], clock.now)
    assert run.told() == "0 of 3 files"
    run.planned("a", 60.0)
    assert run.total == 180.0
    assert run.told() == "0 of 3 files, 0.0 s of about 3 min"
    run.planned("b", 120.0)
    run.planned("c", 120.0)
    assert run.told() == "0 of 3 files, 0.0 s of 5 min"


def test_overlaps_that_are_heard_twice_count_once(clock):
    run = RunProgress(["a"], clock.now)
    run.planned("a", 60.0)
    run.heard("a", 40.0)
    assert run.heard("a", 40.0) == 60.0
    assert run.done == 60.0


def test_what_an_earlier_run_finished_is_no_speed_of_this_one(clock):
    run = RunProgress(["a", "b"], clock.now)
    run.ended("a", 36_000.0, skipped=True)
    run.planned("b", 100.0)
    clock.time = 10.0
    run.heard("b", 50.0)
    assert run.speed == 5.0
    assert run.told() == "1 of 2 files, 50.0 s of 1 min 40 s, 5.0× real time, 10 s left"


def test_nothing_is_said_of_speed_before_there_is_some(clock):
    run = RunProgress(["a"], clock.now)
    run.planned("a", 100.0)
    run.heard("a", 50.0)
    assert run.speed is None
    clock.time = 1.0
    assert run.speed is None


def test_at_the_end_nothing_is_left(clock):
    run = RunProgress(["a", "b"], clock.now)
    run.planned("a", 100.0)
    clock.time = 20.0
    run.ended("a", 100.0, skipped=False)
    run.ended("b", None, skipped=False)
    assert run.complete
    assert run.told() == "2 of 2 files, 1 min 40 s of 1 min 40 s, 5.0× real time"
