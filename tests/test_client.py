from __future__ import annotations

import json
from dataclasses import replace

import pytest

from local.runtime.events import pushed
from local.runtime.subscriptions import in_process
from shared import client
from shared.errors import BadRequest, Transient
from shared.flow import chunk, record
from shared.messages import ChunkDone
from shared.model import Options
from shared.state import documents
from tests.world import heard


@pytest.fixture
def world(world):
    world.upload()
    return world


def submit(world, uri="gs://audio/talk.wav", **fields):
    return client.submit(uri, ports=world.ports, **fields)


def deliver(world):
    """Delivers what was submitted to the router."""
    subscription = world.ports.queue.topology.subscription("requests")
    for one in world.pull("requests"):
        in_process(world.ports)["requests"](pushed(subscription, one))


def transcribe(world):
    for recording in list(documents.recordings(world.ports.records, {"state": "PLANNED"})):
        for one in recording.chunks:
            chunk.commit_result(*heard(recording, one), world.ports)
        record.on_chunk_done(ChunkDone(recording=recording.id, index=0), world.ports)


def test_what_was_submitted_is_answered(world):
    request_id = submit(world, options=Options(language="en"), metadata={"order": "17"})
    deliver(world)
    transcribe(world)
    answer = client.wait(request_id, ports=world.ports, timeout=0)
    assert (answer.state, answer.request_id, answer.metadata) == ("DONE", request_id, {"order": "17"})
    (recording,) = documents.recordings(world.ports.records)
    assert recording.options == Options(language="en")


def test_every_request_has_an_id_of_its_own_unless_one_is_given(world):
    assert submit(world) != submit(world)
    assert submit(world, request_id="mine") == "mine"


def test_submitting_twice_with_one_id_gives_one_answer(world):
    for _ in range(2):
        submit(world, request_id="mine")
    deliver(world)
    transcribe(world)
    assert client.wait("mine", ports=world.ports, timeout=0).state == "DONE"


def test_options_left_to_the_object_are_not_sent(world):
    submit(world, request_id="mine")
    (sent,) = world.pull("requests")
    assert json.loads(sent.data) == {"uri": "gs://audio/talk.wav", "request_id": "mine", "metadata": {}}
    assert sent.attributes == {"request_id": "mine"}


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"uri": "talk.wav"}, "uri"),
        ({"request_id": ""}, "request_id"),
        ({"metadata": {"a b": "c"}}, "metadata"),
        ({"options": Options(language="German!")}, "language"),
        ({"options": Options(track=-1)}, "track"),
    ],
)
def test_what_would_be_refused_is_refused_before_it_is_sent(world, fields, says):
    with pytest.raises(BadRequest, match=says):
        submit(world, **fields)
    assert world.pull("requests") == []


def test_an_id_that_was_used_for_something_else_is_refused(world):
    submit(world, request_id="mine")
    deliver(world)
    with pytest.raises(BadRequest, match=r"was used before, with another uri"):
        submit(world, "gs://audio/other.wav", request_id="mine")


def test_waiting_ends_with_the_answer_and_looks_less_and_less_often(world):
    submit(world, request_id="mine")
    pauses = []

    def sleep(seconds):
        pauses.append(seconds)
        if len(pauses) == 20:
            deliver(world)
            transcribe(world)

    assert client.wait("mine", ports=world.ports, sleep=sleep).state == "DONE"
    assert pauses[0] == client.FIRST_PAUSE
    assert pauses == sorted(pauses)
    assert pauses[-1] == client.LONGEST_PAUSE


@pytest.mark.parametrize(("delivered", "says"), [(False, "not been received"), (True, "in progress")])
def test_waiting_ends_with_its_time_and_says_where_the_request_stands(world, delivered, says):
    submit(world, request_id="mine")
    if delivered:
        deliver(world)
    pauses = []
    with pytest.raises(Transient, match=says):
        client.wait("mine", ports=world.ports, timeout=30, sleep=pauses.append)
    assert sum(pauses) == pytest.approx(30)


def test_a_failure_is_an_answer(world):
    submit(world, "gs://audio/none.wav", request_id="mine")
    deliver(world)
    answer = client.wait("mine", ports=world.ports, timeout=0)
    assert (answer.state, answer.code) == ("FAILED", "missing")


def test_a_request_sent_again_after_a_change_of_its_object_keeps_its_answer(world, monkeypatch):
    submit(world, request_id="mine")
    deliver(world)
    transcribe(world)
    first = client.wait("mine", ports=world.ports, timeout=0)
    newer = replace(world.ports.store.stat("audio", "talk.wav"), generation=99)
    monkeypatch.setattr(world.ports.store, "stat", lambda *_: newer)
    submit(world, request_id="mine")
    deliver(world)
    assert client.wait("mine", ports=world.ports, timeout=0) == first
