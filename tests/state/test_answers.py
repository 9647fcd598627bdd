"""A request has one answer, whatever is known later and however often it is asked for."""

from __future__ import annotations

import pytest

from shared.errors import BadRequest, EngineFailed, NoEngineLeft
from shared.messages import TranscribeRequest, TranscriptReady, decode
from shared.state import answers
from shared.topology import Subscription, Topology
from tests.world import World

REQUEST = TranscribeRequest(uri="gs://audio/a.mp3", request_id="call-1", metadata={"team": "sales"})


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path)
    every = world.ports.queue.topology
    listener = Subscription(
        name="caller", topic="transcripts-ready", max_attempts=None, dead_letter_topic=None
    )
    world.ports.queue.topology = Topology(topics=every.topics, subscriptions=(*every.subscriptions, listener))
    yield world
    world.close()


def asked(world, **changes):
    given = {"request": REQUEST, "created": world.clock.time, "recording": "r"} | changes
    assert answers.create(answers.Asked(**given), world.ports)


def ending(state="DONE", outputs=("gs://transcripts/a.txt",)):
    return TranscriptReady(
        recording="r", source="another", state=state, outputs=outputs, reason="", code="", duration=1.0,
        method="parakeet", usd=0.0,
    )  # fmt: skip


def sent(world):
    return [(decode(one.data, TranscriptReady), dict(one.attributes)) for one in world.pull("caller")]


def test_an_answer_is_the_callers_own_and_can_be_filtered(world):
    asked(world)
    answers.settle("call-1", ending(), world.ports)
    ((answer, attributes),) = sent(world)
    assert (answer.source, answer.request_id, answer.metadata) == (REQUEST.uri, "call-1", {"team": "sales"})
    assert attributes == {"recording": "r", "state": "DONE", "request_id": "call-1", "metadata_team": "sales"}
    assert answers.find("call-1", world.ports.records).answered


def test_the_first_ending_stays_the_answer_and_is_sent_once_unless_asked_for_again(world):
    asked(world)
    answers.settle("call-1", ending(), world.ports)
    answers.settle("call-1", ending("FAILED", ()), world.ports)
    assert len(sent(world)) == 1
    answers.settle("call-1", ending("FAILED", ()), world.ports, again=True)
    ((answer, _),) = sent(world)
    assert answer.state == "DONE"


def test_all_who_wait_for_a_recording_are_answered(world):
    for number in range(3):
        request = TranscribeRequest(uri=REQUEST.uri, request_id=str(number))
        asked(world, request=request, recording="r" if number else "another")
    answers.settle_all(ending(), world.ports, life=0)
    assert sorted(answer.request_id for answer, _ in sent(world)) == ["1", "2"]


def test_a_damaged_request_keeps_the_answer_from_no_other(world):
    for number in range(3):
        asked(world, request=TranscribeRequest(uri=REQUEST.uri, request_id=str(number)))
    bad, *sound = sorted(map(str, range(3)), key=answers.key_of)
    world.ports.records.update(
        answers.REQUESTS, answers.key_of(bad), lambda old: old | {"created": "yesterday"}
    )
    answers.settle_all(ending(), world.ports, life=0)
    assert sorted(answer.request_id for answer, _ in sent(world)) == sorted(sound)


def test_an_end_is_no_answer_to_those_who_asked_after_it(world):
    for number, continues in enumerate((None, 0, 1)):
        request = TranscribeRequest(uri=REQUEST.uri, request_id=str(number))
        asked(world, request=request, continues=continues)
    answers.settle_all(ending("FAILED", ()), world.ports, life=0)
    assert [answer.request_id for answer, _ in sent(world)] == ["0"]
    answers.settle_all(ending("FAILED", ()), world.ports, life=1)
    assert [answer.request_id for answer, _ in sent(world)] == ["1"]


def test_a_refusal_says_why_and_leaves_an_id_of_another_request_alone(world):
    answers.refuse(REQUEST, BadRequest("There is no such bucket."), world.ports)
    ((answer, _),) = sent(world)
    assert (answer.state, answer.reason, answer.code) == ("FAILED", "There is no such bucket.", "BadRequest")
    other = TranscribeRequest(uri="gs://audio/b.mp3", request_id="call-2")
    asked(world, request=other)
    answers.refuse(TranscribeRequest(uri=REQUEST.uri, request_id="call-2"), BadRequest("No."), world.ports)
    assert sent(world) == []


def test_keys_are_of_one_length_whatever_the_caller_chose():
    keys = {answers.key_of(one) for one in ("a", "a/b", "é" * 500, "__x__")}
    assert len(keys) == 4
    assert {len(one) for one in keys} == {26}
    assert all(one.isalnum() for one in keys)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (BadRequest("x"), "BadRequest"),
        (EngineFailed("rate", "x"), "rate"),
        (NoEngineLeft("x"), "NoEngineLeft"),
    ],
)
def test_every_failure_has_a_short_code(error, code):
    assert answers.code_of(error) == code
