"""A recording that was cancelled stays so: no later result makes a transcript, and its end is told once."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.errors import Permanent
from shared.flow import chunk, record, retry, upload
from shared.messages import ChunkDone, ChunkMessage, TranscriptReady, decode
from shared.state import documents
from shared.sweep import sweep
from tests.flow.test_request import ask
from tests.world import heard


@pytest.fixture
def told(world, monkeypatch):
    """The ends that were announced."""
    found = []
    publish = world.ports.queue.publish

    def noted(topic, data, attributes=None):
        if topic == "transcripts-ready":
            found.append(decode(data, TranscriptReady))
        return publish(topic, data, attributes)

    monkeypatch.setattr(world.ports.queue, "publish", noted)
    return found


def states(told):
    return [one.state for one in told]


def test_it_is_told_once_with_what_to_do(world, told):
    recording = upload.on_upload(world.upload(), world.ports)
    assert record.cancel(recording.id, world.ports).state == "CANCELLED"
    record.cancel(recording.id, world.ports)
    assert states(told) == ["CANCELLED"]
    assert told[0].code == "cancelled"
    assert "dropscribe retry" in told[0].reason
    assert told[0].outputs == ()


def test_its_chunks_are_void_and_a_result_under_way_is_a_row_and_no_transcript(world, told):
    recording = upload.on_upload(world.upload(), world.ports)
    record.cancel(recording.id, world.ports)
    messages = [decode(one.data, ChunkMessage) for one in world.pull("cpu-worker")]
    assert [chunk.is_wanted(one, world.ports) for one in messages] == [False, False]
    for one in recording.chunks:
        chunk.commit_result(*heard(recording, one), world.ports)
    ended = record.on_chunk_done(ChunkDone(recording=recording.id, index=0), world.ports)
    assert (ended.state, ended.outputs) == ("CANCELLED", ())
    assert world.ports.records.count(documents.LEDGER, {"recording": recording.id}) == 2
    assert list(world.ports.store.list("transcripts")) == []
    assert states(told) == ["CANCELLED"]


def test_repeated_events_and_the_sweeper_leave_it(world, told):
    event = world.upload()
    recording = upload.on_upload(event, world.ports)
    record.cancel(recording.id, world.ports)
    world.pull("cpu-worker")
    upload.on_upload(event, world.ports)
    for _ in range(5):
        world.clock.time += 7200
        sweep.on_tick(world.ports)
    assert world.pull("cpu-worker") == []
    assert documents.get_recording(world.ports.records, recording.id).state == "CANCELLED"
    assert states(told) == ["CANCELLED"]


def test_the_sweeper_tells_its_end_where_the_process_died_before(world, told, monkeypatch):
    recording = upload.on_upload(world.upload(), world.ports)
    with monkeypatch.context() as patch:
        patch.setattr(record, "announce", lambda recording, _: recording)
        record.cancel(recording.id, world.ports)
    assert told == []
    world.clock.time += 3600
    sweep.announce_untold(world.ports)
    assert states(told) == ["CANCELLED"]


def test_one_that_was_held_is_not_released(world, told):
    small = replace(world.ports, settings=replace(world.settings, platform="local", budget_daily_usd=1e-9))
    priced = replace(small, settings=replace(small.settings, cpu_usd_per_hour=1.0))
    recording = upload.on_upload(world.upload(), priced)
    assert recording.held
    record.cancel(recording.id, priced)
    sweep.on_tick(world.ports)
    stands = documents.get_recording(world.ports.records, recording.id)
    assert (stands.state, stands.held) == ("CANCELLED", "")
    assert world.pull("cpu-worker") == []


@pytest.mark.parametrize("ended", ["DONE", "FAILED"])
def test_what_has_ended_is_not_cancelled(world, ended):
    recording = upload.on_upload(world.upload(), world.ports)
    if ended == "DONE":
        for one in recording.chunks:
            chunk.commit_result(*heard(recording, one), world.ports)
        record.on_chunk_done(ChunkDone(recording=recording.id, index=0), world.ports)
    else:
        record.fail(recording.id, Permanent("x"), world.ports)
    assert record.cancel(recording.id, world.ports).state == ended


def test_a_failure_after_it_changes_nothing(world, told):
    recording = upload.on_upload(world.upload(), world.ports)
    record.cancel(recording.id, world.ports)
    assert record.fail(recording.id, Permanent("x"), world.ports).code == "cancelled"
    assert states(told) == ["CANCELLED"]


def test_the_requests_that_wait_for_it_are_answered(world, told):
    world.upload()
    ask(world)
    (recording,) = documents.recordings(world.ports.records)
    record.cancel(recording.id, world.ports)
    assert [(one.state, one.request_id) for one in told] == [("CANCELLED", None), ("CANCELLED", "r-1")]


def test_a_later_request_continues_it_and_pays_only_for_what_is_missing(world, told):
    recording = upload.on_upload(world.upload(), world.ports)
    world.pull("cpu-worker")
    chunk.commit_result(*heard(recording, recording.chunks[0]), world.ports)
    record.cancel(recording.id, world.ports)
    world.clock.time += 1
    ask(world, "later", number=2)
    again = [decode(one.data, ChunkMessage).chunk.index for one in world.pull("cpu-worker")]
    assert again == [1]
    chunk.commit_result(*heard(recording, recording.chunks[1]), world.ports)
    record.on_chunk_done(ChunkDone(recording=recording.id, index=1), world.ports)
    assert states(told) == ["CANCELLED", "DONE", "DONE"]


def test_a_request_from_before_does_not_continue_it(world):
    world.upload()
    ask(world)
    (recording,) = documents.recordings(world.ports.records)
    world.clock.time += 1
    record.cancel(recording.id, world.ports)
    ask(world)
    assert documents.get_recording(world.ports.records, recording.id).state == "CANCELLED"


@pytest.mark.parametrize("ahead", [-3600.0, 3600.0])
def test_what_came_first_does_not_depend_on_the_clocks_of_two_machines(world, told, ahead):
    world.upload()
    ask(world)
    (recording,) = documents.recordings(world.ports.records)
    world.clock.time -= ahead
    record.cancel(recording.id, world.ports)
    world.clock.time += ahead
    # This one came before the end, whatever time that has, and is not about it.
    ask(world)
    assert documents.get_recording(world.ports.records, recording.id).state == "CANCELLED"
    world.clock.time += ahead
    ask(world, "later", number=2)
    assert documents.get_recording(world.ports.records, recording.id).state == "PLANNED"
    assert "later" not in [one.request_id for one in told]


def test_a_retry_delivered_again_after_the_next_end_does_not_continue_that_one(world):
    recording = upload.on_upload(world.upload(), world.ports)
    record.cancel(recording.id, world.ports)
    for _ in range(2):
        ask(world, "later")
        record.cancel(recording.id, world.ports)
    stands = documents.get_recording(world.ports.records, recording.id)
    assert (stands.state, stands.life) == ("CANCELLED", 1)


def test_a_retry_that_was_read_before_the_next_end_changes_nothing(world):
    recording = upload.on_upload(world.upload(), world.ports)
    before = record.cancel(recording.id, world.ports)
    upload.reopen(before, world.ports)
    record.cancel(recording.id, world.ports)
    upload.reopen(before, world.ports)
    assert documents.get_recording(world.ports.records, recording.id).state == "CANCELLED"


def test_asking_twice_for_one_end_is_one_request_and_for_the_next_end_another(world):
    recording = upload.on_upload(world.upload(), world.ports)
    first = record.cancel(recording.id, world.ports)
    asked = {retry.ask(first, world.ports), retry.ask(replace(first, finished=1.0), world.ports)}
    assert len(asked) == 1
    assert retry.ask(replace(first, life=1), world.ports) not in asked
