"""A chunk that ends the process of its worker is known once two workers have died with it alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.costs import attempt_rows
from shared.errors import EngineLimit
from shared.flow import upload
from shared.messages import ChunkMessage, decode
from shared.recovery import poison
from shared.state import ledger

ENGINE = "parakeet-cpu"


@pytest.fixture
def messages(world):
    """The messages of two chunks."""
    upload.on_upload(world.upload(), world.ports)
    return [decode(one.data, ChunkMessage) for one in world.pull("cpu-worker")]


def begin(message, world):
    row = attempt_rows.worker_row(
        message, world.ports, engine=ENGINE, attempt="", busy_seconds=0.0, decoded=30.0
    )
    begun = poison.begin(row, world.ports)
    # Its worker dies, and the lease of the message is over.
    world.clock.time += world.settings.lease_seconds
    return begun


def times(message, world):
    return poison.times_alone(message, ENGINE, world.ports)


def test_one_death_alone_proves_nothing_and_two_do(world, messages):
    message, _ = messages
    assert times(message, world) == 0
    assert begin(message, world).attempt == "1"
    assert times(message, world) == 1
    assert begin(message, world).attempt == "2"
    with pytest.raises(EngineLimit, match="died 2 times"):
        times(message, world)


def test_a_copy_that_comes_while_a_worker_may_be_at_work_finds_no_death_and_is_none(world, messages):
    """Both workers may end in the same moment, for a reason that is not the chunk."""
    message, _ = messages
    begin(message, world)
    assert begin(message, world).attempt == "2"
    world.clock.time -= world.settings.lease_seconds
    assert times(message, world) == 1
    assert begin(message, world) is None
    with pytest.raises(EngineLimit, match="died 2 times"):
        times(message, world)


def test_a_worker_that_is_known_to_be_gone_died_however_soon_another_one_begins(world, messages, monkeypatch):
    message, _ = messages
    gone = replace(world.ports, process="gone")
    monkeypatch.setattr(type(gone), "is_gone", lambda _, process: process == "gone")
    row = attempt_rows.worker_row(message, gone, engine=ENGINE, attempt="", busy_seconds=0.0, decoded=30.0)
    assert [poison.begin(row, gone).attempt for _ in range(2)] == ["1", "2"]
    with pytest.raises(EngineLimit, match="died 2 times"):
        poison.times_alone(message, ENGINE, gone)


@pytest.mark.parametrize("outcome", ["heard", "failed", "lost"])
def test_an_attempt_that_ended_somehow_killed_nobody(world, messages, outcome):
    message, _ = messages
    for _ in range(3):
        assert ledger.write(replace(begin(message, world), outcome=outcome), world.ports)
    assert times(message, world) == 0


def test_what_happened_in_an_earlier_life_or_with_another_engine_does_not_count(world, messages):
    message, _ = messages
    for _ in range(2):
        begin(message, world)
    assert times(replace(message, life=1), world) == 0
    assert poison.times_alone(message, "parakeet-gpu", world.ports) == 0


def test_where_workers_die_with_others_too_one_more_death_is_asked_for_with_each(world, messages):
    message, other = messages
    begin(other, world)
    for _ in range(2):
        begin(message, world)
    assert times(message, world) == 2
    begin(message, world)
    with pytest.raises(EngineLimit, match="died 3 times"):
        times(message, world)


def test_the_end_of_workers_is_forgotten_after_an_hour(world, messages):
    message, other = messages
    begin(other, world)
    world.clock.time += poison.LATELY
    for _ in range(2):
        begin(message, world)
    with pytest.raises(EngineLimit):
        times(message, world)


def test_however_many_die_a_killer_is_known_in_the_end(world, messages):
    message, _ = messages
    for number in range(20):
        begin(replace(message, recording=f"r{number}"), world)
    for _ in range(poison.MOST):
        assert times(message, world) < poison.MOST
        begin(message, world)
    with pytest.raises(EngineLimit):
        times(message, world)
