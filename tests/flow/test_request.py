from __future__ import annotations

import base64
import json
from dataclasses import replace

import pytest

from shared.errors import BadMedia, BadRequest, BucketRefused, ConfigurationError, StoreUnavailable
from shared.flow import chunk, record, request, upload
from shared.messages import ChunkDone, TranscriptReady, decode
from shared.recovery import dead_letter
from shared.settings import Settings
from shared.state import dead_letters, documents
from tests.world import World, heard, replace_unnoticed


def message(number=1, **fields):
    """A Pub/Sub message as push delivers it; its fields are those of a request."""
    data = json.dumps(fields).encode()
    return {"messageId": str(number), "data": base64.b64encode(data).decode(), "attributes": {}}


def ask(world, request_id="r-1", uri="gs://audio/talk.wav", number=1, **fields):
    request.on_request(message(number, uri=uri, request_id=request_id, **fields), world.ports)


@pytest.fixture
def sent(world, monkeypatch):
    """Everything that was published to transcripts-ready, with its attributes."""
    found = []
    publish = world.ports.queue.publish

    def noted(topic, data, attributes=None):
        if topic == "transcripts-ready":
            found.append((decode(data, TranscriptReady), dict(attributes)))
        return publish(topic, data, attributes)

    monkeypatch.setattr(world.ports.queue, "publish", noted)
    return found


def answers_of(sent, request_id="r-1"):
    return [ready for ready, _ in sent if ready.request_id == request_id]


def only(world):
    (recording,) = documents.recordings(world.ports.records)
    return recording


def transcribe(world, recording):
    """What the worker and the merger do with a planned recording."""
    for one in recording.chunks:
        chunk.commit_result(*heard(recording, one), world.ports)
    return record.on_chunk_done(ChunkDone(recording=recording.id, index=0), world.ports)


def letters(world):
    return [fields for _, fields in world.ports.records.query(dead_letters.DEAD_LETTERS)]


def test_a_request_takes_the_way_of_an_upload_and_is_answered_at_its_end(world, sent):
    world.upload()
    ask(world, options={"language": "en"}, metadata={"order": "17"})
    assert len(world.pull("cpu-worker")) == 2
    assert sent == []
    done = transcribe(world, only(world))
    (answer,) = answers_of(sent)
    assert (answer.state, answer.recording, answer.source) == ("DONE", done.id, "gs://audio/talk.wav")
    assert answer.metadata == {"order": "17"}
    assert answer.outputs == tuple(f"gs://transcripts/{name}" for name in done.outputs)
    assert (answer.duration, answer.method, answer.usd) == (60.0, "parakeet", pytest.approx(0.002))
    attributes = next(attributes for ready, attributes in sent if ready.request_id)
    assert attributes == {
        "recording": done.id, "state": "DONE", "request_id": "r-1", "metadata_order": "17",
    }  # fmt: skip


def test_the_recording_is_announced_to_everybody_as_well(world, sent):
    world.upload()
    ask(world)
    transcribe(world, only(world))
    assert [ready.request_id for ready, _ in sent] == [None, "r-1"]


def test_requests_for_the_same_recording_get_an_answer_each_and_pay_for_it_once(world, sent):
    world.upload()
    for number in (1, 2, 3):
        ask(world, f"r-{number}", metadata={"n": str(number)}, number=number)
    assert len(world.pull("cpu-worker")) == 2
    transcribe(world, only(world))
    for number in (1, 2, 3):
        (answer,) = answers_of(sent, f"r-{number}")
        assert answer.metadata == {"n": str(number)}


def test_a_request_for_what_an_upload_began_waits_for_its_end(world, sent):
    begun = upload.on_upload(world.upload(), world.ports)
    world.pull("cpu-worker")
    ask(world)
    assert only(world).id == begun.id
    assert world.pull("cpu-worker") == []
    transcribe(world, begun)
    assert [one.state for one in answers_of(sent)] == ["DONE"]


