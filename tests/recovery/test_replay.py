"""A dead letter is published again as it was, once; what it ended is continued instead."""

from __future__ import annotations

import base64
import json
from dataclasses import replace

import pytest

from shared.errors import BadMedia, BadRequest, StoreUnavailable
from shared.flow import chunk, record, request, upload
from shared.messages import TRANSCRIPTS_READY, ChunkDone, ChunkMessage, decode, encode
from shared.recovery import dead_letter, fallback, replay
from shared.state import dead_letters, documents, failure_log
from shared.topology import EXPORTER
from tests.world import heard


def given_up(world, subscription, data, attributes=None, number="7"):
    """Handle a dead letter of a subscription as the sweeper does; gives it as it is kept."""
    added = {
        dead_letters.SOURCE: subscription,
        dead_letters.COUNT: "15",
        "CloudPubSubDeadLetterSourceSubscriptionProject": "p",
        "CloudPubSubDeadLetterSourceTopicPublishTime": "t",
        "googclient_deliveryattempt": "15",
        dead_letters.ERROR: "the store sleeps",
    }
    dead_letter.on_dead_letter(
        {
            "messageId": number,
            "data": base64.b64encode(data).decode(),
            "attributes": {**(attributes or {}), **added},
        },
        world.ports,
    )
    world.clock.time += 1
    return dead_letters.find(number, world.ports.records)


def exhausted(delivery):
    """The message of a chunk that was published again as often as may be."""
    message = decode(delivery.data, ChunkMessage)
    return encode(replace(message, again=dead_letter.MOST_ROUNDS))


def stored(world, recording):
    return documents.get_recording(world.ports.records, recording.id)


def requests_of(world):
    return [json.loads(one.data) for one in world.pull("requests")]


def test_it_goes_where_it_came_from_with_its_own_attributes_only(world):
    letter = given_up(world, "merger", b'{"recording": "r", "index": 1}', {"recording": "r", "chunk": "1"})
    assert replay.obstacle(letter, world.ports) == ""
    assert replay.replay(letter, world.ports) == "published"
    (one,) = world.pull("merger")
    assert one.data == b'{"recording": "r", "index": 1}'
    assert one.attributes == {"recording": "r", "chunk": "1"}


@pytest.mark.parametrize("where", [EXPORTER, "webhooks"])
def test_a_transcript_that_could_not_be_written_or_told_is_handed_over_again(world, monkeypatch, where):
    recording = upload.on_upload(world.upload(), world.ports)
    for one in recording.chunks:
        chunk.commit_result(*heard(recording, one), world.ports)
    record.on_chunk_done(ChunkDone(recording=recording.id, index=0), world.ports)
    done = stored(world, recording)
    assert done.state == "DONE"
    attributes = {"recording": done.id, "state": "DONE"}
    letter = given_up(world, where, encode(record.ending(done, world.ports)), attributes)
    published = []
    monkeypatch.setattr(world.ports.queue, "publish", lambda *message: published.append(message))
    assert replay.obstacle(letter, world.ports) == ""
    assert replay.replay(letter, world.ports) == "published"
    assert [(one[0], one[2]) for one in published] == [(TRANSCRIPTS_READY, attributes)]


def test_it_is_not_published_twice_by_accident(world):
    letter = given_up(world, "merger", b"{}")
    replay.replay(letter, world.ports)
    with pytest.raises(BadRequest, match="replayed"):
        replay.replay(letter, world.ports)
    again = dead_letters.find("7", world.ports.records)
    assert "was replayed" in replay.obstacle(again, world.ports)
    assert replay.obstacle(again, world.ports, again=True) == ""
    replay.replay(again, world.ports, again=True)
    assert len(world.pull("merger")) == 2


def test_one_that_could_not_be_published_says_so_and_counts_as_replayed(world, monkeypatch):
    letter = given_up(world, "merger", b"{}")

    def away(*_):
        raise StoreUnavailable("Pub/Sub does not answer")

    with monkeypatch.context() as patch:
        patch.setattr(world.ports.queue, "publish", away)
        with pytest.raises(StoreUnavailable):
            replay.replay(letter, world.ports)
    kept = dead_letters.find("7", world.ports.records)
    assert "--again" in replay.obstacle(kept, world.ports)
    replay.replay(kept, world.ports, again=True)
    assert len(world.pull("merger")) == 1


def test_the_recording_that_it_ended_is_continued(world):
    recording = upload.on_upload(world.upload(), world.ports)
    lost, other = world.pull("cpu-worker")
    letter = given_up(world, "cpu-worker", exhausted(lost), lost.attributes)
    assert stored(world, recording).state == "FAILED"
    assert replay.replay(letter, world.ports) == "continued"
    assert world.pull("cpu-worker") == []
    (asked,) = requests_of(world)
    request.on_request({"messageId": "r", "data": _encoded(asked), "attributes": {}}, world.ports)
    assert stored(world, recording).state == "PLANNED"
    again = [decode(one.data, ChunkMessage) for one in world.pull("cpu-worker")]
    assert [one.chunk.index for one in again if chunk.is_wanted(one, world.ports)] == [0, 1]
    assert not chunk.is_wanted(decode(other.data, ChunkMessage), world.ports)


