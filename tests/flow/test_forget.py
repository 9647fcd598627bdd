"""A recording is deleted with all that is stored of it, and nothing that comes late brings it back."""

from __future__ import annotations

import base64
import json
from dataclasses import replace

import pytest

from shared.errors import BadRequest, Permanent, StoreUnavailable, Transient
from shared.flow import chunk, erase, forget, record, request, retry, upload
from shared.flow.chunk import result_name
from shared.messages import ChunkDone, ChunkMessage, TranscriptReady, decode, encode
from shared.recovery import dead_letter
from shared.state import answers, dead_letters, documents, failure_log, uploads
from shared.sweep import sweep
from shared.webhooks import deliver
from tests.flow.diarization.crowd import crowd, voice
from tests.world import heard, ledger_rows, replace_unnoticed

DAY = 86_400.0
NAME, WORDS = "zanzibar.wav", "one two three"


def message(data, **attributes):
    return dead_letters.pushed("m1", json.dumps(data).encode(), attributes)


def ask(world, request_id="my-zanzibar-1", **more):
    said = {"uri": f"gs://audio/{NAME}", "request_id": request_id, **more}
    request.on_request(message(said), world.ports)


def stored(world, recording):
    return documents.get_recording(world.ports.records, recording.id)


def objects(world):
    return {
        one.uri
        for bucket in ("audio", "transcripts", "work")
        for one in world.ports.store.list(bucket)
        if one.is_upload
    }


def told_of(world, text):
    """Collections with a document that has some text."""
    with world.database.read() as connection:
        rows = connection.execute("SELECT collection, key, fields FROM documents").fetchall()
    return {collection for collection, *rest in rows if text in " ".join(rest)}


@pytest.fixture
def event(world):
    return world.upload(NAME, label="zanzibar trip")


@pytest.fixture
def done(world, event):
    """A recording with a transcript, that somebody asked for, and that had trouble on the way."""
    recording = upload.on_upload(event, world.ports)
    ask(world)
    failure_log.note(
        Permanent(f"cannot hear {NAME}"), world.ports, where="router", message_id="x",
        attributes={"recording": recording.id},
    )  # fmt: skip
    dead_letters.keep(message({"name": NAME}, recording=recording.id), world.ports)
    for one in recording.chunks:
        result, row = heard(recording, one, text=WORDS)
        chunk.commit_result(result, replace(row, label="zanzibar trip", prefix="zanzibar"), world.ports)
    ended = record.on_chunk_done(ChunkDone(recording=recording.id, index=0), world.ports)
    assert ended.state == "DONE"
    for subscription in ("cpu-worker", "merger"):
        world.pull(subscription)
    return stored(world, recording)


@pytest.mark.parametrize("damage", [{"options": "x"}, {"source": "x", "options": "x", "announced": "x"}])
def test_one_whose_document_cannot_be_read_is_deleted_as_far_as_it_is_found(world, done, damage, monkeypatch):
    sent = []
    monkeypatch.setattr(world.ports.queue, "publish", lambda topic, data, _=None: sent.append((topic, data)))
    world.ports.records.update(documents.RECORDINGS, done.id, lambda fields: fields | damage)
    assert forget.forget(done.id, world.ports).state == "DELETED"
    assert forget.forget(done.id, world.ports, alone=True).announced
    assert "zanzibar" not in json.dumps(ledger_rows(world.ports), default=str)
    assert not [one for one in objects(world) if one.startswith("gs://work")]
    if "source" not in damage:
        assert told_of(world, "zanzibar") == set()
        assert objects(world) == {f"gs://audio/{NAME}"}
    assert answers.find("my-zanzibar-1", world.ports.records).forgotten
    ends = [decode(data, TranscriptReady) for topic, data in sent if topic == "transcripts-ready"]
    assert [(one.state, one.code) for one in ends] == [("FAILED", "Damaged")] * ("announced" in damage)


def test_before_that_its_name_and_words_are_in_many_places(world, done):
    """Else the tests below would show nothing."""
    assert told_of(world, "zanzibar") >= {"recordings", "requests", "dead_letters", "failures", "ledger"}
    assert {one.split("/")[2] for one in objects(world)} == {"audio", "transcripts", "work"}


def test_long_after_its_end_nothing_with_its_name_or_words_is_left_but_the_audio(world, done):
    world.clock.time += DAY
    left = forget.forget(done.id, world.ports)
    assert (left.state, left.announced, left.source.name, left.options.label) == ("DELETED", True, "", None)
    assert stored(world, done) == left
    assert told_of(world, NAME) | told_of(world, "my-zanzibar") == set()
    assert told_of(world, NAME) == set()
    assert objects(world) == {f"gs://audio/{NAME}"}
    assert sum(row.usd for row in ledger_rows(world.ports)) == pytest.approx(0.001 * len(done.chunks))


