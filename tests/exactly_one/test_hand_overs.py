"""A chunk that is handed over reaches the next engine, and no engine is skipped."""

from __future__ import annotations

import base64
import json
from dataclasses import replace

import pytest

from shared.engines import ENGINES
from shared.errors import EngineLimit, Permanent, StoreUnavailable
from shared.flow import dispatch, upload
from shared.flow.chunk import commit_result
from shared.messages import ChunkMessage, decode
from shared.recovery import dead_letter, fallback
from shared.state import claims, documents
from tests.world import World, heard


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path)
    world.ports = replace(world.ports, engines=frozenset(ENGINES))
    yield world
    world.close()


def test_a_hand_over_that_died_before_its_message_is_finished_and_not_repeated(world, monkeypatch):
    recording = upload.on_upload(world.upload(), world.ports)
    first = dispatch.missing(recording, world.ports)[0]
    publish = world.ports.queue.publish

    def down(*_):
        raise StoreUnavailable("Pub/Sub does not answer")

    monkeypatch.setattr(world.ports.queue, "publish", down)
    with pytest.raises(StoreUnavailable):
        fallback.hand_over(first, EngineLimit("x"), world.ports)
    monkeypatch.setattr(world.ports.queue, "publish", publish)
    [claim] = claims.of_recording(recording.id, world.ports.records).values()
    assert not claim.published
    # Whoever looks for chunks without a result later reads the claim, and so finds the turn that has no message.
    assert fallback.hand_over_missing(recording, Permanent("it did not go on"), world.ports) == ["handed"]
    [stands] = claims.of_recording(recording.id, world.ports.records).values()
    assert (stands.engine, stands.turn, stands.published) == (claim.engine, claim.turn, True)
    sent = [
        decode(one.data, ChunkMessage)
        for engine in ENGINES.values()
        for one in world.pull(engine.subscription)
    ]
    assert [one.turn for one in sent if one.turn] == [claim.turn]


def test_the_dead_letter_of_a_done_message_merges_what_is_complete(world):
    recording = upload.on_upload(world.upload(), world.ports)
    for one in recording.chunks:
        commit_result(*heard(recording, one), world.ports)
    for _ in range(40):
        for one in world.ports.queue.pull("merger", 10, 60):
            world.ports.queue.nack("merger", one.lease, "StoreUnavailable")
        world.clock.time += 700
    [letter] = world.pull("dead-letters")
    message = {
        "messageId": "d",
        "data": base64.b64encode(letter.data).decode(),
        "attributes": dict(letter.attributes),
    }
    dead_letter.on_dead_letter(message, world.ports)
    assert documents.get_recording(world.ports.records, recording.id).state == "DONE"


def test_the_dead_letter_of_an_upload_that_is_planned_changes_nothing(world):
    event = world.upload()
    recording = upload.on_upload(event, world.ports)
    message = {
        "messageId": "d",
        "data": base64.b64encode(json.dumps(event).encode()).decode(),
        "attributes": {"CloudPubSubDeadLetterSourceSubscription": "router"},
    }
    dead_letter.on_dead_letter(message, world.ports)
    assert documents.get_recording(world.ports.records, recording.id).state == "PLANNED"
