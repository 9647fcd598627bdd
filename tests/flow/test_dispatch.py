"""The messages of a plan: to whom they go, and which of them are published again."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.errors import UnderWay
from shared.flow import chunk, dispatch, upload
from shared.messages import ChunkDone, ChunkMessage, decode, object_from_event
from shared.model import Options
from shared.planning import plan
from shared.state import claims, documents
from tests.world import heard


def planned(world, name="talk.wav", **changes):
    recording = upload.on_upload(world.upload(name), world.ports)
    world.pull("cpu-worker")
    key = recording.id
    return documents.change_recording(world.ports, key, lambda one: replace(one, **changes))


def messages(world, subscription="cpu-worker"):
    return [decode(one.data, ChunkMessage) for one in world.pull(subscription)]


def test_a_message_says_all_that_an_engine_needs_and_of_which_chunk_it_is(world):
    recording = planned(world)
    dispatch.publish_chunks(recording, world.ports, again=True)
    deliveries = world.pull("cpu-worker")
    assert [dict(one.attributes) for one in deliveries] == [
        {"recording": recording.id, "chunk": "0", "traceparent": recording.traceparent},
        {"recording": recording.id, "chunk": "1", "traceparent": recording.traceparent},
    ]
    first = decode(deliveries[0].data, ChunkMessage)
    assert (first.source, first.options, first.audio) == (
        recording.source,
        recording.options,
        recording.audio,
    )
    assert (first.chunk, first.model, first.turn) == (recording.chunks[0], recording.decision.model, 0)


def test_what_was_published_is_not_published_again_unless_somebody_asks(world):
    recording = planned(world)
    assert recording.published == 2
    dispatch.publish_chunks(recording, world.ports)
    assert messages(world) == []
    dispatch.publish_chunks(recording, world.ports, again=True)
    assert len(messages(world)) == 2


@pytest.mark.parametrize(
    "meanwhile",
    [
        pytest.param(lambda one: replace(one, life=one.life + 1, published=0), id="tried again"),
        pytest.param(lambda one: replace(one, chunks=plan.extend(one.chunks), published=0), id="continued"),
        pytest.param(lambda one: replace(one, planned=one.planned + 1.0, published=0), id="results gone"),
    ],
)
@pytest.mark.parametrize("ours", [True, False])
def test_who_publishes_so_slowly_that_there_is_more_to_publish_notes_nothing(
    world, monkeypatch, meanwhile, ours
):
    recording = planned(world, published=0)
    world.clock.time += dispatch.PUBLISHED_WITHIN
    publish_many = world.ports.queue.publish_many

    def slow(*given):
        documents.change_recording(world.ports, recording.id, meanwhile)
        return publish_many(*given)

    monkeypatch.setattr(world.ports.queue, "publish_many", slow)
    dispatch.publish_chunks(recording, world.ports, ours=ours)
    assert documents.get_recording(world.ports.records, recording.id).published == 0


def test_who_publishes_so_slowly_that_its_messages_are_removed_meanwhile_notes_nothing(world, monkeypatch):
    """Whoever removes them finds nothing noted as published yet."""
    recording = planned(world, published=0)
    publish_many = world.ports.queue.publish_many

    def slow(*given):
        ids = publish_many(*given)
        world.ports.queue.purge("recording", recording.id)
        dispatch.forget_published(recording.id, world.ports)
        return ids

    monkeypatch.setattr(world.ports.queue, "publish_many", slow)
    dispatch.publish_chunks(recording, world.ports, ours=True)
    assert documents.get_recording(world.ports.records, recording.id).published == 0


def test_whoever_publishes_in_place_of_a_dead_process_notes_it(world):
    recording = planned(world, published=0)
    world.clock.time += dispatch.PUBLISHED_WITHIN
    dispatch.publish_chunks(recording, world.ports)
    assert documents.get_recording(world.ports.records, recording.id).published == 2


def test_only_chunks_that_were_never_published_are_and_that_is_noted(world):
    recording = planned(world, published=1)
    dispatch.publish_chunks(recording, world.ports, ours=True)
    assert [one.chunk.index for one in messages(world)] == [1]
    assert documents.get_recording(world.ports.records, recording.id).published == 2


def test_a_chunk_with_a_result_is_left_out_and_after_the_last_one_the_merger_is_told(world):
    recording = planned(world)
    chunk.commit_result(*heard(recording, recording.chunks[0]), world.ports)
    dispatch.publish_chunks(recording, world.ports, again=True)
    assert [one.chunk.index for one in messages(world)] == [1]
    chunk.commit_result(*heard(recording, recording.chunks[1]), world.ports)
    world.pull("merger")
    dispatch.publish_chunks(recording, world.ports, again=True)
    assert messages(world) == []
    assert [decode(one.data, ChunkDone).index for one in world.pull("merger")] == [1]


def test_a_recording_that_ended_gets_no_messages(world):
    dispatch.publish_chunks(planned(world, state="DONE"), world.ports, again=True)
    assert messages(world) == []


def test_a_chunk_that_was_handed_over_goes_to_its_engine_and_is_noted_as_out(world):
    recording = planned(world)
    first = claims.first_of(dispatch.missing(recording, world.ports)[0])
    claim = claims.change(
        first, lambda one: replace(one, engine="deepgram", turn=1, published=False), world.ports
    )
    dispatch.publish_turn(recording, claim, world.ports)
    (message,) = messages(world, "deepgram")
    assert (message.chunk.engine, message.turn) == ("deepgram", 1)
    assert claims.find(message, world.ports.records).published


def test_a_chunk_planned_for_a_hosted_engine_gets_weights_of_ours_when_it_comes_to_us(world):
    recording = planned(world)
    hosted = replace(recording, decision=replace(recording.decision, model="nova-3"))
    chunk_of_theirs = replace(recording.chunks[0], engine="deepgram")
    theirs = dispatch.chunk_message(hosted, chunk_of_theirs, None, world.ports)
    assert theirs.model == "nova-3"
    claim = replace(claims.first_of(theirs), engine="parakeet-cpu", turn=1)
    ours = dispatch.chunk_message(hosted, chunk_of_theirs, claim, world.ports)
    assert (ours.chunk.engine, ours.model) == ("parakeet-cpu", world.settings.model)


def test_of_two_who_publish_a_plan_because_its_maker_died_one_does(world):
    accepted = upload.accept(object_from_event(world.upload()), Options(), world.ports)
    planned = upload.freeze_plan(accepted, world.ports)
    made = planned.record
    assert planned.by_us
    world.clock.time += dispatch.PUBLISHED_WITHIN
    dispatch.publish_chunks(made, world.ports)
    # The other one read the recording in the same moment.
    with pytest.raises(UnderWay):
        dispatch.publish_chunks(made, world.ports)
    assert world.ports.queue.pending("cpu-worker") == len(made.chunks) > 0