def test_the_audio_goes_as_well_if_that_is_wanted(world, done):
    world.clock.time += DAY
    forget.forget(done.id, world.ports, audio=True)
    assert objects(world) == set()


def test_a_file_that_was_replaced_since_stays(world, done):
    path = world.ports.store.path_of("audio", NAME)
    path.unlink()
    path.write_bytes(b"another sound")
    world.clock.time += DAY
    forget.forget(done.id, world.ports, audio=True)
    assert objects(world) == {f"gs://audio/{NAME}"}


def test_a_file_that_was_replaced_by_one_with_the_same_time_stays_as_well(world, done):
    replace_unnoticed(world.ports.store.path_of("audio", NAME), b"another, longer sound")
    world.clock.time += DAY
    forget.forget(done.id, world.ports, audio=True)
    assert objects(world) == {f"gs://audio/{NAME}"}


def test_its_event_its_request_and_its_messages_that_come_again_revive_nothing(world, event, done):
    world.clock.time += DAY
    forget.forget(done.id, world.ports)
    before = [*world.ports.records.query(documents.RECORDINGS)]
    assert upload.on_upload(event, world.ports).state == "DELETED"
    assert (
        upload.on_upload(event | {"metadata": {"dropscribe-language": "de"}}, world.ports).state == "DELETED"
    )
    ask(world)
    record.on_chunk_done(ChunkDone(recording=done.id, index=0), world.ports)
    dead_letter.on_dead_letter(message({"late": NAME}, recording=done.id), world.ports)
    late = message({"uri": f"gs://audio/{NAME}", "request_id": "my-zanzibar-1"}, request_id="my-zanzibar-1")
    dead_letter.on_dead_letter(late, world.ports)
    world.clock.time += DAY
    sweep.on_tick(world.ports)
    assert [*world.ports.records.query(documents.RECORDINGS)] == before
    assert told_of(world, NAME) == set()
    assert objects(world) == {f"gs://audio/{NAME}"}
    assert not world.pull("cpu-worker")


@pytest.mark.parametrize("ends", ["at a later delivery", "as a dead letter"])
def test_a_request_that_comes_again_and_fails_at_first_leaves_no_note_of_its_name(world, done, ends):
    world.clock.time += DAY
    forget.forget(done.id, world.ports)
    late = message({"uri": f"gs://audio/{NAME}", "request_id": "my-zanzibar-1"}, request_id="my-zanzibar-1")
    failure_log.note(
        StoreUnavailable("no answer"),
        world.ports,
        where="requests",
        message_id="m1",
        attempt=1,
        attributes=late["attributes"],
        data=dead_letters.data_of(late),
    )
    if ends == "as a dead letter":
        dead_letter.on_dead_letter(late, world.ports)
    else:
        ask(world)
    assert told_of(world, NAME) | told_of(world, "my-zanzibar") == set()


def test_the_event_of_an_upload_with_options_revives_nothing_either(world):
    event = world.upload(NAME, **{"dropscribe-keyterms": "dar es salaam"})
    recording = upload.on_upload(event, world.ports)
    assert recording.id != uploads.key_of(recording.source)
    record.fail(recording.id, Permanent("no"), world.ports)
    world.clock.time += DAY
    forget.forget(recording.id, world.ports)
    assert told_of(world, "salaam") == set()
    bare = event | {"metadata": {}}
    assert {upload.on_upload(one, world.ports).state for one in (event, bare)} == {"DELETED"}


def test_another_recording_of_the_same_upload_stays(world, event, done):
    ask(world, "other", options={"language": "de"})
    other = answers.find("other", world.ports.records).recording
    assert other != done.id
    world.clock.time += DAY
    forget.forget(other, world.ports)
    assert stored(world, done) == done
    assert upload.on_upload(event, world.ports) == done


def test_who_asks_for_it_later_is_told(world, done):
    world.clock.time += DAY
    forget.forget(done.id, world.ports)
    ask(world, "new-request")
    answer = answers.find("new-request", world.ports.records).answer
    assert (answer.state, answer.code, answer.reason) == ("FAILED", "deleted", erase.REASON)
    assert retry.obstacle(stored(world, done), world.ports) == "it was deleted: upload its file again"


def test_one_in_progress_is_cancelled_and_who_waits_for_it_is_told_before(world, event):
    recording = upload.on_upload(event, world.ports)
    ask(world)
    told = []
    publish = world.ports.queue.publish
    world.ports.queue.publish = lambda topic, data, more=None: told.append(data) or publish(topic, data, more)
    forget.forget(recording.id, world.ports)
    assert [decode(one, TranscriptReady).state for one in told] == ["CANCELLED", "CANCELLED"]
    assert stored(world, recording).state == "DELETED"


