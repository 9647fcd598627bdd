"""Two versions side by side: the older one drops nothing that the newer one wrote, and gives back what it cannot read."""

from __future__ import annotations

import base64
import json
import time
from contextlib import suppress
from dataclasses import replace
from functools import reduce

import pytest

from local.runtime.subscriptions import in_process
from shared.costs import budget
from shared.engines import DEEPGRAM, ENGINES
from shared.errors import BadRequest, EngineLimit, NewerVersion, Permanent, Transient
from shared.flow import dispatch, record, request, upload
from shared.flow.chunk import commit_result
from shared.hosted import hosted_chunk
from shared.messages import (
    ChunkDone,
    ChunkMessage,
    TranscribeRequest,
    decode,
    encode,
    request_to_json,
    to_fields,
)
from shared.recovery import dead_letter, fallback
from shared.routing import flags
from shared.state import documents
from shared.sweep import sweep
from tests.gpu_job.pipeline.test_worker import CountingEngine, toned, work
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
    fallback.hand_over(first, EngineLimit("x"), ports)
    newer.touch()
    again = decode(world.pull("deepgram")[0].data, ChunkMessage)
    fallback.hand_over(again, EngineLimit("x"), replace(ports, engines=frozenset({"deepgram"})))
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


def newer_fields(message, **changes):
    """The message as a newer version would send it: with fields of its own, and some values changed."""
    fields = json.loads(encode(message)) | {"newer": {"of": 1}}
    for place, value in changes.items():
        *path, last = place.split("__")
        reduce(lambda at, name: at[name], path, fields)[last] = value
    return fields


UNKNOWN = {
    "a value": {"audio__splittable_by": "packets"},
    "an engine": {"chunk__engine": "parakeet-tpu"},
    "an option that is on": {"options__translate": "fr"},
}


def published(world, ports, **changes):
    """Publish the first chunk of a recording as a newer version would, in place of our own messages."""
    recording = upload.on_upload(world.upload(), ports)
    mine = decode(world.pull("cpu-worker")[0].data, ChunkMessage)
    data = json.dumps(newer_fields(mine, **changes)).encode()
    ports.queue.publish("chunks-cpu", data, dispatch.attributes_of(mine))
    return recording, data


@pytest.mark.parametrize("changes", UNKNOWN.values(), ids=UNKNOWN)
def test_a_worker_gives_back_what_only_a_newer_version_can_do(tmp_path, changes):
    world = toned(World(tmp_path, chunk_minutes=10, model="fake"))
    recording, data = published(world, world.ports, **changes)
    work(world, CountingEngine(), until=lambda: world.ports.records.count("failures"))
    _, note = next(world.ports.records.query("failures"))
    assert (note["error"], "finish the deployment" in note["reason"]) == ("NewerVersion", True)
    assert documents.get_recording(world.ports.records, recording.id).state == "PLANNED"
    time.sleep(0.2)
    [again] = world.ports.queue.pull("cpu-worker", 10, 60)
    assert (again.data, again.attempt > 1) == (data, True)
    world.close()


def test_a_worker_does_what_has_fields_that_it_need_not_know(tmp_path):
    world = toned(World(tmp_path, chunk_minutes=10, model="fake"))
    recording, _ = published(world, world.ports, options__translate=None, chunk__loudness=0.3)
    work(world, CountingEngine(), until=lambda: world.ports.records.count(documents.CHUNKS))
    assert world.ports.records.count(documents.CHUNKS, {"recording": recording.id}) == 1
    world.close()


def pushed(data):
    return json.dumps({"message": {"messageId": "m", "data": base64.b64encode(data).decode()}}).encode()


def handle(world):
    """The function of Deepgram's subscription."""
    return in_process(replace(world.ports, hosted={DEEPGRAM.name: None}))[DEEPGRAM.subscription]


@pytest.mark.parametrize("changes", UNKNOWN.values(), ids=UNKNOWN)
def test_a_function_gives_back_what_only_a_newer_version_can_do(world, changes):
    _, data = published(world, world.ports, **changes)
    with pytest.raises(NewerVersion, match="or roll it back"):
        handle(world)(pushed(data))
    assert world.ports.records.count("dead_letters") == 0


@pytest.mark.parametrize("changes", UNKNOWN.values(), ids=UNKNOWN)
def test_a_dead_letter_that_only_a_newer_version_can_read_is_kept_and_its_recording_goes_on(world, changes):
    recording, data = published(world, world.ports, **changes)
    world.pull("cpu-worker")
    letter = {"messageId": "m", "data": base64.b64encode(data).decode()}
    dead_letter.on_dead_letter(
        letter | {"attributes": {"recording": recording.id, "chunk": "0"}}, world.ports
    )
    assert world.ports.records.count("dead_letters") == 1
    assert documents.get_recording(world.ports.records, recording.id).state == "PLANNED"
    for _ in range(12):
        world.clock.time += 300
        sweep.on_tick(world.ports)
    assert decode(world.pull("cpu-worker")[0].data, ChunkMessage).recording == recording.id


def test_a_malformed_message_is_still_hopeless(world):
    _, data = published(world, world.ports, audio__splittable_by=7)
    with pytest.raises(BadRequest):
        decode(data, ChunkMessage)
    handle(world)(pushed(data))
    assert world.ports.records.count("dead_letters") == 1


