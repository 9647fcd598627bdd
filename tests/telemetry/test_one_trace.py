"""One trace from an upload to its transcript, whoever goes on with it, and what is measured on the way."""

from __future__ import annotations

from dataclasses import replace

import pytest

from functions import outcome
from functions.push import EVENT_TYPE, FINALIZED
from shared.flow import chunk, dispatch, record, upload
from shared.messages import CHUNKS_DONE, TRANSCRIPTS_READY, ChunkDone, ChunkMessage, decode, encode
from shared.recovery import fallback
from shared.state import dead_letters, documents, failure_log
from shared.telemetry import about_message, attributes
from shared.telemetry.context import TRACEPARENT, of_recording, parse
from tests.world import World, heard


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path)
    yield world
    world.close()


def trace_of(carried):
    found = parse(carried.get(TRACEPARENT, ""))
    return found and found[0]


def transcribe(world, recording):
    """As a worker does it: in the context of each message."""
    for delivery in world.pull("cpu-worker"):
        message = decode(delivery.data, ChunkMessage)
        with about_message(delivery.attributes):
            chunk.commit_result(*heard(recording, message.chunk), world.ports)


def test_every_message_and_span_of_a_recording_has_its_trace(world, told):
    published = []
    publish = world.ports.queue.publish

    def noting(topic, data, carried=None):
        published.append((topic, dict(carried or {})))
        return publish(topic, data, carried)

    world.ports.queue.publish = noting
    recording = upload.on_upload(world.upload(), world.ports)
    trace = parse(recording.traceparent)[0]
    transcribe(world, recording)
    for delivery in world.pull("merger"):
        with about_message(delivery.attributes):
            record.on_chunk_done(decode(delivery.data, ChunkDone), world.ports)
    assert [topic for topic, _ in published] == [CHUNKS_DONE, TRANSCRIPTS_READY]
    assert {trace_of(carried) for _, carried in published} == {trace}
    assert {one.trace for one in told.spans} == {trace}
    names = [one.name for one in told.spans]
    assert {"plan", "merge", "recording"} == set(names)
    [whole] = [one for one in told.spans if one.name == "recording"]
    assert (whole.parent, whole.start) == ("", recording.created)


def test_a_sweep_and_a_document_from_before_traces_were_stored_go_on_in_the_same_trace(world):
    recording = upload.on_upload(world.upload(), world.ports)
    world.pull("cpu-worker")
    old = replace(recording, traceparent="")
    dispatch.publish_chunks(old, world.ports, again=True)
    assert {trace_of(one.attributes) for one in world.pull("cpu-worker")} == {parse(recording.traceparent)[0]}


def test_a_request_brings_its_trace_into_the_recording(world):
    asked = of_recording("the caller's own")
    world.upload()
    with about_message({TRACEPARENT: asked}):
        taken = upload.on_object(world.ports.store.stat("audio", "talk.wav"), world.ports)
    stored = documents.get_recording(world.ports.records, taken.id)
    assert parse(stored.traceparent)[0] == parse(asked)[0]
    assert {trace_of(one.attributes) for one in world.pull("cpu-worker")} == {parse(asked)[0]}


def test_a_message_of_an_older_version_without_a_trace_is_done_all_the_same(world):
    recording = upload.on_upload(world.upload(), world.ports)
    for one in world.pull("cpu-worker"):
        with about_message({"recording": recording.id, "chunk": "0"}):
            assert attributes() == {}
            chunk.commit_result(*heard(recording, decode(one.data, ChunkMessage).chunk), world.ports)
    [*_, last] = world.pull("merger")
    assert TRACEPARENT not in last.attributes
    record.on_chunk_done(decode(last.data, ChunkDone), world.ports)
    assert documents.get_recording(world.ports.records, recording.id).state == "DONE"


def push(data, **carried):
    message = dead_letters.pushed("m-1", data, carried)
    return encode({"message": message, "subscription": "s", "deliveryAttempt": 2})


def test_a_function_works_in_the_trace_of_its_message(world, told):
    seen = []
    body = push(b"x", recording="abc", chunk="1", traceparent=of_recording("abc"))
    outcome.handle({}, body, lambda: world.ports, "merger", lambda *_: seen.append(attributes()))
    [one] = told.spans
    assert (one.name, one.trace, one.attributes["attempt"]) == ("merger", trace_of(seen[0]), 2)
    assert told.of("steps_total") == [(1.0, {"where": "merger", "outcome": "ok"})]


@pytest.mark.parametrize(
    ("body", "counted"), [(push(b"no json", **{EVENT_TYPE: FINALIZED}), "refused"), (push(b"x"), "failed")]
)
def test_a_failed_step_counts_as_failed_only_if_it_is_not_the_senders_fault(world, told, body, counted):
    def step(posted, ports):
        if not posted.attributes:
            raise RuntimeError("a bug")
        outcome.uploaded_object(posted)

    if counted == "failed":
        with pytest.raises(RuntimeError):
            outcome.handle({}, body, lambda: world.ports, "router", step)
        assert told.of("dead_letters_total") == []
    else:
        outcome.handle({}, body, lambda: world.ports, "router", step)
        assert told.of("dead_letters_total") == [(1.0, {"where": "router"})]
    assert told.of("steps_total") == [(1.0, {"where": "router", "outcome": counted})]


def test_a_dead_letter_counts_once_and_of_a_subscription_that_nobody_knows_as_elsewhere(world, told):
    for source in ("merger", "merger", "what/a stranger wrote"):
        letter = dead_letters.pushed(source, b"x", {dead_letters.SOURCE: source})
        dead_letters.keep(letter, world.ports)
    assert told.of("dead_letters_total") == [
        (1.0, {"where": "merger"}),
        (1.0, {"where": failure_log.ELSEWHERE}),
    ]


def test_what_a_recording_took_and_cost_is_measured_against_its_plan(world, told):
    recording = upload.on_upload(world.upload(), world.ports)
    expected = recording.decision.considered[0]
    world.clock.time += 4 * max(expected.wait, record.SHORTEST_WAIT)
    transcribe(world, recording)
    for delivery in world.pull("merger"):
        record.on_chunk_done(decode(delivery.data, ChunkDone), world.ports)
    assert told.of("uploads_total") == [(1.0, {})]
    assert [labels for _, labels in told.of("chunks_total")] == [{"engine": "parakeet-cpu"}]
    assert told.of("recordings_ended_total") == [(1.0, {"state": "DONE"})]
    assert told.of("processing_ratio") == [(pytest.approx(4.0), {})]
    assert told.of("recording_usd") == [(pytest.approx(0.001), {})]
    assert told.of("forecast_usd") == [(expected.usd, {})]
    [(usd, _)] = told.of("usd_per_audio_hour")
    assert usd == pytest.approx(
        0.001 / documents.get_recording(world.ports.records, recording.id).duration * 3600
    )


def test_a_hand_over_is_measured_with_both_engines(world, told):
    settings = replace(world.settings, engines="parakeet-gpu,parakeet-cpu", api_keys={"deepgram": "x" * 20})
    ports = replace(world.ports, settings=settings, engines=frozenset({"parakeet-cpu", "deepgram"}))
    recording = upload.on_upload(world.upload(), ports)
    [delivery, *_] = world.pull("cpu-worker")
    message = decode(delivery.data, ChunkMessage)
    assert fallback.hand_over(message, RuntimeError("broken"), ports).done
    assert told.of("handed_on_total") == [(1.0, {"engine": "parakeet-cpu", "to": "deepgram"})]
    assert recording.fallback.engines
