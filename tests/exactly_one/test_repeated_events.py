"""A plan is published once: repeated events publish nothing, what was not published is, and a sweep pushes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.errors import Permanent, StoreUnavailable, UnderWay
from shared.flow import dispatch, record, upload
from shared.flow.chunk import commit_result
from shared.messages import ChunkDone, ChunkMessage, decode
from shared.state import documents
from tests.world import World, heard


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path, chunk_minutes=0.5)
    yield world
    world.close()


def published(world):
    return [decode(one.data, ChunkMessage).chunk.index for one in world.pull("cpu-worker")]


def test_an_event_delivered_twice_publishes_its_chunks_once(world):
    event = world.upload()
    recording = upload.on_upload(event, world.ports)
    upload.on_upload(event, world.ports)
    assert len(recording.chunks) > 1
    assert sorted(published(world)) == list(range(len(recording.chunks)))


def test_a_router_that_died_before_it_published_publishes_on_the_next_delivery(world, monkeypatch):
    event, publish_many = world.upload(), world.ports.queue.publish_many

    def down(*_):
        raise StoreUnavailable("Pub/Sub does not answer")

    monkeypatch.setattr(world.ports.queue, "publish_many", down)
    with pytest.raises(StoreUnavailable):
        upload.on_upload(event, world.ports)
    monkeypatch.setattr(world.ports.queue, "publish_many", publish_many)
    world.clock.time += dispatch.PUBLISHED_WITHIN
    recording = upload.on_upload(event, world.ports)
    assert sorted(published(world)) == list(range(len(recording.chunks)))


def test_of_two_deliveries_at_one_time_the_one_that_planned_publishes(world, monkeypatch):
    event, publish_chunks = world.upload(), dispatch.publish_chunks

    def overtaken(*rest, **more):
        monkeypatch.setattr(dispatch, "publish_chunks", publish_chunks)
        with pytest.raises(UnderWay, match="another process planned"):
            upload.on_upload(event, world.ports)
        publish_chunks(*rest, **more)

    monkeypatch.setattr(dispatch, "publish_chunks", overtaken)
    recording = upload.on_upload(event, world.ports)
    assert upload.on_upload(event, world.ports).id == recording.id
    assert sorted(published(world)) == list(range(len(recording.chunks)))


def test_a_plan_that_goes_on_publishes_only_what_is_new_however_often_its_last_part_is_done(world):
    recording = upload.on_upload(world.upload(), world.ports)
    published(world)
    for one in recording.chunks:
        result, row = heard(recording, one)
        # It heard all of its tail: the file is longer than it said.
        more = replace(result, decoded=result.lead + result.owned + one.tail)
        commit_result(more, row, world.ports)
    done = ChunkDone(recording=recording.id, index=len(recording.chunks) - 1)
    record.on_chunk_done(done, world.ports)
    record.on_chunk_done(done, world.ports)
    count = len(recording.chunks)
    assert sorted(published(world)) == list(range(count, 2 * count))


def test_a_recording_that_is_tried_again_publishes_what_has_no_result(world):
    recording = upload.on_upload(world.upload(), world.ports)
    published(world)
    commit_result(*heard(recording, recording.chunks[0]), world.ports)
    record.fail(recording.id, Permanent("x"), world.ports)
    upload.reopen(documents.get_recording(world.ports.records, recording.id), world.ports)
    upload.take(recording.source, recording.options, world.ports)
    assert sorted(published(world)) == list(range(1, len(recording.chunks)))


def test_a_sweep_publishes_what_has_no_result(world):
    recording = upload.on_upload(world.upload(), world.ports)
    published(world)
    upload.take(recording.source, recording.options, world.ports, again=True)
    assert sorted(published(world)) == list(range(len(recording.chunks)))