def test_a_part_that_somebody_had_in_hand_is_erased_when_it_is_done_or_an_hour_later(world, event):
    recording = upload.on_upload(event, world.ports)
    first, second = world.pull("cpu-worker")
    forget.forget(recording.id, world.ports)
    chunk.commit_result(*heard(recording, recording.chunks[0], text=WORDS), world.ports)
    assert f"gs://work/{result_name(recording.id, 0)}" in objects(world)
    record.on_chunk_done(ChunkDone(recording=recording.id, index=0), world.ports)
    assert objects(world) == {f"gs://audio/{NAME}"}
    assert not chunk.is_wanted(decode(first.data, ChunkMessage), world.ports)
    # Its process dies before it says that it is done.
    world.ports.store.create("work", result_name(recording.id, 1), b"words", "application/json")
    assert not chunk.is_wanted(decode(second.data, ChunkMessage), world.ports)
    world.clock.time += erase.SETTLED - 1
    assert sweep.on_tick(world.ports)["erased"] == 0
    assert told_of(world, NAME) == {"recordings"}
    world.clock.time += 2
    assert sweep.on_tick(world.ports)["erased"] == 1
    assert objects(world) == {f"gs://audio/{NAME}"}
    assert told_of(world, NAME) == set()
    assert sweep.on_tick(world.ports)["erased"] == 0


def test_where_nobody_else_works_the_name_goes_at_once(world, event):
    recording = upload.on_upload(event, world.ports)
    assert forget.forget(recording.id, world.ports, alone=True).source.name == ""
    assert told_of(world, NAME) == set()


def test_it_can_be_repeated_and_what_broke_off_is_completed(world, done, monkeypatch):
    world.clock.time += DAY

    def broken(*_):
        raise StoreUnavailable("no answer")

    with monkeypatch.context() as patch:
        patch.setattr(world.ports.store, "delete", broken)
        with pytest.raises(Transient):
            forget.forget(done.id, world.ports, audio=True)
    assert stored(world, done).state == "DELETED"
    world.clock.time += DAY
    assert sweep.on_tick(world.ports)["erased"] == 1
    assert objects(world) == set()
    assert told_of(world, NAME) == set()
    assert forget.forget(done.id, world.ports).state == "DELETED"


def test_a_key_that_no_recording_has_is_refused(world):
    with pytest.raises(BadRequest, match="There is no recording nonsense"):
        forget.forget("nonsense", world.ports)


def test_voices_are_in_the_results_of_chunks_and_nowhere_else_and_go_with_them(world, caplog):
    caplog.set_level("DEBUG")
    one = upload.on_upload(world.upload("crowd.wav", **{"dropscribe-speaker_names": "Ann"}), world.ports)
    ann, bob = crowd(2)
    voices = (voice(ann, 0, 0.0, 1.4), voice(bob, 0, 1.4, 2.0, clean=1.6))
    for part in one.chunks:
        result, row = heard(one, part, voices=voices, voice_revision="a+b")
        chunk.commit_result(result, row, world.ports)
    assert record.on_chunk_done(ChunkDone(recording=one.id, index=0), world.ports).state == "DONE"
    # Another alignment within a file shows as another text, so the middle of it is looked for.
    secret = base64.b64encode(voices[0].embedding)[60:120]
    with_it = {
        found.name
        for bucket in ("audio", "transcripts", "work")
        for found in world.ports.store.list(bucket)
        if secret in (world.ports.store.load(bucket, found.name) or b"")
    }
    assert with_it == {result_name(one.id, part.index) for part in one.chunks}
    assert told_of(world, secret.decode()) == set()
    assert secret.decode() not in caplog.text
    text = world.ports.store.load(
        "transcripts", next(n for n in stored(world, one).outputs if n.endswith(".txt"))
    )
    assert text.startswith(b"Ann: one")
    world.clock.time += DAY
    forget.forget(one.id, world.ports)
    assert objects(world) == {"gs://audio/crowd.wav"}
    assert told_of(world, "Ann") == set()


def refused_before_there_was_such_a_file(world, _):
    ask(world, "zanzibar-before")


def refused_because_it_cannot_be_read(world, _):
    for wrong in ({"request_id": "zanzibar-wrong"}, {}):
        said = {"uri": f"gs://audio/{NAME}", "nonsense": 1, **wrong}
        request.on_request(dead_letters.pushed(f"m{len(wrong)}", json.dumps(said).encode(), {}), world.ports)


def asked_for_otherwise_under_one_id(world, event):
    upload.on_upload(event, world.ports)
    ask(world)
    ask(world, options={"language": "de"})


