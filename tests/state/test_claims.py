"""Whose a chunk is. What several processes do to it at once is in tests/contract/test_claims.py."""

from __future__ import annotations

from dataclasses import replace

from shared.flow import upload
from shared.messages import ChunkMessage, decode, to_fields
from shared.state import claims


def messages(world):
    upload.on_upload(world.upload(), world.ports)
    return [decode(one.data, ChunkMessage) for one in world.pull("cpu-worker")]


def test_a_chunk_without_a_claim_is_that_of_its_message(world):
    message, _ = messages(world)
    assert claims.find(message, world.ports.records) is None
    first = claims.first_of(message)
    assert (first.recording, first.index, first.engine) == (message.recording, 0, "parakeet-cpu")
    assert (first.turn, first.published) == (0, True)


def test_a_change_is_stored_and_found_by_message_and_by_recording(world):
    one, other = messages(world)
    first = claims.first_of(one)
    changed = claims.change(first, lambda stored: replace(stored, engine="deepgram", turn=1), world.ports)
    assert (changed.engine, changed.turn) == ("deepgram", 1)
    assert claims.find(one, world.ports.records) == changed
    assert claims.find(other, world.ports.records) is None
    assert claims.of_recording(one.recording, world.ports.records) == {0: changed}


def test_what_changes_nothing_gives_what_stands(world):
    message, _ = messages(world)
    first = claims.first_of(message)
    assert claims.change(first, lambda _: None, world.ports) == first
    assert claims.find(message, world.ports.records) is None
    stands = claims.change(first, lambda stored: replace(stored, turn=2), world.ports)
    assert claims.change(first, lambda _: None, world.ports) == stands


def test_a_claim_of_an_older_version_is_read_without_its_calls(world):
    message, _ = messages(world)
    first = claims.first_of(message)
    old = to_fields(first) | {"calls": [{"message": "m", "until": 1.0, "row": {}}]}
    world.ports.records.create(claims.CLAIMS, first.key, old)
    assert claims.find(message, world.ports.records) == first