def _encoded(fields):
    return base64.b64encode(json.dumps(fields).encode()).decode()


def test_an_upload_that_was_never_planned_is_continued(world):
    event = world.upload()
    recording = upload.accept(world.ports.store.stat("audio", "talk.wav"), upload.Options(), world.ports)
    data = json.dumps(event).encode()
    for attempt in range(fallback.MOST_FAILURES):
        failure_log.note(
            StoreUnavailable("the store sleeps"),
            world.ports,
            where="router",
            message_id="1",
            attempt=attempt,
            attributes={},
            data=data,
        )
    letter = given_up(world, "router", data)
    assert stored(world, recording).state == "FAILED"
    assert letter.about.recording == recording.id
    assert replay.replay(letter, world.ports) == "continued"
    assert requests_of(world)[0]["uri"] == "gs://audio/talk.wav"


def test_a_chunk_that_goes_on_has_no_second_message(world):
    upload.on_upload(world.upload(), world.ports)
    lost, _ = world.pull("cpu-worker")
    letter = given_up(world, "cpu-worker", lost.data, lost.attributes)
    assert "published again" in replay.obstacle(letter, world.ports)
    with pytest.raises(BadRequest, match="published again"):
        replay.replay(letter, world.ports)
    (again,) = world.pull("cpu-worker")
    assert decode(again.data, ChunkMessage).again == 1


def test_a_recording_that_failed_for_another_reason_is_left(world):
    recording = upload.on_upload(world.upload(), world.ports)
    (lost, _) = world.pull("cpu-worker")
    record.fail(recording.id, BadMedia("no-audio", "There is no audio in it."), world.ports)
    world.clock.time += 1
    letter = given_up(world, "cpu-worker", lost.data, lost.attributes)
    assert "failed before" in replay.obstacle(letter, world.ports)
    with pytest.raises(BadRequest, match="failed before"):
        replay.replay(letter, world.ports)
    assert world.pull("requests") == []


def test_a_message_about_what_is_done_has_nothing_left_to_do(world):
    recording = upload.on_upload(world.upload(), world.ports)
    for one in recording.chunks:
        chunk.commit_result(*heard(recording, one), world.ports)
    letter = given_up(world, "merger", json.dumps({"recording": recording.id, "index": 1}).encode(),
                      {"recording": recording.id, "chunk": "1"})  # fmt: skip
    record.on_chunk_done(ChunkDone(recording=recording.id, index=0), world.ports)
    assert "DONE" in replay.obstacle(letter, world.ports)


def test_one_whose_recording_file_is_gone_is_not_continued(world):
    upload.on_upload(world.upload(), world.ports)
    (lost, _) = world.pull("cpu-worker")
    letter = given_up(world, "cpu-worker", exhausted(lost), lost.attributes)
    (world.settings.state_dir / "audio" / "talk.wav").unlink()
    assert "file is gone" in replay.obstacle(letter, world.ports)


def test_a_request_that_was_answered_keeps_its_answer(world):
    data = json.dumps({"uri": "gs://audio/talk.wav", "request_id": "r-1"}).encode()
    letter = given_up(world, "requests", data)
    assert "request_id" in replay.obstacle(letter, world.ports)


def test_a_refused_event_says_where_it_came_from(world):
    dead_letters.keep(
        {"messageId": "8", "data": base64.b64encode(b"[]").decode()}, world.ports, "no", where="router"
    )
    letter = dead_letters.find("8", world.ports.records)
    assert (letter.source, letter.error) == ("router", "no")
    replay.replay(letter, world.ports)
    (one,) = world.pull("router")
    assert (one.data, one.attributes) == (b"[]", {})


@pytest.mark.parametrize(
    ("data", "where", "says"),
    [
        (b"\xff\xfe", "merger", "not text"),
        (b"x" * (dead_letters.MOST_KEPT + 1), "merger", "only the beginning"),
        (b"{}", "", "where it came from"),
        (b"{}", "eventarc-x", "where it came from"),
    ],
)
def test_what_was_not_kept_whole_or_has_no_origin_is_refused(world, data, where, says):
    dead_letters.keep({"messageId": "8", "data": base64.b64encode(data).decode()}, world.ports, where=where)
    letter = dead_letters.find("8", world.ports.records)
    assert says in replay.obstacle(letter, world.ports)
    with pytest.raises(BadRequest, match=says):
        replay.replay(letter, world.ports)


def test_a_letter_of_an_older_version_can_be_read(world):
    world.ports.records.create(dead_letters.DEAD_LETTERS, "old", {"time": 1.0})
    letter = dead_letters.find("old", world.ports.records)
    assert (letter.source, letter.text, letter.about.recording, letter.replayed) == ("", "", "", None)
    assert "where it came from" in replay.obstacle(letter, world.ports)
