"""A recording ends once, its end is announced, and an end of an earlier life is not taken for a later one."""

from __future__ import annotations

import json

import pytest

from shared.errors import Permanent, StoreUnavailable
from shared.flow import record, upload
from shared.flow.chunk import commit_result
from shared.flow.request import on_request
from shared.messages import TRANSCRIPTS_READY, ChunkDone, TranscriptReady, decode
from shared.state import answers, dead_letters, documents
from shared.sweep import sweep
from tests.world import World, heard


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path)
    yield world
    world.close()


def test_a_recording_reopened_while_its_failure_is_announced_has_its_later_end_announced(world, monkeypatch):
    told, publish = [], world.ports.queue.publish
    recording = upload.on_upload(world.upload(), world.ports)

    def reopening(topic, data, attributes=None):
        if topic == TRANSCRIPTS_READY:
            told.append(decode(data, TranscriptReady).state)
            if len(told) == 1:
                upload.reopen(documents.get_recording(world.ports.records, recording.id), world.ports)
        return publish(topic, data, attributes)

    monkeypatch.setattr(world.ports.queue, "publish", reopening)
    record.fail(recording.id, Permanent("x"), world.ports)
    again = upload.take(recording.source, recording.options, world.ports)
    for one in again.chunks:
        commit_result(*heard(again, one), world.ports)
    done = record.on_chunk_done(ChunkDone(recording=again.id, index=0), world.ports)
    world.clock.time += 3600
    sweep.announce_untold(world.ports)
    assert (done.state, done.announced) == ("DONE", True)
    assert told == ["FAILED", "DONE"]


def ask(world, name):
    request = json.dumps({"uri": "gs://audio/talk.wav", "request_id": name}).encode()
    on_request(dead_letters.pushed(name, request, {}), world.ports)


def finish(world, recording):
    for one in recording.chunks:
        commit_result(*heard(recording, one), world.ports)
    return record.on_chunk_done(ChunkDone(recording=recording.id, index=0), world.ports)


@pytest.mark.parametrize("meanwhile", [["again"], ["again", "later"]])
def test_who_asks_while_a_failure_is_announced_is_answered_with_the_next_end(world, monkeypatch, meanwhile):
    """Whoever announces it reads the requests later than they came."""
    told, publish = [], world.ports.queue.publish
    recording = upload.on_upload(world.upload(), world.ports)

    def asking(topic, data, attributes=None):
        if topic == TRANSCRIPTS_READY:
            ready = decode(data, TranscriptReady)
            told.append((ready.request_id, ready.state))
            if len(told) == 1:
                for name in meanwhile:
                    ask(world, name)
        return publish(topic, data, attributes)

    monkeypatch.setattr(world.ports.queue, "publish", asking)
    record.fail(recording.id, Permanent("x"), world.ports)
    again = documents.get_recording(world.ports.records, recording.id)
    assert (again.state, again.life) == ("PLANNED", 1)
    finish(world, again)
    assert sorted(told[2:]) == [(name, "DONE") for name in meanwhile]
    assert told[:2] == [(None, "FAILED"), (None, "DONE")]


def test_a_retry_whose_delivery_failed_is_not_answered_by_whoever_announces_the_end_that_it_is_about(
    world, monkeypatch
):
    recording = upload.on_upload(world.upload(), world.ports)

    def refused(*_):
        raise StoreUnavailable("not now")

    with monkeypatch.context() as patched:
        patched.setattr(world.ports.queue, "publish", refused)
        with pytest.raises(StoreUnavailable):
            record.fail(recording.id, Permanent("x"), world.ports)
    with monkeypatch.context() as patched:
        patched.setattr(upload, "reopen", refused)
        with pytest.raises(StoreUnavailable):
            ask(world, "again")
    world.clock.time += 3600
    sweep.announce_untold(world.ports)
    assert answers.find("again", world.ports.records).answer is None
    sweep.answer_waiting(world.ports)
    again = documents.get_recording(world.ports.records, recording.id)
    assert (again.state, again.life) == ("PLANNED", 1)
    finish(world, again)
    assert answers.find("again", world.ports.records).answer.state == "DONE"


def test_what_the_merger_can_never_do_ends_the_recording_at_once_with_the_reason(world, monkeypatch):
    recording = upload.on_upload(world.upload(), world.ports)
    for one in recording.chunks:
        commit_result(*heard(recording, one), world.ports)

    def refused(*_):
        raise Permanent("Cloud Storage refuses: the bucket has a retention policy")

    monkeypatch.setattr(world.ports.store, "create_all", refused)
    ended = record.on_chunk_done(ChunkDone(recording=recording.id, index=0), world.ports)
    assert ended.state == "FAILED"
    assert "retention policy" in ended.reason
    assert ended.announced
