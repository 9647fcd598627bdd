"""A message that nobody can read is kept and acknowledged; it does not come back for ever."""

from __future__ import annotations

import base64

import pytest

from shared.errors import BadRequest
from shared.flow import request
from shared.messages import ChunkMessage, TranscribeRequest, decode, readable_part, request_from_json
from shared.recovery import dead_letter
from shared.state import answers, dead_letters, failure_log
from tests.world import World

NESTED = b'{"request_id":"r","uri":"gs://calls/x","x":' + b"[" * 3000 + b"]" * 3000 + b"}"


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path)
    yield world
    world.close()


def message(data):
    return {"messageId": "1", "data": base64.b64encode(data).decode(), "attributes": {}}


def test_nested_brackets_are_a_bad_request_wherever_they_are_read(world):
    for read in (lambda: decode(NESTED, ChunkMessage), lambda: request_from_json(NESTED)):
        with pytest.raises(BadRequest):
            read()
    assert readable_part(NESTED) == TranscribeRequest(uri="gs://calls/x", request_id="r")
    assert failure_log.about({}, NESTED) == failure_log.About(request="r")


@pytest.mark.parametrize(
    "odd", ["1e999", "9" * 6000, "-" + "9" * 400, r'"\ud800"', "[1e999, " + "[" * 3000 + "]" * 3001]
)
def test_a_request_is_answered_whatever_else_it_says(world, odd):
    data = (
        b'{"request_id": "r", "uri": "gs://calls/x", "metadata": {"track": "2"}, "x": ' + odd.encode() + b"}"
    )
    assert readable_part(data) == TranscribeRequest(
        uri="gs://calls/x", request_id="r", metadata={"track": "2"}
    )
    request.on_request(message(data), world.ports)
    assert answers.find("r", world.ports.records).answer.state == "FAILED"


@pytest.mark.parametrize(
    "data",
    [
        b'\xef\xbb\xbf{"request_id": "r"}',
        b'{"request_id": "r", "x": NaN}',
        b'{"request_id": "r", "x": "\xe9"}',
    ],
)
def test_it_is_answered_too_if_it_is_hardly_json(data):
    assert readable_part(data) == TranscribeRequest(uri="", request_id="r")


def test_of_what_cannot_be_stored_nothing_is_read():
    half = rb'{"request_id": "r", "uri": "gs://calls/\ud800", "metadata": {"a": "\udfff"}}'
    assert readable_part(half) == TranscribeRequest(uri="", request_id="r")
    for data in (rb'{"request_id": "\ud800"}', b'["request_id"]', b'{"request_id": 1}', b"\xff", b"{", b""):
        assert readable_part(data) is None


def test_a_request_of_nested_brackets_is_answered(world):
    request.on_request(message(NESTED), world.ports)
    asked = answers.find("r", world.ports.records)
    assert (asked.answer.state, asked.answer.code) == ("FAILED", "BadRequest")


@pytest.mark.parametrize("handle", [request.on_request, dead_letter.on_dead_letter])
def test_such_a_message_is_kept_once_and_raises_nothing(world, handle):
    handle(message(NESTED), world.ports)
    handle(message(NESTED), world.ports)
    assert world.ports.records.count(dead_letters.DEAD_LETTERS) == 1