OF_A_NEWER_VERSION = {
    "a state": {"state": "PAUSED"},
    "a method": {"state": "ACCEPTED", "chunks": [], "options": {"method": "whisper"}},
    "an option that is on": {"options": {"translate": "fr"}},
    "an engine": {
        "chunks": [{"index": 0, "start": 0.0, "end": 60.0, "lead": 0.0, "tail": 0.0, "engine": "tpu"}]
    },
}


@pytest.mark.parametrize("changes", OF_A_NEWER_VERSION.values(), ids=OF_A_NEWER_VERSION)
def test_a_recording_of_a_newer_version_is_left_to_it(world, changes):
    event = world.upload()
    recording = upload.on_upload(event, world.ports)
    other = upload.on_upload(world.upload("other.wav"), world.ports)
    world.pull("cpu-worker")
    world.ports.records.update(
        documents.RECORDINGS, recording.id, lambda one: one | {"published": 0, "planned": None} | changes
    )
    theirs = world.ports.records.get(documents.RECORDINGS, recording.id)
    with pytest.raises(NewerVersion):
        upload.on_upload(event, world.ports)
    for _ in range(12):
        world.clock.time += 300
        with suppress(Transient):
            sweep.on_tick(world.ports)
    assert world.ports.records.get(documents.RECORDINGS, recording.id) == theirs
    assert {decode(one.data, ChunkMessage).recording for one in world.pull("cpu-worker")} == {other.id}


def test_an_unknown_method_in_an_upload_or_a_request_is_a_mistake_of_its_owner(world):
    failed = upload.on_upload(world.upload(**{"dropscribe-method": "whisper"}), world.ports)
    assert (failed.state, failed.code) == ("FAILED", "BadRequest")
    data = {"uri": "gs://audio/talk.wav", "request_id": "call-1", "options": {"method": "whisper"}}
    request.on_request({"messageId": "1", "data": json.dumps(data)}, world.ports)
    [(_, asked)] = world.ports.records.query("requests")
    assert "method must be one of" in asked["answer"]["reason"]


def weights_of(world, subscription):
    return [(one.model, one.hosted_model) for one in sent(world, subscription)]


def sent(world, subscription):
    return [decode(one.data, ChunkMessage) for one in world.pull(subscription)]


def test_a_hand_over_takes_the_weights_of_the_plan_not_those_of_the_moment(world):
    engines = frozenset({"parakeet-cpu", "deepgram"})
    settings = replace(world.settings, chunk_minutes=0.5, model="a/first")
    ports = replace(world.ports, engines=engines, settings=settings)
    recording = upload.on_upload(world.upload(**{"dropscribe-method": "deepgram"}), ports)
    either = replace(recording.fallback, engines=("parakeet-cpu", "deepgram"))
    recording = documents.change_recording(ports, recording.id, lambda one: replace(one, fallback=either))
    assert set(weights_of(world, "deepgram")) == {("nova-3", "nova-3")}
    later = replace(ports, settings=replace(settings, model="b/second"))
    for moment, message in zip((ports, later), dispatch.missing(recording, ports), strict=False):
        fallback.hand_over(message, EngineLimit("x"), moment)
    assert weights_of(world, "cpu-worker") == [("a/first", "")] * len(recording.chunks)


def test_a_version_with_other_hosted_weights_uses_those_of_the_plan(world, monkeypatch):
    world = toned(world)
    ports = replace(world.ports, engines=frozenset({"parakeet-cpu", "deepgram"}))
    upload.on_upload(world.upload(**{"dropscribe-method": "deepgram"}), ports)
    newer = replace(DEEPGRAM, hosted=replace(DEEPGRAM.hosted, weights="nova-4"))
    monkeypatch.setitem(ENGINES, DEEPGRAM.name, newer)
    jobs = []

    class Fake:
        def transcribe(self, job):
            jobs.append(job)
            raise BadRequest("enough is known")

    [message] = sent(world, "deepgram")
    hosted_chunk.on_chunk(message, replace(ports, hosted={DEEPGRAM.name: Fake()}), message_id="m")
    assert [(job.model, job.plain) for job in jobs] == [("nova-3", False)]


def test_a_recording_from_before_its_weights_were_frozen_is_handed_over_as_before(world):
    settings = replace(world.settings, model="a/first")
    ports = replace(world.ports, engines=frozenset({"parakeet-cpu", "deepgram"}), settings=settings)
    event = world.upload(**{"dropscribe-method": "deepgram"})
    recording = upload.on_upload(event, ports)
    either = replace(recording.fallback, engines=("parakeet-cpu", "deepgram"))
    older = {"fallback": to_fields(either)}
    world.ports.records.update(
        documents.RECORDINGS,
        recording.id,
        lambda one: {name: value for name, value in (one | older).items() if name != "weights"},
    )
    recording = documents.get_recording(world.ports.records, recording.id)
    fallback.hand_over(dispatch.missing(recording, ports)[0], EngineLimit("x"), ports)
    assert weights_of(world, "cpu-worker") == [("a/first", "")]
