"""Events, requests, chunk messages and chunk results that nobody should send."""

from __future__ import annotations

import base64
import json
from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from local.runtime.subscriptions import in_process
from shared.engines import DEEPGRAM
from shared.errors import DropscribeError, EngineFailed
from shared.flow import dispatch, record, upload
from shared.flow.chunk import commit_result, result_name
from shared.messages import ChunkDone, ChunkMessage, decode, encode
from shared.state import documents
from shared.topology import DEAD_LETTERS, MERGER, REQUESTS, ROUTER
from tests.hostile.fuzz import VALUES, bounded, hostile
from tests.world import World, heard

FUZZ = settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
    ],
)

EVENT = {
    "bucket": "audio", "name": "talk.wav", "generation": "1763626000000001", "size": "5",
    "contentType": "audio/wav", "metadata": {"dropscribe-track": "0", "author": "somebody"},
}  # fmt: skip
REQUEST = {
    "uri": "gs://audio/talk.wav", "request_id": "call-1", "metadata": {"team": "sales"},
    "options": {"method": "auto", "language": "en", "track": 0, "keyterms": "one, two", "diarize": False},
}  # fmt: skip


class Unreachable:
    """Deepgram behind a cut cable."""

    def transcribe(self, _job):
        raise EngineFailed("unreachable", "There is no connection.")


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path, chunk_minutes=0.5)
    world.ports = replace(
        world.ports, engines=frozenset({"parakeet-cpu", "deepgram"}), hosted={"deepgram": Unreachable()}
    )
    world.upload()
    yield world
    world.close()


def push(data, **attributes):
    message = {"messageId": "m", "data": base64.b64encode(data).decode(), "attributes": attributes}
    return json.dumps({"message": message, "subscription": "s"}).encode()


def taken(world, subscription, body):
    """Give a body to the function of a subscription; whatever it is, it is done or comes again for a reason."""
    with suppress(DropscribeError):
        in_process(world.ports)[subscription](body)


@FUZZ
@given(data=st.data())
def test_a_hostile_event_is_an_upload_or_a_mistake(world, data):
    event = data.draw(hostile(EVENT))
    with bounded(seconds=5, megabytes=300):
        taken(world, ROUTER, push(event))


@FUZZ
@given(data=st.data())
def test_a_hostile_request_is_carried_out_or_refused(world, data):
    request = data.draw(hostile(REQUEST))
    with bounded(seconds=5, megabytes=300):
        taken(world, REQUESTS, push(request))


def message_of(world):
    recording = next(documents.recordings(world.ports.records), None)
    if recording is None:
        recording = upload.on_upload(json.loads(json.dumps(EVENT)), world.ports)
    return recording, dispatch.chunk_message(recording, recording.chunks[0], None, world.ports)


@FUZZ
@given(data=st.data(), subscription=st.sampled_from([DEEPGRAM.subscription, MERGER, DEAD_LETTERS]))
def test_a_hostile_message_of_a_chunk_is_done_or_a_mistake(world, data, subscription):
    recording, message = message_of(world)
    sent = replace(message, chunk=replace(message.chunk, engine=DEEPGRAM.name))
    whole = json.loads(encode(sent if subscription != MERGER else ChunkDone(recording=recording.id, index=0)))
    body = push(data.draw(hostile(whole)), recording=recording.id, chunk="0")
    with bounded(seconds=5, megabytes=300):
        taken(world, subscription, body)


@FUZZ
@given(data=st.data())
def test_a_hostile_result_of_a_chunk_ends_the_recording_or_comes_again(world, data):
    name = f"{data.draw(st.integers(0, 10**12))}.wav"
    recording = upload.on_upload(EVENT | {"name": name}, world.ports)
    first, *others = recording.chunks
    result, row = heard(recording, first)
    bad = data.draw(hostile(json.loads(encode(result))))
    world.ports.store.create("work", result_name(recording.id, 0), bad, "application/json")
    with bounded(seconds=10, megabytes=300):
        with suppress(DropscribeError):
            commit_result(result, row, world.ports)
        world.ports.records.create(
            documents.CHUNKS, documents.chunk_key(recording.id, 0), {"recording": recording.id, "index": 0}
        )
        for one in others:
            commit_result(*heard(recording, one), world.ports)
        with suppress(DropscribeError):
            record.on_chunk_done(ChunkDone(recording=recording.id, index=0), world.ports)


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
@pytest.mark.parametrize("kind", [ChunkMessage, ChunkDone])
def test_no_value_in_place_of_a_message_is_more_than_a_mistake(kind, value):
    with bounded(seconds=5, megabytes=300), pytest.raises(DropscribeError):
        decode(value.encode(), kind)