def test_a_request_for_what_is_done_is_answered_at_once(world, sent):
    world.upload()
    ask(world)
    done = transcribe(world, only(world))
    ask(world, "later", number=2)
    (answer,) = answers_of(sent, "later")
    assert (answer.state, answer.outputs) == ("DONE", answers_of(sent)[0].outputs)
    assert only(world) == done


def test_a_request_delivered_again_gets_the_same_answer_again(world, sent):
    world.upload()
    ask(world)
    recording = transcribe(world, only(world))
    chunk.commit_result(*heard(recording, recording.chunks[0], attempt="late"), world.ports)
    assert record.cost(recording.id, world.ports) == pytest.approx(0.003)
    ask(world)
    first, again = answers_of(sent)
    assert first == again
    assert first.usd == pytest.approx(0.002)


def test_a_request_delivered_again_before_its_end_publishes_nothing_again(world, sent):
    world.upload()
    ask(world)
    assert len(world.pull("cpu-worker")) == 2
    ask(world)
    assert world.pull("cpu-worker") == []
    assert sent == []


def test_a_request_means_the_object_as_it_was_when_it_first_came(world, sent):
    world.upload()
    ask(world)
    before = only(world)
    path = world.settings.state_dir / "audio" / "talk.wav"
    path.write_bytes(b"another sound")
    ask(world)
    assert only(world) == before


def test_a_request_for_another_version_with_the_same_time_is_not_answered_with_the_transcript_of_the_first(
    world, sent
):
    world.upload()
    ask(world)
    transcribe(world, only(world))
    replace_unnoticed(world.settings.state_dir / "audio" / "talk.wav", b"another, longer sound")
    ask(world, "later", number=2)
    (answer,) = answers_of(sent, "later")
    assert (answer.state, answer.code) == ("FAILED", "missing")
    assert "Give it a new time, e.g. with `touch`" in answer.reason


def test_without_options_those_of_the_object_count_and_with_options_only_they(world, monkeypatch):
    world.upload()
    plain = world.ports.store.stat("audio", "talk.wav")
    tagged = replace(plain, metadata={"dropscribe-language": "fr", "dropscribe-track": "1"})
    monkeypatch.setattr(world.ports.store, "stat", lambda *_: tagged)
    ask(world, "bare")
    ask(world, "own", options={"language": "de"}, number=2)
    found = {(one.options.language, one.options.track) for one in documents.recordings(world.ports.records)}
    assert found == {("fr", 1), ("de", 0)}


def test_a_missing_object_is_a_failed_answer_and_not_tried_again(world, sent):
    ask(world, uri="gs://audio/no such.wav")
    (answer,) = answers_of(sent)
    assert (answer.state, answer.code, answer.recording) == ("FAILED", "missing", "")
    assert "gs://audio/no such.wav" in answer.reason
    world.upload("no such.wav")
    ask(world, uri="gs://audio/no such.wav")
    assert answers_of(sent) == [answer, answer]


def test_an_unknown_bucket_is_a_failed_answer(world, sent):
    ask(world, uri="gs://elsewhere/talk.wav")
    (answer,) = answers_of(sent)
    assert answer.state == "FAILED"
    assert "elsewhere" in answer.reason


def test_bad_media_are_a_failed_answer_with_the_reason(world, sent):
    world.media.error = BadMedia("no-audio", "There is no audio track in this video.")
    world.upload()
    ask(world)
    (answer,) = answers_of(sent)
    assert (answer.state, answer.code) == ("FAILED", "no-audio")
    assert answer.reason == "There is no audio track in this video."


def test_what_failed_before_it_was_asked_for_is_tried_again(world, sent):
    world.media.error = BadMedia("limit", "Too slow.")
    world.upload()
    ask(world)
    world.media.error = None
    world.clock.time += 10
    ask(world, "second", number=2)
    assert only(world).state == "PLANNED"
    transcribe(world, only(world))
    assert [one.state for one in answers_of(sent, "second")] == ["DONE"]
    assert [one.state for one in answers_of(sent)] == ["FAILED"]