def its_event_is_a_dead_letter(world, event):
    dead_letters.keep(message(event), world.ports)


def its_event_is_a_dead_letter_with_other_options(world, event):
    other = event | {"metadata": {"dropscribe-language": "de"}}
    dead_letters.keep(message(other), world.ports)


def its_notification_without_a_payload_is_a_dead_letter(world, event):
    named = {"bucketId": event["bucket"], "objectId": NAME, "objectGeneration": str(event["generation"])}
    dead_letters.keep(dead_letters.pushed("m7", b"", named), world.ports)


def told_of_a_refusal(world, _):
    ask(world, "zanzibar-before")
    hooked = replace(world.ports, settings=replace(world.settings, **HOOK))
    refusal = answers.find("zanzibar-before", world.ports.records).answer
    deliver.on_transcript(encode(refusal), {}, hooked, lambda *_: 200)
    assert told_of(world, NAME) == {"requests", "webhooks"}


HOOK = {"webhook_url": "https://example.com/hook", "webhook_secret": "whsec_" + "b2xk" * 8}


@pytest.mark.parametrize("metadata", [{}, {"dropscribe-nonsense": "zanzibar"}])
@pytest.mark.parametrize(
    "before",
    [
        refused_before_there_was_such_a_file,
        refused_because_it_cannot_be_read,
        asked_for_otherwise_under_one_id,
        its_event_is_a_dead_letter,
        its_event_is_a_dead_letter_with_other_options,
        its_notification_without_a_payload_is_a_dead_letter,
        told_of_a_refusal,
    ],
)
def test_what_names_its_object_and_has_no_recording_goes_as_well(world, before, metadata):
    path = world.ports.store.path_of("audio", NAME)
    path.unlink(missing_ok=True)
    if before in {refused_before_there_was_such_a_file, told_of_a_refusal}:
        before(world, None)
        event = world.upload(NAME, **metadata)
    else:
        event = world.upload(NAME, **metadata)
        before(world, event)
    failure_log.note(
        StoreUnavailable(f"no answer of {NAME}"), world.ports, where="router", message_id="e", attempt=1,
        attributes={}, data=json.dumps(event).encode(),
    )  # fmt: skip
    recording = upload.on_upload(event, world.ports)
    other = upload.on_upload(world.upload("other.wav"), world.ports)
    ask(world, "other", uri="gs://audio/nowhere.wav")
    dead_letters.keep(
        dead_letters.pushed("m9", json.dumps(world.upload("more.wav")).encode(), {}), world.ports
    )
    forget.forget(recording.id, world.ports, alone=True)
    assert told_of(world, "zanzibar") == set()
    assert told_of(world, "nowhere.wav") == {"requests"}
    assert told_of(world, "more.wav") == {"dead_letters"}
    assert stored(world, other).source == other.source


def test_a_refusal_that_was_not_told_yet_is_told_before_it_goes(world, monkeypatch):
    def broken(*_):
        raise StoreUnavailable("no answer")

    with monkeypatch.context() as patch:
        patch.setattr(world.ports.queue, "publish", broken)
        with pytest.raises(Transient):
            ask(world, "before")
    told = []
    monkeypatch.setattr(world.ports.queue, "publish", lambda _, data, __=None: told.append(data))
    recording = upload.on_upload(world.upload(NAME, **{"dropscribe-nonsense": "x"}), world.ports)
    forget.forget(recording.id, world.ports, alone=True)
    assert [decode(one, TranscriptReady).code for one in told if b"before" in one] == ["missing"]
    assert told_of(world, NAME) == set()


def test_a_webhook_of_a_refusal_that_comes_late_leaves_nothing(world):
    ask(world, "before")
    refusal = answers.find("before", world.ports.records).answer
    forget.forget(upload.on_upload(world.upload(NAME), world.ports).id, world.ports, alone=True)
    hooked, calls = replace(world.ports, settings=replace(world.settings, **HOOK)), []
    deliver.on_transcript(encode(refusal), {}, hooked, lambda *call: calls.append(call) or 200)
    assert (calls, told_of(world, NAME)) == ([], set())


def test_the_request_of_who_asks_for_it_later_goes_as_well(world, done):
    world.clock.time += DAY
    forget.forget(done.id, world.ports)
    ask(world, "new-request")
    assert told_of(world, NAME) == {"requests"}
    world.clock.time += DAY
    sweep.on_tick(world.ports)
    assert told_of(world, NAME) | told_of(world, "new-request") == set()
    ask(world, "new-request")
    ask(world, "newer-request")
    sweep.on_tick(world.ports)
    assert told_of(world, NAME) | told_of(world, "new-request") == set()
