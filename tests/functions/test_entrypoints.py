"""Each function over HTTP: 200 takes an event off the queue, 500 has it delivered again."""

from __future__ import annotations

import base64
import json

import pytest

from deployment.rollout import state
from deployment.rollout.state import Images, Rollout
from local.runtime.events import object_resource
from shared import client
from shared.errors import BadMedia, StoreUnavailable
from shared.flow import chunk, record, upload
from shared.messages import (
    AUDIO_FINALIZED,
    CHUNKS_DONE,
    DEAD_LETTERS,
    TRANSCRIBE_REQUESTS,
    ChunkDone,
    TranscribeRequest,
    to_fields,
)
from shared.messages import request_to_json as as_json
from shared.state import dead_letters, documents, failure_log
from tests.functions.conftest import WAYS
from tests.world import heard

PUSHED = [
    ("router", "on_upload"),
    ("router", "on_request"),
    ("merger", "on_chunk_done"),
    ("hosted", "on_chunk"),
    ("sweeper", "on_dead_letter"),
    ("webhooks", "on_transcript"),
    ("webhooks", "on_budget"),
]
"""The functions that messages are posted to."""


def finalized(world, name="talk.wav"):
    """An upload, with its event on the queue."""
    world.upload(name)
    source = world.ports.store.stat("audio", name)
    world.ports.queue.publish(AUDIO_FINALIZED, object_resource(source))


def planned(world):
    recording = upload.on_upload(world.upload(), world.ports)
    world.pull("cpu-worker")
    return recording


def only(world):
    (recording,) = documents.recordings(world.ports.records)
    return recording


def unavailable(*_, **__):
    raise StoreUnavailable("not now")


@pytest.mark.parametrize("way", WAYS)
def test_an_upload_event_is_planned(world, serve, deliver, way):
    finalized(world)
    assert deliver(serve("router", "on_upload"), "router", way) == [200]
    assert only(world).state == "PLANNED"


def test_an_upload_that_can_never_be_transcribed_is_acknowledged(world, serve, deliver):
    world.media.error = BadMedia("no-audio", "There is no audio.")
    finalized(world)
    assert deliver(serve("router", "on_upload"), "router") == [200]
    assert only(world).state == "FAILED"


def test_an_upload_that_cannot_be_read_now_is_delivered_again(world, serve, deliver):
    world.media.error = StoreUnavailable("not now")
    finalized(world)
    router = serve("router", "on_upload")
    assert deliver(router, "router") == [500]
    world.media.error = None
    world.clock.time += 60
    assert deliver(router, "router") == [200]
    assert only(world).state == "PLANNED"


def test_an_upload_event_without_its_fields_is_acknowledged(world, serve):
    headers = {
        "ce-id": "1", "ce-source": "//storage", "ce-specversion": "1.0",
        "ce-type": "google.cloud.storage.object.v1.finalized", "content-type": "application/json",
    }  # fmt: skip
    response = serve("router", "on_upload").post("/", headers=headers, data=json.dumps({"bucket": "audio"}))
    assert response.status_code == 200


@pytest.mark.parametrize(("source", "target"), PUSHED)
def test_what_is_no_message_at_all_is_kept_once_and_acknowledged(world, serve, source, target):
    posted = serve(source, target)
    for _ in range(2):
        assert posted.post("/", data=b"hello").status_code == 200
    [(_, kept)] = world.ports.records.query(dead_letters.DEAD_LETTERS)
    assert kept["data"] == "hello"


@pytest.mark.parametrize(("source", "target"), PUSHED)
def test_a_push_without_data_is_kept_and_acknowledged(world, serve, source, target):
    body = {"message": {"attributes": {"a": "b"}, "messageId": "17"}, "subscription": "s"}
    assert serve(source, target).post("/", json=body).status_code == 200
    [(key, kept)] = world.ports.records.query(dead_letters.DEAD_LETTERS)
    assert (key, kept["attributes"]["a"]) == ("17", "b")


@pytest.mark.parametrize(("source", "target"), PUSHED)
def test_a_message_is_taken_whatever_its_size(world, serve, source, target):
    data = base64.b64encode(bytes(11_000_000)).decode()
    assert (
        serve(source, target).post("/", json={"message": {"data": data, "messageId": "1"}}).status_code == 200
    )
    assert world.ports.records.count(dead_letters.DEAD_LETTERS) == 1


def test_the_number_of_the_delivery_reaches_the_note_of_its_failure(world, serve, monkeypatch):
    monkeypatch.setattr(world.ports.store, "stat", unavailable)
    data = base64.b64encode(json.dumps({"uri": "gs://audio/a", "request_id": "r"}).encode()).decode()
    body = {"message": {"data": data, "messageId": "77"}, "subscription": "s", "deliveryAttempt": 5}
    assert serve("router", "on_request").post("/", json=body).status_code == 500
    [(key, noted)] = world.ports.records.query(failure_log.FAILURES)
    assert (key, noted["attempt"]) == ("77.005", 5)


def test_what_is_posted_by_no_sender_of_messages_changes_nothing(world, serve):
    assert serve("router", "on_upload").get("/").status_code == 405
    assert world.ports.records.count(dead_letters.DEAD_LETTERS) == 0


@pytest.mark.parametrize("way", WAYS)
def test_a_request_is_planned(world, serve, deliver, way):
    world.upload()
    client.submit("gs://audio/talk.wav", ports=world.ports)
    assert deliver(serve("router", "on_request"), "requests", way) == [200]
    assert only(world).state == "PLANNED"