def test_a_file_of_a_machine_cannot_be_asked_for_in_the_cloud(tmp_path):
    world = World(tmp_path, platform="google", project="some-project")
    try:
        with pytest.raises(BadRequest, match="is a local file"):
            request.locate("file:///etc/passwd", world.ports)
    finally:
        world.close()


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"uri": "gs://audio/talk.wav", "options": {"speed": 2}}, "`speed`"),
        ({"uri": "gs://audio/talk.wav", "options": {"method": "whisper"}}, "method must be one of auto"),
        ({"uri": "gs://audio/talk.wav", "options": {"track": "two"}}, "track must be a whole number"),
        ({"uri": "gs://audio/talk.wav", "colour": "red"}, "`colour`"),
        ({"uri": "https://example.com/talk.wav"}, "uri must be gs://bucket/name"),
        ({}, "`uri`"),
        ({"uri": "gs://audio/talk.wav", "metadata": {"a b": "c"}}, "metadata must be up to 32 texts"),
    ],
)
def test_a_malformed_request_is_answered_with_what_is_wrong_and_kept(world, sent, fields, says):
    request.on_request(message(request_id="r-1", **fields), world.ports)
    (answer,) = answers_of(sent)
    assert (answer.state, answer.code) == ("FAILED", "BadRequest")
    assert says in answer.reason
    (letter,) = letters(world)
    assert letter["attributes"]["dropscribe-error"] == answer.reason
    assert json.loads(letter["data"])["request_id"] == "r-1"
    assert list(documents.recordings(world.ports.records)) == []


def test_metadata_that_are_valid_come_back_with_the_refusal(world, sent):
    ask(world, uri="ftp://x", metadata={"order": "17"})
    assert answers_of(sent)[0].metadata == {"order": "17"}


@pytest.mark.parametrize(
    "data", [b"", b"not json", b"[]", b'{"uri": "gs://audio/x"}', b'{"request_id": 5}', b"\xff"]
)
def test_a_request_that_nobody_could_be_answered_is_kept_and_dropped(world, sent, data):
    letter = {"messageId": "7", "data": base64.b64encode(data).decode(), "attributes": {"from": "crm"}}
    request.on_request(letter, world.ports)
    assert sent == []
    assert [one["attributes"]["from"] for one in letters(world)] == ["crm"]


def test_a_message_that_is_not_base64_is_kept_and_dropped(world, sent):
    request.on_request({"messageId": "7", "data": "é"}, world.ports)
    assert len(letters(world)) == 1


def test_a_request_id_used_for_something_else_is_kept_and_the_first_answer_stands(world, sent):
    world.upload()
    ask(world)
    ask(world, uri="gs://audio/other.wav", number=2)
    assert answers_of(sent) == []
    done = transcribe(world, only(world))
    ask(world, uri="gs://audio/other.wav", number=3)
    ask(world, number=4, colour="red")
    assert {(one.recording, one.state) for one in answers_of(sent)} == {(done.id, "DONE")}
    assert len(letters(world)) == 3
    assert "was used before, with another uri" in letters(world)[0]["attributes"]["dropscribe-error"]


def test_a_request_id_used_for_something_else_tells_nothing_of_the_first_request(world, sent):
    world.upload()
    ask(world)
    transcribe(world, only(world))
    before = len(sent)
    ask(world, uri="gs://audio/other.wav", number=2)
    assert len(sent) == before
    assert [one for one in letters(world) if "talk.wav" in one["attributes"]["dropscribe-error"]] == []


@pytest.mark.parametrize("bucket", ["transcripts", "work", "files", "mail"])
def test_a_bucket_that_requests_may_not_name_is_refused_without_a_look_into_it(
    world, sent, bucket, monkeypatch
):
    monkeypatch.setattr(world.ports.store, "stat", None)
    ask(world, uri=f"gs://{bucket}/secret.wav")
    [answer] = answers_of(sent)
    assert (answer.state, answer.code) == ("FAILED", "BadRequest")
    assert "DROPSCRIBE_REQUEST_BUCKETS" in answer.reason


