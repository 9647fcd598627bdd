from __future__ import annotations

import base64
import json
from dataclasses import replace

import pytest

from shared.errors import BadRequest, StoreUnavailable
from shared.flow import chunk, upload
from shared.messages import ChunkMessage, decode
from shared.model import Options
from shared.recovery import dead_letter
from shared.state import answers, dead_letters, documents, failure_log, ledger
from shared.sweep import stuck
from tests.world import heard


def letter(data, **attributes):
    return {
        "messageId": "1",
        "data": base64.b64encode(data).decode(),
        "attributes": {
            "CloudPubSubDeadLetterSourceSubscription": "gpu-worker",
            "CloudPubSubDeadLetterSourceDeliveryCount": "5",
            "dropscribe-error": "the disk is full",
            **attributes,
        },
    }


def test_a_dead_letter_is_kept_and_fails_its_recording_with_the_reason(world):
    recording = upload.on_upload(world.upload(), world.ports)
    for _ in range(2):
        dead_letter.on_dead_letter(letter(b"{}", recording=recording.id), world.ports)
    failed = documents.get_recording(world.ports.records, recording.id)
    assert failed.state == "FAILED"
    assert failed.reason == (
        "Gave up after 5 tries in gpu-worker: the disk is full. Transcribe it again to start over."
    )
    assert world.ports.records.count(dead_letters.DEAD_LETTERS) == 1


@pytest.mark.parametrize("named", ["victim", "calls/42"])
def test_what_a_caller_attaches_to_a_request_says_nothing_about_a_recording(world, named, monkeypatch):
    """Firestore refuses keys with a slash."""
    recording = upload.on_upload(world.upload(), world.ports)
    get = world.ports.records.get

    def strict(collection, key):
        if "/" in key:
            raise BadRequest("no slashes")
        return get(collection, key)

    monkeypatch.setattr(world.ports.records, "get", strict)
    attributes = {dead_letters.SOURCE: "requests", "request_id": "another"}
    attributes["recording"] = recording.id if named == "victim" else named
    data = b'{"uri": "gs://audio/other.wav", "request_id": "order-17"}'
    failure_log.note(
        StoreUnavailable("asleep"),
        world.ports,
        where="requests",
        message_id="1",
        attributes=attributes,
        data=data,
    )
    dead_letter.on_dead_letter(letter(data, **attributes), world.ports)
    assert documents.get_recording(world.ports.records, recording.id).state == "PLANNED"
    assert answers.find("order-17", world.ports.records).answer.reason.startswith("Gave up after 5 tries")
    [note] = [one for _, one in world.ports.records.query(failure_log.FAILURES)]
    assert (note["recording"], note["request"]) == ("", "order-17")
    assert dead_letters.find("1", world.ports.records).about == failure_log.About(request="order-17")


@pytest.mark.parametrize(
    ("meanwhile", "counted"),
    [("others are done", 0), ("nothing is done", 3), ("it was begun", 3), ("six hours passed", 3)],
)
def test_deliveries_that_a_busy_platform_refused_do_not_give_a_chunk_up(world, meanwhile, counted):
    world.ports = replace(world.ports, engines=frozenset({"deepgram"}))
    first = upload.on_upload(world.upload("a.wav", **{"dropscribe-method": "deepgram"}), world.ports)
    upload.on_upload(world.upload("b.wav", **{"dropscribe-method": "deepgram"}), world.ports)
    world.clock.time += 7 * 3600 if meanwhile == "six hours passed" else 60
    if meanwhile != "nothing is done":
        chunk.commit_result(*heard(first, first.chunks[0], engine="deepgram"), world.ports)
    [waits, *_] = [one for one in world.pull("deepgram") if one.attributes["recording"] != first.id]
    if meanwhile == "it was begun":
        message = decode(waits.data, ChunkMessage)
        row = heard(first, first.chunks[0], engine="deepgram")[1]
        row = replace(row, recording=message.recording, chunk=message.chunk.index, engine="deepgram")
        ledger.begin(row, 1, 0.0, world.ports)
    for _ in range(3):
        dead_letter.on_dead_letter(letter(waits.data, **waits.attributes), world.ports)
        [waits] = world.pull("deepgram")
    assert decode(waits.data, ChunkMessage).again == counted


@pytest.mark.parametrize(("failures", "state"), [(0, "ACCEPTED"), (2, "ACCEPTED"), (3, "FAILED")])
def test_an_upload_whose_router_failed_often_enough_fails_and_one_whose_router_was_killed_does_not(
    world, failures, state
):
    data = json.dumps(world.upload()).encode()
    source = world.ports.store.stat("audio", "talk.wav")
    recording = upload.accept(source, Options(), world.ports)
    for attempt in range(failures):
        failure_log.note(
            StoreUnavailable("the disk is full"),
            world.ports,
            where="router",
            message_id="1",
            attempt=attempt,
            attributes={},
            data=data,
        )
    dead_letter.on_dead_letter(letter(data), world.ports)
    assert documents.get_recording(world.ports.records, recording.id).state == state


def test_an_upload_whose_router_was_killed_at_each_delivery_is_planned_by_the_next_sweeps(world):
    data = json.dumps(world.upload()).encode()
    recording = upload.accept(world.ports.store.stat("audio", "talk.wav"), Options(), world.ports)
    dead_letter.on_dead_letter(letter(data), world.ports)
    for _ in range(4):
        world.ports.clock.time += 60
        stuck.push_stuck(world.ports)
    assert documents.get_recording(world.ports.records, recording.id).state == "PLANNED"


def test_a_dead_letter_of_nothing_we_know_is_kept(world):
    dead_letter.on_dead_letter(letter(b"\xff garbage"), world.ports)
    assert world.ports.records.count(dead_letters.DEAD_LETTERS) == 1


def test_a_recording_that_is_done_stays_done(world):
    recording = upload.on_upload(world.upload(), world.ports)
    documents.change_recording(
        world.ports, recording.id, lambda stored: type(stored)(**fields(stored) | {"state": "DONE"})
    )
    dead_letter.on_dead_letter(letter(b"{}", recording=recording.id), world.ports)
    assert documents.get_recording(world.ports.records, recording.id).state == "DONE"


def test_a_recording_of_a_newer_version_is_left_to_its_sweeper(world):
    recording = upload.on_upload(world.upload(), world.ports)
    newer = recording.id, lambda stored: stored | {"state": "of a newer version"}
    world.ports.records.update(documents.RECORDINGS, *newer)
    dead_letter.on_dead_letter(letter(b"{}", recording=recording.id), world.ports)
    stands = world.ports.records.get(documents.RECORDINGS, recording.id)
    assert stands["state"] == "of a newer version"
    assert world.ports.records.count(dead_letters.DEAD_LETTERS) == 1


def fields(record):
    return {name: getattr(record, name) for name in record.__dataclass_fields__}


def test_of_a_huge_message_the_beginning_is_kept(world):
    dead_letter.on_dead_letter(letter(b"\xff" * 3_000_000), world.ports)
    [(_, kept)] = world.ports.records.query(dead_letters.DEAD_LETTERS)
    assert kept["bytes"] == 3_000_000
    assert len(json.dumps(kept)) < 1_000_000
