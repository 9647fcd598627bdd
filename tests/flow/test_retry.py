"""Continuing what ended without a transcript: by a request that the router carries out, once for each end."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.errors import BadMedia, Permanent
from shared.flow import chunk, forget, record, request, retry, upload
from shared.messages import ChunkDone, ChunkMessage, decode
from shared.routing import route
from shared.state import answers, documents
from tests.world import heard, replace_unnoticed


def stored(world, recording):
    return documents.get_recording(world.ports.records, recording.id)


def pass_on(world):
    """What the router does with the requests that were published."""
    requests = world.pull("requests")
    for one in requests:
        request.on_request(
            {"messageId": one.message_id, "data": one.data, "attributes": one.attributes}, world.ports
        )
    return len(requests)


@pytest.fixture
def failed(world):
    """A recording of two chunks that failed after the first one was done."""
    recording = upload.on_upload(world.upload(), world.ports)
    world.pull("cpu-worker")
    chunk.commit_result(*heard(recording, recording.chunks[0]), world.ports)
    record.fail(recording.id, Permanent("no engine left"), world.ports)
    world.clock.time += 1
    return stored(world, recording)


@pytest.fixture(autouse=True)
def _data_as_they_are(monkeypatch):
    """Push encodes data in base64; here they go from the queue to the step."""
    monkeypatch.setattr("shared.state.dead_letters.data_of", lambda message: message["data"])


def test_what_is_missing_is_published_again_and_ends_in_a_transcript(world, failed):
    retry.ask(failed, world.ports)
    assert pass_on(world) == 1
    again = [decode(one.data, ChunkMessage) for one in world.pull("cpu-worker")]
    assert [one.chunk.index for one in again] == [1]
    assert chunk.is_wanted(again[0], world.ports)
    chunk.commit_result(*heard(failed, failed.chunks[1]), world.ports)
    done = record.on_chunk_done(ChunkDone(recording=failed.id, index=1), world.ports)
    assert done.state == "DONE"
    assert world.ports.records.count(documents.LEDGER, {"recording": failed.id}) == 2


def test_asking_twice_for_one_end_publishes_its_parts_once(world, failed):
    assert retry.ask(failed, world.ports) == retry.ask(failed, world.ports)
    assert pass_on(world) == 2
    assert len(world.pull("cpu-worker")) == 1


def test_another_end_is_asked_for_with_another_request(world, failed):
    first = retry.ask(failed, world.ports)
    pass_on(world)
    record.fail(failed.id, Permanent("again"), world.ports)
    assert retry.ask(stored(world, failed), world.ports) != first


def test_its_options_are_kept(world):
    event = world.upload(**{"dropscribe-language": "en", "dropscribe-label": "crm"})
    recording = upload.on_upload(event, world.ports)
    record.cancel(recording.id, world.ports)
    world.clock.time += 1
    retry.ask(stored(world, recording), world.ports)
    pass_on(world)
    assert [one.id for one in documents.recordings(world.ports.records)] == [recording.id]
    assert stored(world, recording).state == "PLANNED"


def test_messages_from_before_the_end_are_void_so_no_part_is_transcribed_twice(world):
    recording = upload.on_upload(world.upload(), world.ports)
    record.cancel(recording.id, world.ports)
    world.clock.time += 1
    retry.ask(stored(world, recording), world.ports)
    pass_on(world)
    messages = [decode(one.data, ChunkMessage) for one in world.pull("cpu-worker")]
    wanted = [one.chunk.index for one in messages if chunk.is_wanted(one, world.ports)]
    assert len(messages) == 4
    assert sorted(wanted) == [0, 1]


def test_what_it_is_expected_to_cost_is_that_of_the_missing_parts(world, failed):
    ports = replace(world.ports, settings=replace(world.settings, cpu_usd_per_hour=3.6))
    left = retry.left(failed, route.known(ports), ports)
    assert (left.chunks, left.of) == (1, 2)
    message = decode(_published(world, failed), ChunkMessage)
    seconds = message.chunk.end - message.chunk.start + message.chunk.lead + message.chunk.tail
    assert left.seconds == pytest.approx(seconds)
    # A dollar for a thousand seconds of work.
    assert 0 < left.usd < seconds / 1000


def test_both_channels_are_expected_to_cost_twice_as_much_where_there_are_two(world, failed):
    ports = replace(world.ports, settings=replace(world.settings, cpu_usd_per_hour=3.6))
    once = retry.left(failed, route.known(ports), ports).usd
    apart = replace(failed, options=replace(failed.options, channels="apart"))
    for channels, times in ((1, 1), (2, 2)):
        one = replace(apart, audio=replace(apart.audio, channels=channels))
        assert retry.left(one, route.known(ports), ports).usd == pytest.approx(times * once)


def _published(world, failed):
    retry.ask(failed, world.ports)
    pass_on(world)
    (one,) = world.pull("cpu-worker")
    return one.data


def test_the_cost_of_what_was_never_planned_is_unknown(world):
    world.media.error = BadMedia("no-audio", "There is no audio in it.")
    recording = upload.on_upload(world.upload(), world.ports)
    assert retry.left(recording, route.known(world.ports), world.ports) == retry.Left(
        chunks=0, of=0, seconds=None, usd=None
    )


def test_an_object_that_was_replaced_is_not_asked_for(world, failed):
    assert retry.obstacle(failed, world.ports) == ""
    (world.settings.state_dir / "audio" / "talk.wav").write_bytes(b"other")
    assert "replaced" in retry.obstacle(failed, world.ports)
    (world.settings.state_dir / "audio" / "talk.wav").unlink()
    assert "gone" in retry.obstacle(failed, world.ports)


def test_an_object_that_was_replaced_by_one_with_the_same_time_is_not_asked_for(world, failed):
    request_id = retry.ask(failed, world.ports)
    replace_unnoticed(world.settings.state_dir / "audio" / "talk.wav", b"another, longer sound")
    assert "`touch`" in retry.obstacle(failed, world.ports)
    pass_on(world)
    assert "`touch`" in answers_to(world, request_id).reason
    assert stored(world, failed).state == "FAILED"


def test_only_what_ended_without_a_transcript_is_tried_again(world, failed):
    for state, said in (("PLANNED", "in progress"), ("ACCEPTED", "in progress"), ("DONE", "done")):
        assert said in retry.obstacle(replace(failed, state=state), world.ports)


def test_an_upload_that_failed_for_its_metadata_is_not_tried_without_them(world):
    failed = upload.on_upload(world.upload(**{"dropscribe-track": "two"}), world.ports)
    assert "dropscribe submit gs://audio/talk.wav" in retry.obstacle(failed, world.ports)
    # With options that somebody asked for it may go on, and fail for another reason.
    assert retry.obstacle(replace(failed, reason="no engine left"), world.ports) == ""


def test_a_part_whose_result_is_gone_counts_as_missing(world, failed):
    world.ports.store.path_of("work", chunk.result_name(failed.id, 0)).unlink()
    assert retry.left(failed, route.known(world.ports), world.ports).chunks == 2


def replace_file(world):
    """Another file at the same place; what its upload says to the router."""
    old = world.ports.store.stat("audio", "talk.wav")
    world.ports.store.delete("audio", "talk.wav", old.generation)
    return world.upload(data=b"another sound")


def answers_to(world, request_id):
    return answers.find(request_id, world.ports.records).answer


def test_a_file_that_is_replaced_before_the_router_looks_has_no_second_recording(world):
    first = upload.on_upload(world.upload(**{"dropscribe-language": "en"}), world.ports)
    record.fail(first.id, Permanent("no engine left"), world.ports)
    world.clock.time += 1
    request_id = retry.ask(stored(world, first), world.ports)
    second = upload.on_upload(replace_file(world), world.ports)
    world.pull("cpu-worker")
    pass_on(world)
    assert {one.id for one in documents.recordings(world.ports.records)} == {first.id, second.id}
    assert stored(world, first).state == "FAILED"
    assert not world.pull("cpu-worker")
    assert "replaced" in answers_to(world, request_id).reason


def test_what_was_forgotten_before_the_router_looks_is_not_begun_anew(world, failed):
    request_id = retry.ask(failed, world.ports)
    forget.forget(failed.id, world.ports)
    pass_on(world)
    assert {one.state for one in documents.recordings(world.ports.records)} == {"DELETED"}
    assert "deleted" in answers_to(world, request_id).reason


def test_an_upload_is_tried_again_where_requests_may_not_name_its_bucket(world, failed):
    world.ports = replace(world.ports, settings=replace(world.settings, request_buckets="calls"))
    retry.ask(failed, world.ports)
    pass_on(world)
    assert stored(world, failed).state == "PLANNED"


def test_an_id_like_those_of_retry_opens_no_other_bucket(world, failed):
    world.ports = replace(world.ports, settings=replace(world.settings, request_buckets="calls"))
    other = replace(failed, source=replace(failed.source, name="other.wav"))
    request_id = retry.ask(other, world.ports)
    pass_on(world)
    assert "may not name the bucket" in answers_to(world, request_id).reason
    assert stored(world, failed).state == "FAILED"


def test_what_was_refused_once_is_tried_when_it_is_asked_for_again(world, failed):
    path = world.settings.state_dir / "audio" / "talk.wav"
    away = path.rename(world.settings.state_dir / "away.wav")
    first = retry.ask(failed, world.ports)
    pass_on(world)
    assert answers_to(world, first).code == "missing"
    away.rename(path)
    assert retry.ask(failed, world.ports) == first
    pass_on(world)
    assert answers_to(world, first) is None
    assert stored(world, failed).state == "PLANNED"
    assert len(world.pull("cpu-worker")) == 1


def test_a_late_request_for_an_earlier_end_leaves_the_later_one_alone(world, failed):
    retry.ask(failed, world.ports)
    pass_on(world)
    record.fail(failed.id, Permanent("again"), world.ports)
    later = stored(world, failed)
    late = answers.key_of(retry.ask(failed, world.ports))
    world.ports.records.delete(answers.REQUESTS, late)
    pass_on(world)
    assert stored(world, failed) == later


@pytest.mark.parametrize("other", ["crm-7", "{}", "{}-", "{}-x", "{}/a-0", "{}-0\n", "/-0"])
def test_only_its_own_ids_name_a_recording(failed, other):
    ours = f"operator-retry-{failed.id}"
    assert retry.end_of(f"{ours}-12") == retry.End(recording=failed.id, life=12)
    assert retry.end_of(other.format(ours)) is None