def test_requests_may_name_the_buckets_that_are_listed_and_no_other():
    settings = Settings(request_buckets="mail,calls")
    request.check_bucket("gs://calls/talk.wav", settings)
    for bucket in ("audio", "call", "calls2", ""):
        with pytest.raises(BadRequest, match="DROPSCRIBE_REQUEST_BUCKETS"):
            request.check_bucket(f"gs://{bucket}/talk.wav", settings)


def test_a_transient_failure_is_left_to_the_next_delivery(world, sent, monkeypatch):
    world.upload()

    def unavailable(*_):
        raise StoreUnavailable("the store sleeps")

    with monkeypatch.context() as patch:
        patch.setattr(world.ports.store, "stat", unavailable)
        with pytest.raises(StoreUnavailable):
            ask(world)
    assert sent == []
    ask(world)
    assert only(world).state == "PLANNED"


def test_a_request_that_was_given_up_is_answered(world, sent):
    letter = message(9, uri="gs://audio/talk.wav", request_id="r-1", options={"track": 1})
    letter["attributes"] = {
        dead_letters.SOURCE: "requests", dead_letters.COUNT: "5", dead_letters.ERROR: "the store sleeps",
    }  # fmt: skip
    dead_letter.on_dead_letter(letter, world.ports)
    (answer,) = answers_of(sent)
    assert answer.state == "FAILED"
    assert "Gave up after 5 tries in requests: the store sleeps" in answer.reason


def test_a_request_that_was_given_up_while_its_recording_goes_on_is_answered_by_its_end(world, sent):
    world.upload()
    ask(world)
    dead_letter.on_dead_letter(message(9, uri="gs://audio/talk.wav", request_id="r-1"), world.ports)
    assert sent == []
    transcribe(world, only(world))
    assert [one.state for one in answers_of(sent)] == ["DONE"]


class Died(BaseException):
    """The process is gone."""


@pytest.mark.parametrize("reply_lost", [False, True], ids=["before the effect", "after the effect"])
def test_a_request_is_answered_wherever_its_process_dies(world, sent, monkeypatch, reply_lost):
    effects = [
        (world.ports.records, "create"),
        (world.ports.records, "update"),
        (world.ports.queue, "publish"),
    ]

    def everything(name):
        ask(world, name, f"gs://audio/{name}")
        world.pull("cpu-worker")
        recordings = documents.recordings(world.ports.records)
        transcribe(world, next(one for one in recordings if one.source.name == name))

    def dies_at(step):
        left = [step]

        def mortal(call):
            def called(*arguments):
                left[0] -= 1
                if left[0] == 0 and not reply_lost:
                    raise Died
                result = call(*arguments)
                if left[0] == 0:
                    raise Died
                return result

            return called

        with monkeypatch.context() as patch:
            for port, name in effects:
                patch.setattr(port, name, mortal(getattr(port, name)))
            try:
                everything(f"{step}.wav")
            except Died:
                return True
        return False

    step = 1
    world.upload(f"{step}.wav")
    while dies_at(step):
        world.clock.time += 60
        everything(f"{step}.wav")
        found = answers_of(sent, f"{step}.wav")
        assert found
        assert all(one == found[0] and one.state == "DONE" for one in found)
        step += 1
        world.upload(f"{step}.wav")
    assert step > 15


def test_a_bucket_that_the_caller_named_wrongly_is_answered_at_once(world, sent, monkeypatch):
    def refused(*_):
        raise BucketRefused("there is no bucket audio")

    monkeypatch.setattr(world.ports.store, "stat", refused)
    ask(world)
    (answer,) = answers_of(sent)
    assert (answer.state, answer.reason) == ("FAILED", "there is no bucket audio")


def test_a_login_of_ours_that_has_run_out_is_not_held_against_the_caller(world, sent, monkeypatch):
    world.upload()
    with monkeypatch.context() as patch:

        def expired(*_):
            raise ConfigurationError("log in again")

        patch.setattr(world.ports.store, "stat", expired)
        with pytest.raises(ConfigurationError):
            ask(world)
    assert sent == []
    ask(world)
    assert only(world).state == "PLANNED"
