"""The stored record: one rollout at a time, and nobody moves what somebody else has moved."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deployment.rollout import state
from deployment.rollout.state import Rollout
from shared.errors import ConfigurationError
from tests.deployment.google import digest
from tests.deployment.rollout.conftest import NEW, OLD

ONE = Rollout(old=OLD, new=NEW, phase="pinning", began=1.0)


def test_a_second_rollout_gets_the_one_that_is_under_way(world):
    assert state.begin(ONE, world.ports) == ONE
    another = replace(ONE, began=2.0, new=OLD)
    assert state.begin(another, world.ports) == ONE
    state.move(ONE, lambda one: replace(one, phase="done"), world.ports)
    assert state.begin(another, world.ports) == another == state.read(world.ports)


def test_what_somebody_else_has_moved_is_left_and_returned(world):
    state.begin(ONE, world.ports)
    back = state.move(ONE, lambda one: replace(one, phase="returning"), world.ports)
    assert state.move(ONE, lambda one: replace(one, phase="laying"), world.ports) == back
    assert state.read(world.ports).phase == "returning"


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"since": "yesterday"},
        {"old": "an image"},
        {"phase": "shifting", "step": 7},
        {"phase": "shifting", "step": -1},
        {"phase": "shifting", "old_revisions": {"dropscribe-router": "dropscribe-router-1"}},
    ],
)
def test_a_record_that_somebody_damaged_is_refused_with_what_to_do(world, wrong):
    state.begin(ONE, world.ports)
    world.ports.records.update("state", "release", lambda fields: fields | wrong if wrong else {})
    with pytest.raises(ConfigurationError, match="Delete the document release of the collection state"):
        state.read(world.ports)


def test_a_release_is_called_like_its_image():
    assert state.release_of(digest("functions", 0xABC)) == "000000000abc"
    assert NEW.releases == {"000000000003", "000000000004"}


def test_its_history_is_bounded():
    told = ONE
    for number in range(60):
        told = told.told(str(number), float(number))
    assert (len(told.history), told.history[-1].what) == (state.KEPT, "59")
