"""Two versions side by side: the older one drops nothing that the newer one wrote, and gives back what it cannot read."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.costs import budget
from shared.errors import EngineLimit, Permanent
from shared.flow import dispatch, record, request, upload
from shared.flow.chunk import commit_result
from shared.messages import ChunkDone, ChunkMessage, TranscribeRequest, decode, request_to_json
from shared.recovery import fallback
from shared.routing import flags
from shared.state import documents
from shared.sweep import sweep
from tests.world import IN_A_PROJECT, World, heard

NOON = 1_795_176_000.0

MAPPINGS = {"metadata", "days", "limits", "waiting", "speeds", "since", "weights"}
"""Fields with mappings by names that are no fields."""


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path)
    world.clock.time = NOON
    yield world
    world.close()


class Newer:
    """A newer version, which knows one more field of every record, and has written every document."""

    def __init__(self, world):
        self._database = world.database
        self._records = world.ports.records
        self._written = set()

    def touch(self):
        """Write the field into every document, in all of its records."""
        for collection, key in self._documents():
            self._records.update(collection, key, self._with_its_fields)
            fields = self._records.get(collection, key)
            self._written |= {(collection, key, place) for place in self._places(fields)}

    def missing(self):
        """Where the field was, and is no longer."""
        kept = {
            (collection, key, place)
            for collection, key in self._documents()
            for place in self._places(self._records.get(collection, key))
        }
        # Minutes that are out of view are left out with all of their fields.
        return sorted(one for one in self._written - kept if "minutes" not in one[2])

    def _documents(self):
        with self._database.read() as connection:
            return connection.execute("SELECT collection, key FROM documents").fetchall()

    def _with_its_fields(self, fields, name=""):
        known = {
            one: [self._with_its_fields(item) if isinstance(item, dict) else item for item in value]
            if isinstance(value, list)
            else self._with_its_fields(value, one)
            if isinstance(value, dict) and one not in MAPPINGS
            else value
            for one, value in fields.items()
        }
        # What a newer option leaves as it was is off: anything else asks for what this version cannot do.
        return known | {"newer": None if name == "options" else {"of": "a newer version"}}

    def _places(self, value, place=()):
        if isinstance(value, dict):
            if "newer" in value:
                yield place
            for name, one in value.items():
                if name != "newer":
                    yield from self._places(one, (*place, name))
        elif isinstance(value, list):
            for number, one in enumerate(value):
                yield from self._places(one, (*place, number))


def test_whatever_an_older_version_does_it_keeps_the_fields_of_a_newer_one(world):
    settings = replace(world.settings, budget_daily_usd=100.0, chunk_minutes=0.5, enable_fallback=True)
    ports = replace(world.ports, settings=settings, engines=frozenset({"deepgram", "parakeet-cpu"}))
    newer = Newer(world)
    event = world.upload()
    asked = TranscribeRequest(uri="gs://audio/talk.wav", request_id="call-1")
    request.on_request({"messageId": "1", "data": request_to_json(asked).decode()}, ports)
    newer.touch()
    recording = upload.on_upload(event, ports)
    flags.change({"SHORT_FILE_THRESHOLD_HOURS": "3"}, ports)
    newer.touch()
    flags.change({"ENABLE_FALLBACK": "true"}, ports)
    first = dispatch.missing(recording, ports)[0]
    fallback.hand_on(first, EngineLimit("x"), ports)
    newer.touch()
    again = decode(world.pull("deepgram")[0].data, ChunkMessage)
    fallback.hand_on(again, EngineLimit("x"), replace(ports, engines=frozenset({"deepgram"})))
    dispatch.publish_chunks(recording, ports, again=True)
    for _ in range(30):
        world.clock.time += 300
        sweep.on_tick(ports)
        newer.touch()
    for one in recording.chunks:
        commit_result(*heard(recording, one), ports)
    assert record.on_chunk_done(ChunkDone(recording=recording.id, index=0), ports).state == "DONE"
    for _ in range(3):
        world.clock.time += 300
        sweep.on_tick(ports)
    done = world.ports.records.get(documents.RECORDINGS, recording.id)
    assert (done["state"], done["announced"]) == ("DONE", True)
    assert world.ports.records.get("commitments", recording.id)["state"] == "closed"
    [(_, answer)] = world.ports.records.query("requests")
    assert (answer["answer"]["state"], answer["answered"]) == ("DONE", True)
    assert newer.missing() == []


def test_a_recording_that_fails_is_held_and_tried_again_keeps_the_fields_of_a_newer_version(world):
    ports = replace(world.ports, settings=replace(world.settings, budget_daily_usd=0.000_001))
    ports = replace(ports, engines=frozenset({"deepgram"}))
    newer = Newer(world)
    held = upload.on_upload(world.upload(), ports)
    assert held.held
    newer.touch()
    sweep.on_tick(ports)
    upload.reopen(held, ports)
    record.fail(held.id, Permanent("x"), ports)
    newer.touch()
    upload.reopen(held, ports)
    budget.let_go(held.id, ports)
    assert newer.missing() == []


def test_a_project_keeps_the_fields_of_a_newer_version_in_its_marks(tmp_path):
    world = World(tmp_path, **IN_A_PROJECT)
    newer = Newer(world)
    sweep.take_lost(world.ports)
    newer.touch()
    world.clock.time += 3600.0
    world.upload()
    sweep.take_lost(world.ports)
    assert newer.missing() == []
    assert world.ports.records.get("sweeps", "lost-events")["listed"] == world.clock.time
    world.close()
