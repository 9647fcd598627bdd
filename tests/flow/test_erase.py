"""What is deleted of a recording, step by step; `test_forget.py` has the whole."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.flow import erase, upload
from shared.messages import TranscribeRequest
from shared.state import answers, claims, dead_letters, documents
from shared.state.claims import Claim


def deleted(world, **more):
    """A recording that was just marked, of which nothing is erased yet."""
    one = upload.on_upload(world.upload(), world.ports)
    changed = documents.change_recording(
        world.ports,
        one.id,
        lambda stored: replace(stored, state="DELETED", finished=world.clock.now(), **more),
    )
    assert changed is not None
    return changed


def test_outputs_of_every_life_go_and_those_of_a_file_of_a_similar_name_stay(world):
    one = deleted(world)
    short = f"audio/talk.wav/{one.source.generation}-{one.id[:8]}"
    other = f"audio/talk.wav.wav/{one.source.generation}-{one.id[:8]}"
    for folder in (short, f"{short}-1", other):
        world.ports.store.create("transcripts", f"{folder}/transcript.txt", b"words", "text/plain")
    erase.again(one, world.ports)
    assert [item.name for item in world.ports.store.list("transcripts")] == [f"{other}/transcript.txt"]


def test_claims_and_notes_of_other_recordings_stay(world):
    one = deleted(world)
    for key in (one.id, "another"):
        claims.change(
            Claim(recording=key, index=0, engine="deepgram", turn=1),
            lambda claim: claim,
            world.ports,
        )
    erase.again(one, world.ports)
    assert claims.of_recording(one.id, world.ports.records) == {}
    assert len(claims.of_recording("another", world.ports.records)) == 1


@pytest.mark.parametrize(
    "damage", [{"created": "yesterday"}, {"request": {"request_id": 7}}, {"request": None}]
)
@pytest.mark.parametrize("of", ["recording", "uri"])
def test_a_damaged_request_is_forgotten_like_any_other(world, of, damage):
    one = deleted(world)
    asked = answers.Asked(
        request=TranscribeRequest(uri=one.source.uri, request_id="talk-1"),
        created=world.clock.now(),
        **{of: one.id if of == "recording" else one.source.uri},
    )
    answers.create(asked, world.ports)
    key = answers.key_of("talk-1")
    world.ports.records.update(answers.REQUESTS, key, lambda old: old | damage)
    world.clock.time += erase.SETTLED + 1
    assert erase.settle(one, world.ports)
    ((left, fields),) = world.ports.records.query(answers.REQUESTS)
    assert left == key
    assert "talk" not in str(fields)
    assert answers.find("talk-1", world.ports.records).forgotten


def test_a_damaged_dead_letter_keeps_nothing_from_being_erased(world):
    one = deleted(world)
    for name, about in (("1", {}), ("2", {"recording": one.id})):
        dead_letters.keep(dead_letters.pushed(name, b"hello", about), world.ports)
        world.ports.records.update(
            dead_letters.DEAD_LETTERS, name, lambda old: {key: old[key] for key in old if key != "time"}
        )
    erase.again(one, world.ports)
    assert [letter.key for letter in dead_letters.every(world.ports.records)] == ["1"]


def test_it_is_not_settled_before_an_hour_has_passed(world):
    one = deleted(world)
    assert not erase.settle(one, world.ports)
    world.clock.time += erase.SETTLED + 1
    assert erase.settle(one, world.ports)
    assert documents.get_recording(world.ports.records, one.id).source == erase.NOBODY
