from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace

import pytest

from functions.outcome import acknowledged, uploaded_object
from functions.push import Push
from shared.errors import BadRequest, ConfigurationError, StoreUnavailable
from shared.flow import upload
from shared.messages import object_from_event
from shared.model import Options, StoredObject
from shared.state import dead_letters, documents, failure_log
from tests.world import World

RESOURCE = {"bucket": "audio", "name": "talk.mp3", "generation": "1"}


def notification(data, **attributes):
    return Push(message_id="m-1", data=data, attributes=attributes)


UPLOAD = notification(json.dumps(RESOURCE).encode(), eventType="OBJECT_FINALIZE")


@pytest.mark.parametrize("attributes", [{}, {"eventType": "OBJECT_FINALIZE"}])
def test_an_upload_is_told_by_the_resource_of_its_object(attributes):
    assert uploaded_object(notification(json.dumps(RESOURCE).encode(), **attributes)) == RESOURCE


@pytest.mark.parametrize("kind", ["google.cloud.storage.object.v1.deleted", "OBJECT_DELETE"])
def test_an_event_about_something_else_is_passed_over(kind):
    assert uploaded_object(notification(json.dumps(RESOURCE).encode(), eventType=kind)) is None


@pytest.mark.parametrize("data", [b"no json", b"", b"[]", b"[" * 100_000])
def test_what_is_no_event_of_ours_is_refused(data):
    with pytest.raises(BadRequest):
        uploaded_object(notification(data))


def test_an_upload_whose_notification_has_no_payload_is_looked_up():
    source = StoredObject(
        bucket="audio", name="talk.mp3", generation=8, size=5, metadata={"dropscribe-language": "de"}
    )
    store = SimpleNamespace(stat=lambda *named: source if named == ("audio", "talk.mp3") else None)
    named = {"bucketId": "audio", "objectId": "talk.mp3", "eventType": "OBJECT_FINALIZE"}
    told = notification(b"", objectGeneration="8", **named)
    assert object_from_event(uploaded_object(told, store)) == source
    replaced = notification(b"", objectGeneration="7", **named)
    assert uploaded_object(replaced, store) is None
    gone = notification(b"", objectGeneration="8", **named | {"objectId": "other.mp3"})
    assert uploaded_object(gone, store) is None


@pytest.mark.parametrize("told", [notification(b"rubbish"), notification(b"", a="b")])
def test_what_no_repeat_can_mend_is_kept_and_acknowledged(told, tmp_path):
    world = World(tmp_path)
    for _ in range(2):
        with acknowledged(told, lambda: world.ports):
            raise BadRequest("never")
    [(_, kept)] = world.ports.records.query(dead_letters.DEAD_LETTERS)
    assert kept["attributes"][dead_letters.ERROR] == "never"
    world.close()


@pytest.mark.parametrize("where", ["router", "merger"])
def test_a_recording_that_the_router_cannot_take_ends_with_the_reason(where, tmp_path):
    world = World(tmp_path)
    waiting = upload.accept(object_from_event(world.upload()), Options(), world.ports)
    told = notification(b"{}", recording=waiting.id)
    with acknowledged(told, lambda: world.ports, where):
        raise BadRequest("not an object")
    [(_, kept)] = world.ports.records.query(dead_letters.DEAD_LETTERS)
    assert kept["attributes"][dead_letters.ERROR] == "not an object"
    ended = documents.get_recording(world.ports.records, waiting.id)
    # What another step cannot read says nothing about the recording.
    assert (ended.state, ended.reason) == (
        ("FAILED", "not an object") if where == "router" else ("ACCEPTED", "")
    )
    world.close()


def test_an_event_that_cannot_be_read_ends_no_recording_that_has_its_plan(tmp_path):
    world = World(tmp_path)
    going_on = upload.accept(object_from_event(world.upload()), Options(), world.ports)
    documents.change_recording(world.ports, going_on.id, lambda stored: replace(stored, state="PLANNED"))
    with acknowledged(notification(b"{}", recording=going_on.id), lambda: world.ports, "router"):
        raise BadRequest("not an object")
    assert documents.get_recording(world.ports.records, going_on.id).state == "PLANNED"
    world.close()


@pytest.mark.parametrize("kept", [None, {"state": 3}])
def test_an_event_of_a_recording_that_is_gone_or_damaged_is_kept_all_the_same(kept, tmp_path):
    world = World(tmp_path)
    if kept is not None:
        world.ports.records.create(documents.RECORDINGS, "r", kept)
    with acknowledged(notification(b"{}", recording="r"), lambda: world.ports, "router"):
        raise BadRequest("not an object")
    assert len(list(world.ports.records.query(dead_letters.DEAD_LETTERS))) == 1
    world.close()


@pytest.mark.parametrize("mended_later", [StoreUnavailable("away"), ConfigurationError("a role is missing")])
def test_what_a_repeat_may_fix_comes_again_and_is_noted(mended_later, tmp_path):
    world = World(tmp_path)
    told = replace(notification(b"x", recording="abc", chunk="3"), attempt=2)
    with pytest.raises(type(mended_later)), acknowledged(told, lambda: world.ports, "merger"):
        raise mended_later
    [(key, noted)] = world.ports.records.query(failure_log.FAILURES)
    assert key == "m-1.002"
    assert (noted["recording"], noted["chunk"], noted["where"]) == ("abc", 3, "merger")
    assert (noted["error"], noted["reason"]) == (type(mended_later).__name__, str(mended_later))
    world.close()


def test_a_mistake_of_the_program_comes_again_and_is_noted_too(tmp_path):
    world = World(tmp_path)
    with (
        pytest.raises(ZeroDivisionError),
        acknowledged(UPLOAD, lambda: world.ports),
    ):
        raise ZeroDivisionError("by nothing")
    [(_, noted)] = world.ports.records.query(failure_log.FAILURES)
    assert (noted["error"], noted["reason"]) == ("Exception", "ZeroDivisionError('by nothing')")
    assert len(noted["recording"]) == 26
    world.close()


def test_a_function_that_has_no_world_fails_with_what_is_missing():
    def connect():
        raise ConfigurationError("there are no credentials")

    with pytest.raises(ConfigurationError), acknowledged(notification(b"x"), connect):
        connect()


def test_after_the_dead_letters_nothing_comes_again_but_what_a_repeat_may_fix(tmp_path):
    world = World(tmp_path)
    with pytest.raises(StoreUnavailable), acknowledged(UPLOAD, lambda: world.ports, "dead-letters"):
        raise StoreUnavailable("away")
    assert world.ports.records.count(dead_letters.DEAD_LETTERS) == 0
    with acknowledged(UPLOAD, lambda: world.ports, "dead-letters"):
        raise ZeroDivisionError
    assert world.ports.records.count(dead_letters.DEAD_LETTERS) == 1
    world.close()
