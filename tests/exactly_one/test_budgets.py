"""What is committed for a purpose is committed once, however often the step is repeated."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.costs import budget
from shared.errors import EngineLimit, Permanent, StoreUnavailable
from shared.flow import record, upload
from shared.messages import ChunkMessage, decode
from shared.recovery import fallback
from shared.routing import afford
from shared.state import claims, documents
from tests.world import World

NOON = 1_795_176_000.0


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path)
    world.clock.time = NOON
    yield world
    world.close()


@pytest.fixture
def ports(world):
    settings = replace(world.settings, budget_daily_usd=1.0, chunk_minutes=10)
    return replace(world.ports, settings=settings, engines=frozenset({"deepgram", "parakeet-cpu"}))


def test_a_hand_over_repeated_after_a_crash_is_committed_once(world, ports, monkeypatch):
    recording = upload.on_upload(world.upload(), ports)
    [message] = [decode(one.data, ChunkMessage) for one in world.pull("cpu-worker")]

    def crashed(*_):
        raise StoreUnavailable("x")

    change = claims.change
    monkeypatch.setattr(claims, "change", crashed)
    seen = set()
    for _ in range(5):
        with pytest.raises(StoreUnavailable):
            fallback.hand_on(message, EngineLimit("x"), ports)
        seen.add(round(budget.committed(ports), 6))
    assert len(seen) == 1
    monkeypatch.setattr(claims, "change", change)
    assert fallback.hand_on(message, EngineLimit("x"), ports).done
    assert round(budget.committed(ports), 6) in seen
    record.fail(recording.id, Permanent("x"), ports)
    world.clock.time += 1
    budget.sum_up(ports)
    assert budget.committed(ports) == 0


def test_a_second_event_that_finds_no_room_leaves_the_planned_recording_counted(world, ports, monkeypatch):
    tight = replace(ports, settings=replace(ports.settings, method="deepgram", budget_daily_usd=0.0045))
    event, choose = world.upload(), afford.choose

    def late(case, ports_):
        # Another delivery plans it and uses up the budget while this one is at it.
        monkeypatch.setattr(afford, "choose", choose)
        upload.on_upload(event, ports_)
        found = choose(case, ports_)
        budget._put(case.key, replace(HELD, usd=0.0043), ports_)
        return replace(found, held="no room")

    monkeypatch.setattr(afford, "choose", late)
    recording = upload.on_upload(event, tight)
    assert documents.get_recording(tight.records, recording.id).state == "PLANNED"
    assert budget.committed(tight) == pytest.approx(0.0043)


HELD = budget.Commitment(usd=0.0, state="held", counts=False, changed=NOON)
