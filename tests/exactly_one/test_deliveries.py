"""Deliveries say nothing about a chunk: only failures of its engine hand it over, however often its message comes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.errors import BucketRefused, EngineFailed, StoreUnavailable
from shared.flow import upload
from shared.flow.chunk import commit_result
from shared.messages import ChunkMessage, decode
from shared.recovery import dead_letter, fallback
from shared.state import claims, dead_letters, documents, failure_log
from tests.world import heard


@pytest.fixture
def chunk(world):
    """The recording and the message of a chunk that another engine may take over."""
    world.media.info = replace(world.media.info, duration=20.0)
    world.ports = replace(world.ports, engines=frozenset({"parakeet-cpu", "deepgram"}))
    recording = upload.on_upload(world.upload(), world.ports)
    [message] = [decode(one.data, ChunkMessage) for one in world.ports.queue.pull("cpu-worker", 9, 60.0)]
    world.clock.time += 61.0
    return recording, message


def killed_until_given_up(world):
    """Workers are killed with the chunk in hand, until its deliveries run out; gives what is done about that."""
    letters = []
    for _ in range(100):
        if letters := world.pull("dead-letters"):
            break
        world.ports.queue.pull("cpu-worker", 9, 60.0)
        world.clock.time += 700.0
    [letter] = letters
    give_up(letter, world)


def give_up(letter, world):
    message = dead_letters.pushed(letter.message_id, letter.data, letter.attributes)
    dead_letter.on_dead_letter(message, world.ports)


def fails(message, world, error, number):
    failure_log.note(
        error, world.ports, where="parakeet-cpu", message_id=f"m{number}", attempt=1,
        attributes={"recording": message.recording, "chunk": str(message.chunk.index)},
    )  # fmt: skip


def test_ten_kills_neither_end_a_healthy_recording_nor_hand_it_on(world, chunk):
    recording, message = chunk
    killed_until_given_up(world)
    assert claims.find(message, world.ports.records) is None
    assert documents.get_recording(world.ports.records, recording.id).state == "PLANNED"
    [again] = world.ports.queue.pull("cpu-worker", 9, 60.0)
    found = decode(again.data, ChunkMessage)
    assert (found, again.attempt) == (replace(message, again=1), 1)


def test_it_does_not_come_again_for_ever(world, chunk):
    _, message = chunk
    for number in range(1, dead_letter.MOST_ROUNDS + 1):
        killed_until_given_up(world)
        [again] = world.ports.queue.pull("cpu-worker", 9, 60.0)
        assert decode(again.data, ChunkMessage).again == number
        world.clock.time += 61.0
    killed_until_given_up(world)
    assert claims.find(message, world.ports.records).engine == "deepgram"
    assert world.pull("cpu-worker") == []


def test_an_engine_that_failed_so_often_hands_it_on(world, chunk):
    _, message = chunk
    for number in range(fallback.MOST_FAILURES):
        fails(message, world, EngineFailed("server", "Oops."), number)
    killed_until_given_up(world)
    assert claims.find(message, world.ports.records).engine == "deepgram"


@pytest.mark.parametrize(
    "error",
    [
        StoreUnavailable("The store is away."),
        BucketRefused("There is no bucket."),
        EngineFailed("server", "Oops."),
    ],
)
def test_an_outage_of_the_store_and_what_was_before_a_retry_are_nothing_against_it(world, chunk, error):
    recording, message = chunk
    for number in range(9):
        fails(message, world, error, number)
    if isinstance(error, EngineFailed):
        world.clock.time += 60.0
        documents.change_recording(
            world.ports, recording.id, lambda stored: replace(stored, created=world.clock.time)
        )
    killed_until_given_up(world)
    assert claims.find(message, world.ports.records) is None
    assert len(world.pull("cpu-worker")) == 1


def test_what_is_done_by_then_is_not_published_again(world, chunk):
    recording, message = chunk
    commit_result(*heard(recording, message.chunk), world.ports)
    killed_until_given_up(world)
    assert world.pull("cpu-worker") == []


@pytest.mark.parametrize(
    "said",
    [
        "UnderWay: Another delivery of chunk 0 of r is at work.",
        "Transient: http://127.0.0.1:1/ did not answer",
    ],
)
def test_deliveries_that_found_another_one_at_work_or_a_dead_process_are_nothing_against_it(
    world, chunk, said
):
    _, message = chunk
    while not (letters := world.pull("dead-letters")):
        for one in world.ports.queue.pull("cpu-worker", 9, 60.0):
            world.ports.queue.nack("cpu-worker", one.lease, said)
        world.clock.time += 700.0
    give_up(letters[0], world)
    assert claims.find(message, world.ports.records) is None
    assert len(world.pull("cpu-worker")) == 1


@pytest.mark.parametrize(("failures", "given_up"), [(7, False), (8, True)])
def test_a_service_has_as_many_calls_as_deliveries_whatever_these_were_spent_on(world, failures, given_up):
    ports = replace(world.ports, engines=frozenset({"parakeet-cpu", "deepgram"}))
    world.media.info = replace(world.media.info, duration=20.0)
    recording = upload.on_upload(world.upload(**{"dropscribe-method": "deepgram"}), ports)
    [letter] = world.pull("deepgram")
    message = decode(letter.data, ChunkMessage)
    for number in range(failures):
        fails(message, world, EngineFailed("server", "Oops."), number)
    give_up(letter, world)
    stands = documents.get_recording(ports.records, recording.id)
    assert stands.state == ("FAILED" if given_up else "PLANNED")
    assert len(world.pull("deepgram")) == (not given_up)
