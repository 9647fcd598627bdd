"""What its sender died before publishing is published, once, and after a decent time."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.engines import ENGINES
from shared.errors import EngineLimit, Permanent, StoreUnavailable, Transient
from shared.flow import dispatch, record, upload
from shared.flow.chunk import commit_result
from shared.messages import ChunkDone, ChunkMessage, decode
from shared.recovery import fallback
from shared.state import claims, documents
from shared.sweep import unfinished
from tests.world import heard


@pytest.fixture
def handed(world, monkeypatch):
    """A recording of which a chunk was handed over without a message."""
    world.ports = replace(world.ports, engines=frozenset(ENGINES))
    recording = upload.on_upload(world.upload(), world.ports)
    message = dispatch.missing(recording, world.ports)[0]

    def down(*_):
        raise StoreUnavailable("Pub/Sub does not answer")

    with monkeypatch.context() as patch:
        patch.setattr(world.ports.queue, "publish", down)
        with pytest.raises(StoreUnavailable):
            fallback.hand_over(message, EngineLimit("x"), world.ports)
    return recording


def hand_overs(world, seconds):
    world.clock.time += seconds
    return unfinished.finish_hand_overs(world.ports)


def turns(world):
    found = [decode(m.data, ChunkMessage) for e in ENGINES.values() for m in world.pull(e.subscription)]
    return [one.turn for one in found if one.turn]


def test_a_hand_over_without_a_message_gets_it_after_two_minutes_and_once(world, handed):
    assert hand_overs(world, 119) == 0
    assert hand_overs(world, 1) == 1
    assert hand_overs(world, 600) == 0
    assert turns(world) == [1]


def test_a_hand_over_of_a_recording_that_has_ended_needs_no_message(world, handed):
    record.fail(handed.id, Permanent("x"), world.ports)
    assert hand_overs(world, 600) == 0
    [claim] = claims.of_recording(handed.id, world.ports.records).values()
    assert claim.published, "it is not looked at for ever"
    assert turns(world) == []


@pytest.fixture
def complete(world):
    """A recording whose chunks all have results, and whose merger was never told."""
    recording = upload.on_upload(world.upload(), world.ports)
    unfinished.merge_complete(world.ports)
    for one in recording.chunks:
        commit_result(*heard(recording, one), world.ports)
    world.pull("merger")
    return recording


def merges(world, minutes):
    said = 0
    for _ in range(minutes):
        world.clock.time += 60
        said += unfinished.merge_complete(world.ports)
    return said


def test_a_complete_set_is_said_to_be_done_once_more_after_two_minutes(world, complete):
    assert merges(world, 1) == 0
    assert merges(world, 1) == 1
    assert merges(world, 20) == 0
    [message] = [decode(one.data, ChunkDone) for one in world.pull("merger")]
    assert message.recording == complete.id
    assert record.on_chunk_done(message, world.ports).state == "DONE"


def test_what_is_merged_or_not_complete_is_left_alone(world, complete):
    record.on_chunk_done(ChunkDone(recording=complete.id, index=0), world.ports)
    other = upload.on_upload(world.upload("other.wav"), world.ports)
    commit_result(*heard(other, other.chunks[0]), world.ports)
    assert merges(world, 5) == 0


def test_after_a_pause_the_minutes_in_between_are_looked_at(world, complete):
    world.clock.time += 9 * 60
    assert merges(world, 1) == 1


def test_a_set_that_cannot_be_looked_at_now_is_looked_at_again(world, complete, monkeypatch):
    get = documents.get_recording

    def unavailable(*_):
        raise StoreUnavailable("not now")

    with monkeypatch.context() as patch:
        patch.setattr(unfinished.documents, "get_recording", unavailable)
        with pytest.raises(Transient, match="the merge of a recording failed 1 times"):
            merges(world, 3)
    assert documents.get_recording is get
    assert merges(world, 1) == 1
