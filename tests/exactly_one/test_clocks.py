"""Whoever sets the clock of the machine neither rests the flow nor has anything done twice."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.costs import budget
from shared.errors import EngineFailed, EngineLimit, StoreUnavailable
from shared.flow import chunk, dispatch, record, upload
from shared.messages import ChunkDone, ChunkMessage, TranscribeRequest, decode
from shared.model import Options
from shared.recovery import fallback
from shared.state import answers, claims, documents, failure_log
from shared.sweep import sweep
from tests.world import World, heard

BACK = pytest.mark.parametrize("back", [3600.0, 86_400.0])


class DiedError(Exception):
    """The process was killed."""


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path, chunk_minutes=0.5, model="tiny")
    world.ports = replace(world.ports, engines=frozenset({"parakeet-cpu", "deepgram"}))
    yield world
    world.close()


def dies(monkeypatch, where, name, step):
    """Run a step whose process dies at a call."""

    def died(*_, **__):
        raise DiedError

    with monkeypatch.context() as patch:
        patch.setattr(where, name, died)
        with pytest.raises(DiedError):
            step()


def minutes(world, count=5):
    for _ in range(count):
        world.clock.time += 60.0
        sweep.on_tick(world.ports)


def upload_id(world):
    [one] = documents.recordings(world.ports.records)
    return one.id


def now(world):
    return documents.get_recording(world.ports.records, upload_id(world))


@pytest.mark.parametrize("step", [-7200.0, 7200.0])
def test_a_clock_that_is_set_while_chunks_are_in_hand_changes_nothing(tmp_path, step):
    world = World(tmp_path, chunk_minutes=0.5, model="tiny")
    queue = world.ports.queue
    recording = upload.on_upload(world.upload(), world.ports)
    world.clock.step(step)
    (first,) = queue.pull("cpu-worker", 1, 60.0)
    world.clock.step(step)
    (second,) = queue.pull("cpu-worker", 9, 60.0)
    world.clock.step(-3 * step)
    assert queue.pull("cpu-worker", 9, 60.0) == []
    for delivery in (first, second):
        message = decode(delivery.data, ChunkMessage)
        chunk.commit_result(*heard(recording, message.chunk), world.ports)
        assert queue.ack("cpu-worker", delivery.lease)
    assert len(world.pull("merger")) == 2
    record.on_chunk_done(ChunkDone(recording=recording.id, index=0), world.ports)
    assert documents.get_recording(world.ports.records, recording.id).state == "DONE"
    assert world.ports.records.count(documents.LEDGER) == 2
    world.close()


@BACK
@pytest.mark.parametrize(("where", "name"), [(upload, "freeze_plan"), (dispatch, "missing")])
def test_a_plan_that_its_process_left_before_the_clock_was_set_back_goes_on(
    world, monkeypatch, back, where, name
):
    minutes(world, 1)
    dies(monkeypatch, where, name, lambda: upload.on_upload(world.upload(), world.ports))
    world.clock.step(-back)
    minutes(world)
    assert len(world.pull("cpu-worker")) == len(now(world).chunks) == 2


@BACK
def test_an_event_that_comes_again_after_the_clock_was_set_back_publishes_the_plan(world, monkeypatch, back):
    event = world.upload()
    dies(monkeypatch, dispatch, "missing", lambda: upload.on_upload(event, world.ports))
    world.clock.step(-back)
    assert upload.on_upload(event, world.ports).state == "PLANNED"
    assert len(world.pull("cpu-worker")) == 2


@BACK
def test_what_waits_for_its_engine_is_looked_after_while_the_clock_catches_up(world, back):
    """All messages are lost: pushed once in time, and not again at once."""
    upload.on_upload(world.upload(), world.ports)
    world.pull("cpu-worker")
    minutes(world, 3)
    world.clock.step(-back)
    minutes(world, 3)
    assert world.pull("cpu-worker") == []
    minutes(world, 45)
    assert len(world.pull("cpu-worker")) >= 2


def test_a_clock_that_jumps_ahead_has_nothing_pushed(world):
    upload.on_upload(world.upload(), world.ports)
    world.pull("cpu-worker")
    minutes(world, 3)
    for step in (3600.0, 86_400.0):
        world.clock.step(step)
        minutes(world, 3)
    assert world.pull("cpu-worker") == []


@BACK
def test_a_hand_over_without_its_message_gets_it_after_the_clock_was_set_back(world, monkeypatch, back):
    recording = upload.on_upload(world.upload(), world.ports)
    first = dispatch.missing(recording, world.ports)[0]
    dies(
        monkeypatch,
        dispatch,
        "publish_turn",
        lambda: fallback.hand_over(first, EngineLimit("x"), world.ports),
    )
    minutes(world, 1)
    world.clock.step(-back)
    minutes(world, 2)
    [claim] = claims.of_recording(recording.id, world.ports.records).values()
    assert claim.published


@BACK
def test_failures_after_the_clock_was_set_back_count_and_those_of_other_engines_do_not(world, back):
    recording = upload.on_upload(world.upload(), world.ports)
    first = dispatch.missing(recording, world.ports)[0]

    def fail(message, times):
        for number in range(times):
            failure_log.note(
                EngineFailed("server", "Oops."),
                world.ports,
                where=message.chunk.engine,
                message_id=f"m-{message.turn}",
                attempt=number + 1,
                attributes=dispatch.attributes_of(message),
            )

    fail(first, 3)
    fallback.hand_over(first, EngineLimit("x"), world.ports)
    second = next(one for one in dispatch.missing(recording, world.ports) if one.turn)
    world.clock.step(-back)
    fail(second, 2)
    assert len(fallback.failures(second, world.ports)) == 2


@BACK
def test_an_end_that_nobody_was_told_of_is_announced_after_the_clock_was_set_back(world, monkeypatch, back):
    world.upload()
    [one] = world.ports.store.list("audio")
    recording = upload.accept(one, Options(), world.ports)
    asked = answers.Asked(
        request=TranscribeRequest(request_id="q", uri=one.uri),
        created=world.clock.now(),
        recording=recording.id,
        source=one,
        options=Options(),
    )
    answers.create(asked, world.ports)
    dies(
        monkeypatch,
        record,
        "announce",
        lambda: record.fail(recording.id, StoreUnavailable("x"), world.ports),
    )
    world.clock.step(-back)
    minutes(world, 2)
    assert now(world).announced
    assert answers.find("q", world.ports.records).answered


@BACK
def test_budgets_count_on_after_the_clock_was_set_back(world, back):
    ports = replace(world.ports, settings=replace(world.settings, budget_monthly_usd=1.0))
    recording = upload.on_upload(world.upload(), ports)
    sweep.on_tick(ports)
    world.clock.step(-back)
    for one in recording.chunks:
        chunk.commit_result(*heard(recording, one), ports)
    record.on_chunk_done(ChunkDone(recording=recording.id, index=0), ports)
    world.clock.time += 60.0
    sweep.on_tick(ports)
    assert sum(budget.read(ports).days.values()) == pytest.approx(0.002)
    assert budget.committed(ports) == 0.0
