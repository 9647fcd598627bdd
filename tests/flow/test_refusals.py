"""Limits of a deployment: what is beyond them is refused with the limit's name and what to do."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.errors import OverLimit
from shared.flow import chunk, record, refusals, retry, upload
from shared.messages import ChunkDone
from shared.model import StoredObject
from shared.settings import Settings
from shared.state import answers, documents
from tests.flow.test_request import ask
from tests.world import heard


def limited(world, **limits):
    """The ports with other limits."""
    world.ports = replace(world.ports, settings=replace(world.ports.settings, **limits))
    return world.ports


def stored(world, recording):
    return documents.get_recording(world.ports.records, recording.id)


@pytest.mark.parametrize(
    ("limits", "code", "says"),
    [
        ({"max_file_gb": 1e-9}, "too-large", "DROPSCRIBE_MAX_FILE_GB"),
        ({"max_hours": 0.01}, "too-long", "DROPSCRIBE_MAX_HOURS"),
        ({"max_recording_chunks": 1}, "too-many-chunks", "DROPSCRIBE_MAX_CHUNKS"),
    ],
)
def test_a_recording_beyond_a_limit_is_failed_and_goes_on_when_the_limit_is_raised(world, limits, code, says):
    before = world.ports
    recording = upload.on_upload(world.upload(), limited(world, **limits))
    assert (recording.state, recording.code) == ("FAILED", code)
    assert says in recording.reason
    assert world.pull("cpu-worker") == []
    world.ports = before
    world.clock.time += 1
    upload.reopen(recording, world.ports)
    assert upload.take(recording.source, recording.options, world.ports).state == "PLANNED"


def test_a_file_that_is_too_large_is_not_even_probed(world):
    upload.on_upload(world.upload(), limited(world, max_file_gb=1e-9))
    assert world.media.probes == 0


def test_what_is_within_the_limits_goes_on(world):
    ports = limited(world, max_file_gb=1.0, max_hours=1 / 60, max_recording_chunks=2)
    assert upload.on_upload(world.upload(), ports).state == "PLANNED"


def finish_all(recording, ports):
    """Every chunk heard all of its tail: the recording is longer than it said."""
    for one in recording.chunks:
        result, row = heard(recording, one)
        chunk.commit_result(replace(result, decoded=result.lead + result.owned + one.tail), row, ports)
    return record.on_chunk_done(ChunkDone(recording=recording.id, index=len(recording.chunks) - 1), ports)


@pytest.mark.parametrize(
    ("limits", "code"),
    [({"max_hours": 1.5 / 60}, "too-long"), ({"max_recording_chunks": 3}, "too-many-chunks")],
)
def test_a_recording_that_is_longer_than_it_says_ends_at_the_limit(world, limits, code):
    ports = limited(world, **limits)
    recording = upload.on_upload(world.upload(), ports)
    longer = finish_all(recording, ports)
    assert longer.state == "PLANNED"
    assert len(longer.chunks) <= 4
    ended = finish_all(longer, ports)
    assert (ended.state, ended.code) == ("FAILED", code)
    assert ended.outputs == ()


def test_a_request_that_is_too_long_is_answered_if_its_id_can_be_read(world):
    world.upload()
    limited(world, max_request_kb=0.2)
    ask(world, metadata={"text": "x" * 200})
    (asked,) = [fields for _, fields in world.ports.records.query(answers.REQUESTS)]
    assert asked["answer"]["state"] == "FAILED"
    assert asked["answer"]["code"] == "too-large"
    assert "DROPSCRIBE_MAX_REQUEST_KB" in asked["answer"]["reason"]


def answer(world, request_id):
    found = answers.find(request_id, world.ports.records)
    return found.answer and found.answer.code


def test_a_caller_may_have_so_many_requests_open_and_another_caller_too(world):
    limited(world, max_open_requests=2)
    for number in range(3):
        world.upload(f"{number}.wav")
    for number in range(3):
        ask(world, f"a-{number}", f"gs://audio/{number}.wav", number, options={"label": "crm"})
    ask(world, "b-0", "gs://audio/2.wav", 9, options={"label": "other"})
    assert [answer(world, f"a-{number}") for number in range(3)] == [None, None, "quota"]
    assert answer(world, "b-0") is None
    refused = answers.find("a-2", world.ports.records).answer
    assert "DROPSCRIBE_MAX_OPEN_REQUESTS" in refused.reason
    assert "new request_id" in refused.reason


def test_an_answered_request_is_not_open_any_more(world):
    limited(world, max_open_requests=1)
    world.upload("0.wav")
    world.upload("1.wav")
    ask(world, "a-0", "gs://audio/0.wav", 0)
    (recording,) = documents.recordings(world.ports.records)
    record.cancel(recording.id, world.ports)
    ask(world, "a-1", "gs://audio/1.wav", 1)
    assert answer(world, "a-1") is None


def test_a_request_delivered_twice_is_counted_once(world):
    limited(world, max_open_requests=1)
    world.upload()
    ask(world)
    ask(world)
    assert answer(world, "r-1") is None


def test_what_an_operator_asks_for_is_not_counted(world):
    limited(world, max_open_requests=1)
    recording = upload.on_upload(world.upload(), world.ports)
    world.upload("1.wav")
    ask(world, "a-1", "gs://audio/1.wav", 1)
    record.cancel(recording.id, world.ports)
    world.clock.time += 1
    request_id = retry.ask(stored(world, recording), world.ports)
    assert not refusals.is_of_operator("a-1")
    assert refusals.is_of_operator(request_id)


def test_without_limits_nothing_is_refused():
    settings = Settings(max_recording_chunks=10)
    huge = StoredObject(bucket="b", name="n", generation=1, size=10**15)
    refusals.check_size(huge, settings)
    refusals.check_seconds(1e9, settings)
    with pytest.raises(OverLimit, match="DROPSCRIBE_MAX_CHUNKS"):
        refusals.check_chunks(11, settings)


def test_a_refused_recording_says_so_to_those_who_asked(world):
    limited(world, max_file_gb=1e-9)
    world.upload()
    ask(world)
    assert answer(world, "r-1") == "too-large"