@pytest.mark.parametrize("data", [b"", b"not json", b'{"uri": "ftp://x", "request_id": "r"}', b"\xff\xfe"])
def test_a_malformed_request_is_acknowledged_and_kept(world, serve, deliver, data):
    world.ports.queue.publish(TRANSCRIBE_REQUESTS, data)
    assert deliver(serve("router", "on_request"), "requests") == [200]
    assert world.ports.records.count(dead_letters.DEAD_LETTERS) == 1


def test_a_request_that_cannot_be_looked_up_now_is_delivered_again(world, serve, deliver, monkeypatch):
    request = TranscribeRequest(uri="gs://audio/talk.wav", request_id="r")
    world.ports.queue.publish(TRANSCRIBE_REQUESTS, as_json(request))
    monkeypatch.setattr(world.ports.store, "stat", unavailable)
    assert deliver(serve("router", "on_request"), "requests") == [500]


def test_the_last_chunk_finishes_the_recording(world, serve, deliver):
    recording = planned(world)
    for one in recording.chunks:
        chunk.commit_result(*heard(recording, one), world.ports)
    assert deliver(serve("merger", "on_chunk_done"), "merger") == [200, 200]
    assert only(world).state == "DONE"


def test_a_chunk_whose_result_cannot_be_read_now_is_delivered_again(world, serve, deliver, monkeypatch):
    recording = planned(world)
    for one in recording.chunks:
        chunk.commit_result(*heard(recording, one), world.ports)
    monkeypatch.setattr(world.ports.store, "load", unavailable)
    assert deliver(serve("merger", "on_chunk_done"), "merger") == [500, 500]
    assert only(world).state == "PLANNED"


@pytest.mark.parametrize("data", [b"", b"not json", b"{}", b"\xff"])
def test_a_message_that_is_no_chunk_is_acknowledged(world, serve, deliver, data):
    world.ports.queue.publish(CHUNKS_DONE, data)
    assert deliver(serve("merger", "on_chunk_done"), "merger") == [200]


def test_a_dead_letter_fails_its_recording(world, serve, deliver):
    recording = planned(world)
    world.ports.queue.publish(DEAD_LETTERS, b"{}", {"recording": recording.id, dead_letters.COUNT: "5"})
    assert deliver(serve("sweeper", "on_dead_letter"), "dead-letters") == [200]
    assert only(world).state == "FAILED"


def test_a_dead_letter_that_cannot_be_kept_now_is_delivered_again(world, serve, deliver, monkeypatch):
    world.ports.queue.publish(DEAD_LETTERS, b"{}")
    monkeypatch.setattr(world.ports.records, "create", unavailable)
    assert deliver(serve("sweeper", "on_dead_letter"), "dead-letters") == [500]


def untold(world):
    recording = planned(world)
    for one in recording.chunks:
        chunk.commit_result(*heard(recording, one), world.ports)
    world.pull("merger")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(record, "announce", lambda recording, _: recording)
        record.on_chunk_done(ChunkDone(recording=recording.id, index=0), world.ports)
    world.clock.time += 600


@pytest.mark.parametrize("method", ["post", "get"])
def test_a_tick_puts_right_what_is_wrong_and_says_what_it_did(world, serve, method):
    untold(world)
    response = getattr(serve("sweeper", "on_tick"), method)("/")
    assert (response.status_code, response.json["announced"]) == (200, 1)
    assert only(world).announced


def test_a_tick_that_could_not_do_everything_is_a_500(world, serve, monkeypatch):
    untold(world)
    with monkeypatch.context() as patch:
        patch.setattr(world.ports.queue, "publish", unavailable)
        assert serve("sweeper", "on_tick").post("/").status_code == 500
    assert serve("sweeper", "on_tick").post("/").status_code == 200
    assert only(world).announced


def test_a_tick_of_the_guard_looks_for_a_rollout_and_says_where_it_is(world, serve, monkeypatch):
    guard = serve("guard", "on_tick")
    answer = guard.post("/")
    assert (answer.status_code, answer.json) == (200, {"phase": ""})
    nothing = Images(functions="a@sha256:1")
    rollout = Rollout(old=nothing, new=nothing, phase="returning", began=world.clock.time)
    world.ports.records.create("state", "release", to_fields(rollout))
    assert guard.post("/").json == {"phase": "restoring"}
    assert state.read(world.ports).guarded == world.clock.time


@pytest.mark.parametrize(("source", "target"), [*PUSHED, ("sweeper", "on_tick"), ("guard", "on_tick")])
def test_what_comes_again_is_answered_and_logged_with_its_reason_and_without_a_traceback(
    serve, monkeypatch, caplog, source, target
):
    client = serve(source, target)

    def unreachable(**_):
        raise StoreUnavailable("The store does not answer: it is tried again.")

    for name in client.application.view_functions:
        monkeypatch.setitem(client.application.view_functions, name, unreachable)
    response = client.post("/")
    assert (response.status_code, response.text) == (500, "The store does not answer: it is tried again.")
    (line,) = caplog.records
    assert line.getMessage() == "failed, will be redelivered: The store does not answer: it is tried again."
    assert line.exc_info is None


@pytest.mark.parametrize("target", ["on_request", "on_chunk_done", "on_dead_letter"])
def test_an_event_without_a_message_is_acknowledged(serve, target):
    source = {"on_request": "router", "on_chunk_done": "merger", "on_dead_letter": "sweeper"}[target]
    headers = {
        "ce-id": "1", "ce-source": "//pubsub", "ce-specversion": "1.0",
        "ce-type": "google.cloud.pubsub.topic.v1.messagePublished", "content-type": "application/json",
    }  # fmt: skip
    for body in ({}, {"message": 5}, {"message": {}}, []):
        assert serve(source, target).post("/", headers=headers, data=json.dumps(body)).status_code == 200
