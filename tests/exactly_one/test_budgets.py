"""What is committed for a purpose is committed once, however often the step is repeated."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import pytest

from shared.costs import budget
from shared.errors import EngineLimit, Permanent, StoreUnavailable
from shared.flow import record, upload
from shared.flow.chunk import commit_result
from shared.messages import ChunkDone, ChunkMessage, decode
from shared.recovery import fallback
from shared.results import LedgerRow
from shared.routing import eligible, within_budget
from shared.state import claims, documents, ledger
from shared.sweep import release_held, sweep
from tests.world import World, heard

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
            fallback.hand_over(message, EngineLimit("x"), ports)
        seen.add(round(budget.committed(ports), 6))
    assert len(seen) == 1
    monkeypatch.setattr(claims, "change", change)
    assert fallback.hand_over(message, EngineLimit("x"), ports).done
    assert round(budget.committed(ports), 6) in seen
    record.fail(recording.id, Permanent("x"), ports)
    world.clock.time += 1
    budget.sum_up(ports)
    assert budget.committed(ports) == 0


def test_a_second_event_that_finds_no_room_leaves_the_planned_recording_counted(world, ports, monkeypatch):
    tight = replace(ports, settings=replace(ports.settings, method="deepgram", budget_daily_usd=0.0079))
    event, choose = world.upload(), within_budget.choose

    def late(case, ports_):
        # Another delivery plans it and uses up the budget while this one is at it.
        monkeypatch.setattr(within_budget, "choose", choose)
        upload.on_upload(event, ports_)
        found = choose(case, ports_)
        budget._put(case.key, replace(HELD, usd=0.0077), ports_)
        return replace(found, held="no room")

    monkeypatch.setattr(within_budget, "choose", late)
    recording = upload.on_upload(event, tight)
    assert documents.get_recording(tight.records, recording.id).state == "PLANNED"
    assert budget.committed(tight) == pytest.approx(0.0077)


HELD = budget.Commitment(usd=0.0, state="held", counts=False, changed=NOON)


def failed_half_way(world, ports):
    """A recording of 20 minutes at Deepgram that failed when one of its two parts was done, and paid."""
    world.media.info = replace(world.media.info, duration=1200.0)
    settings = replace(ports.settings, method="deepgram", budget_daily_usd=0.2)
    ports = replace(ports, settings=settings)
    recording = upload.on_upload(world.upload(), ports)
    assert {one.engine for one in recording.chunks} == {"deepgram"}
    assert len(recording.chunks) == 2
    result, row = heard(recording, recording.chunks[0])
    commit_result(result, replace(row, engine="deepgram", usd=0.077), ports)
    record.fail(recording.id, Permanent("x"), ports)
    world.pull("deepgram")
    world.clock.time += 1
    return documents.get_recording(ports.records, recording.id), ports


def with_budget(ports, usd):
    return replace(ports, settings=replace(ports.settings, budget_daily_usd=usd))


def again(recording, ports):
    upload.reopen(recording, ports)
    return upload.take(recording.source, recording.options, ports)


def test_one_that_is_tried_again_is_committed_with_what_is_left_to_do(world, ports):
    recording, ports = failed_half_way(world, ports)
    tried = again(recording, ports)
    assert (tried.state, tried.chunks) == ("PLANNED", recording.chunks)
    assert budget.committed(ports) == pytest.approx(0.077, rel=0.06), "half of it, and some overlap"
    assert budget.read(ports).of("day", world.clock.time) == pytest.approx(0.077), (
        "and the other half is spent"
    )
    for _ in range(3):
        upload.take(recording.source, recording.options, ports)
    assert budget.committed(ports) == pytest.approx(0.077, rel=0.06)
    assert [one.attributes["chunk"] for one in world.pull("deepgram")] == ["1"]


def test_one_that_is_tried_again_and_does_not_fit_is_held_and_goes_on_when_it_does(world, ports):
    recording, ports = failed_half_way(world, ports)
    tight = with_budget(ports, 0.145)
    held = again(recording, tight)
    assert held.state == "ACCEPTED"
    assert held.held.startswith("Held: it did not fit into the daily budget.")
    assert held.chunks == recording.chunks
    assert world.pull("deepgram") == []
    world.clock.time += 60
    assert release_held.keep_budgets(tight) == 0
    assert budget.committed(tight) == 0
    # There is room for the other half, not for the whole.
    assert release_held.keep_budgets(with_budget(ports, 0.16)) == 1
    assert [one.attributes["chunk"] for one in world.pull("deepgram")] == ["1"]
    world.clock.time += 60
    assert release_held.keep_budgets(with_budget(ports, 0.16)) == 0
    assert documents.get_recording(ports.records, recording.id).state == "PLANNED"


def test_a_held_retry_is_not_taken_for_stuck(world, ports):
    recording, ports = failed_half_way(world, ports)
    tight = with_budget(ports, 0.145)
    again(recording, tight)
    for _ in range(60):
        world.clock.time += 60
        sweep.on_tick(tight)
    assert documents.get_recording(ports.records, recording.id).state == "ACCEPTED"
    assert world.pull("deepgram") == []


def test_a_router_that_dies_while_it_admits_a_retry_is_made_up_for(world, ports, monkeypatch):
    recording, ports = failed_half_way(world, ports)

    def crashed(*_, **__):
        raise StoreUnavailable("x")

    with monkeypatch.context() as patch:
        patch.setattr(budget, "sum_up", crashed)
        with pytest.raises(StoreUnavailable):
            again(recording, ports)
    for _ in range(4):
        world.clock.time += 60
        sweep.on_tick(ports)
    assert documents.get_recording(ports.records, recording.id).state == "PLANNED"
    assert [one.attributes["chunk"] for one in world.pull("deepgram")] == ["1"]
    assert budget.committed(ports) == pytest.approx(0.077, rel=0.06)


def test_a_late_announcement_of_an_earlier_end_leaves_the_later_try_counted(world, ports, monkeypatch):
    recording, ports = failed_half_way(world, ports)
    documents.change_recording(ports, recording.id, lambda stored: replace(stored, announced=False))
    late = documents.get_recording(ports.records, recording.id)
    assert again(recording, ports).state == "PLANNED"
    world.clock.time += 1
    record.announce(late, ports)
    world.clock.time += 1
    budget.sum_up(ports)
    assert budget.committed(ports) == pytest.approx(0.077, rel=0.06)


def test_sums_that_are_made_meanwhile_leave_the_later_try_counted(world, ports, monkeypatch):
    recording, ports = failed_half_way(world, ports)
    query, tried = ports.records.query, []

    def overtaken(collection, *rest, **more):
        found = list(query(collection, *rest, **more))
        if collection == budget.COMMITMENTS and found and not tried:
            tried.append(1)
            again(recording, ports)
        return iter(found)

    world.clock.time += 1
    with monkeypatch.context() as patch:
        patch.setattr(ports.records, "query", overtaken)
        budget.sum_up(ports)
    assert tried
    assert budget.committed(ports) == pytest.approx(0.077, rel=0.06)


def test_sums_that_are_stored_late_do_not_replace_later_ones(world, ports, monkeypatch):
    write_sums, later = documents.change, []

    def overtaken(collection, *rest, **more):
        if collection == budget.STATE and not later:
            later.append(1)
            world.clock.time += 5
            budget.sum_up(ports)
        return write_sums(collection, *rest, **more)

    monkeypatch.setattr(documents, "change", overtaken)
    budget.sum_up(ports)
    assert budget.read(ports).time == world.clock.time


def test_one_that_is_planned_though_its_commitment_is_held_counts_again_in_a_full_budget(world, ports):
    tight = replace(ports, settings=replace(ports.settings, method="deepgram", budget_daily_usd=0.0079))
    one = upload.on_upload(world.upload(), tight)
    assert one.state == "PLANNED"
    # A second delivery found no room, and died before it saw that the first one has planned it.
    documents.put(budget.COMMITMENTS, one.id, replace(HELD, usd=0.0077), tight)
    full = LedgerRow(
        recording="x", chunk=0, engine="deepgram", attempt="a", audio_seconds=1.0, busy_seconds=0.0,
        usd=0.0078, prices="v",
    )  # fmt: skip
    ledger.write(full, tight)
    release_held.keep_budgets(tight)
    assert budget.committed(tight) == pytest.approx(0.0077)


@pytest.mark.parametrize("step", ["commit", "plan"])
def test_who_dies_while_a_held_recording_is_let_go_leaves_one_that_goes_on(world, ports, monkeypatch, step):
    tight = replace(ports, settings=replace(ports.settings, method="deepgram", budget_daily_usd=0.001))
    one = upload.on_upload(world.upload(), tight)
    assert one.held
    roomy = with_budget(tight, 1.0)
    world.clock.time += 7200

    def crashed(*_, **__):
        raise StoreUnavailable("x")

    with monkeypatch.context() as patch:
        patch.setattr(*{"commit": (budget, "committed"), "plan": (eligible, "allowed")}[step], crashed)
        with suppress(StoreUnavailable):
            upload.take(one.source, one.options, roomy)
    for _ in range(4):
        world.clock.time += 60
        sweep.on_tick(roomy)
    assert documents.get_recording(roomy.records, one.id).state == "PLANNED"
    assert len(world.pull("deepgram")) == 1


def test_results_that_are_gone_are_done_again_within_the_budget_only(world, ports):
    world.media.info = replace(world.media.info, duration=1200.0)
    settings = replace(ports.settings, method="deepgram", budget_daily_usd=0.2)
    ports = replace(ports, settings=settings)
    recording = upload.on_upload(world.upload(), ports)
    for one in recording.chunks:
        result, row = heard(recording, one)
        commit_result(result, replace(row, engine="deepgram", usd=0.043), ports)
    world.pull("deepgram")
    for one in list(world.ports.store.list("work")):
        world.ports.store.delete("work", one.name, one.generation)
    tight = with_budget(ports, 0.1)
    done = ChunkDone(recording=recording.id, index=0)
    for _ in range(2):
        held = record.on_chunk_done(done, tight)
        assert held.state == "ACCEPTED"
        assert "budget" in held.held
    assert world.pull("deepgram") == []
    world.clock.time += 60.0
    assert release_held.keep_budgets(with_budget(ports, 0.5)) == 1
    assert len(world.pull("deepgram")) == 2
    assert budget.committed(with_budget(ports, 0.5)) == pytest.approx(2 * 10.2 * 0.0077, rel=0.06)
    for one in recording.chunks:
        result, row = heard(recording, one, attempt="m-2")
        commit_result(result, replace(row, engine="deepgram", usd=0.043), ports)
    ended = record.on_chunk_done(done, with_budget(ports, 0.5))
    assert (ended.state, ended.held) == ("DONE", "")
    assert any("were gone" in one for one in ended.warnings)
