from __future__ import annotations

import json
import logging

import pytest

from local.backend.embedded_ports import embedded_topology
from shared.engines import PARAKEET_CPU, PARAKEET_GPU
from shared.errors import BadMedia, ConfigurationError, StoreUnavailable, Transient
from shared.flow import upload
from shared.model import Options, recording_id
from shared.recovery import dead_letter
from shared.state import dead_letters, failure_log
from shared.state.failure_log import About
from shared.telemetry import log

CHUNK = {"recording": "abc", "chunk": "3"}


def note(world, error, attempt=1, message_id="m", where="parakeet-cpu", attributes=None, data=b""):
    world.clock.time += 1
    failure_log.note(
        error, world.ports, where=where, message_id=message_id, attempt=attempt,
        attributes=CHUNK if attributes is None else attributes, data=data,
    )  # fmt: skip


def said(world, about=None):
    return failure_log.last_reasons(about or About(recording="abc", chunk=3), world.ports.records)


def test_every_function_is_a_place():
    # The subscription of the workers is theirs under the names of their engines.
    assert {one.name for one in embedded_topology().subscriptions} - {
        PARAKEET_CPU.subscription,
        PARAKEET_GPU.subscription,
        PARAKEET_GPU.canary_subscription,
    } <= set(failure_log.places())


def test_what_went_wrong_last_comes_first_and_what_was_different_before_it_follows(world):
    assert said(world) == ""
    note(world, StoreUnavailable("The store is away."), 1)
    note(world, ConfigurationError("A role is missing."), 2)
    note(world, ConfigurationError("A role is missing."), 3)
    assert said(world) == "A role is missing. (Before that: The store is away.)"


def test_failures_of_other_chunks_are_not_told(world):
    note(world, Transient("mine"))
    note(world, Transient("another's"), message_id="n", attributes={"recording": "abc", "chunk": "4"})
    note(world, Transient("the whole's"), message_id="o", attributes={"recording": "abc"})
    assert said(world) == "mine"
    assert said(world, About(recording="abc")) == "the whole's"


def test_one_delivery_has_one_note(world):
    for _ in range(2):
        note(world, Transient("x"), 2)
    assert world.ports.records.count(failure_log.FAILURES) == 1


def test_deliveries_without_a_number_have_a_note_each(world):
    for _ in range(2):
        note(world, Transient("x"), 0)
    assert world.ports.records.count(failure_log.FAILURES) == 2


def test_a_note_that_cannot_be_written_is_logged_and_forgotten(world, monkeypatch, caplog):
    def away(*_):
        raise StoreUnavailable("the records are away")

    monkeypatch.setattr(type(world.ports.records), "create", away)
    monkeypatch.setattr(log, "propagate", True)
    with caplog.at_level(logging.WARNING, log.name):
        note(world, Transient("x"))
    assert "the records are away" in caplog.text


def test_upload_events_and_requests_tell_by_their_data_what_they_are_about(world):
    event = world.upload()
    source = world.ports.store.stat("audio", "talk.wav")
    assert failure_log.about({}, json.dumps(event).encode()) == About(
        recording=recording_id(source, Options())
    )
    # A notification without a payload says so in its attributes.
    named = {"bucketId": source.bucket, "objectId": source.name, "objectGeneration": str(source.generation)}
    assert failure_log.about(named, b"") == failure_log.about({}, json.dumps(event).encode())
    request = b'{"uri": "gs://audio/x", "request_id": "order-17"}'
    assert failure_log.about({}, request) == About(request="order-17")
    assert failure_log.about({"request_id": "order-18"}, b"rubbish") == About(request="order-18")


@pytest.mark.parametrize("data", [b"", b"\xff", b"[]", b"3", b"null", b'{"bucket": 1}'])
def test_what_says_nothing_is_about_nothing(data):
    assert failure_log.about({}, data) == About()


def test_a_chunk_that_is_no_number_is_none():
    assert failure_log.about({"recording": "abc", "chunk": "x"}) == About(recording="abc")


def test_long_reasons_are_cut(world):
    note(world, Transient("x" * 100_000))
    assert len(said(world)) == failure_log.LONGEST


def test_failures_are_counted_by_place_and_class(world):
    assert failure_log.by_class(world.ports.records) == {}
    for number, (error, where) in enumerate(
        [
            (StoreUnavailable("x"), "merger"),
            (StoreUnavailable("y"), "merger"),
            (BadMedia("limit", "z"), "parakeet-cpu"),
            (ZeroDivisionError("z"), "parakeet-cpu"),
            (Transient("z"), "a place of somebody's own"),
        ]
    ):
        note(world, error, message_id=f"m{number}", where=where)
    assert failure_log.by_class(world.ports.records) == {
        "merger": {"StoreUnavailable": 2},
        "parakeet-cpu": {"BadMedia": 1, "Exception": 1},
        "elsewhere": {"Transient": 1},
    }


def test_a_dead_letter_gives_the_reason_that_was_noted(world):
    recording = upload.on_upload(world.upload(), world.ports)
    attributes = {"recording": recording.id, "chunk": "0"}
    note(world, ConfigurationError("The service account needs a role."), 5, attributes=attributes)
    letter = {
        "messageId": "9",
        "data": "",
        "attributes": attributes | {dead_letters.SOURCE: "gpu-worker", dead_letters.COUNT: "5"},
    }
    dead_letter.on_dead_letter(letter, world.ports)
    [(_, failed)] = world.ports.records.query("recordings")
    assert failed["reason"] == (
        "Gave up after 5 tries in gpu-worker: The service account needs a role. "
        "Transcribe it again to start over."
    )


def test_a_dead_letter_of_which_nothing_was_noted_says_where_to_look(world):
    recording = upload.on_upload(world.upload(), world.ports)
    letter = {"messageId": "9", "data": "", "attributes": {"recording": recording.id, "chunk": "0"}}
    dead_letter.on_dead_letter(letter, world.ports)
    [(_, failed)] = world.ports.records.query("recordings")
    assert "the process was killed or took too long. Check its log." in failed["reason"]
