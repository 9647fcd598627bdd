"""Whoever dies between two steps, and whatever is lost: the sweeper makes up for it within five minutes."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial

import pytest

from shared.errors import EngineLimit, Permanent
from shared.flow import dispatch, record, upload
from shared.flow.chunk import commit_result
from shared.messages import ChunkDone, to_fields
from shared.model import Options
from shared.ports import WorkerState
from shared.recovery import fallback
from shared.state import documents, uploads
from shared.sweep import sweep
from tests.world import IN_A_PROJECT, World, heard

PROMISED = 300.0
"""Seconds."""

NOON = 1_795_176_000.0
"""2026-11-20T12:00:00Z."""

CROWD = 10_000


class DiedError(Exception):
    """The process was killed."""


class Running:
    """A worker that runs, and hears nothing."""

    def state(self):
        return WorkerState(status="ready", running=1)

    def start(self, _tasks):
        return self.state()

    def ended(self, _since):
        return []


@pytest.fixture(scope="module")
def crowd(tmp_path_factory):
    """Documents of very many recordings that wait for their engines."""
    world = World(tmp_path_factory.mktemp("crowd"), chunk_minutes=0.5, **IN_A_PROJECT)
    one = upload.on_upload(world.upload(), world.ports)
    world.close()
    sources = (replace(one.source, name=f"{number}.wav") for number in range(CROWD))
    keys = (f"{number * 7919 % CROWD:05}{'a' * 21}" for number in range(CROWD))
    waiting = [
        replace(one, id=key, source=source, created=NOON, planned=NOON, published=2)
        for key, source in zip(keys, sources, strict=True)
    ]
    return [(one.id, json.dumps(to_fields(one))) for one in waiting]


@pytest.fixture
def world(tmp_path, monkeypatch):
    """A project with the sweeper at work, in which objects are as old as the clock says."""
    world = World(tmp_path, chunk_minutes=0.5, engines="parakeet-gpu", **IN_A_PROJECT)
    world.clock.time = NOON
    world.ports = replace(world.ports, gpu_jobs=Running(), engines=frozenset({"parakeet-gpu", "deepgram"}))
    listing, born = world.ports.store.list, {}

    def listed(bucket, prefix=""):
        for one in listing(bucket, prefix):
            yield replace(one, generation=born.get(one.name, one.generation))

    monkeypatch.setattr(world.ports.store, "list", listed)
    world.born = born
    _note_messages(world, monkeypatch)
    sweep.on_tick(world.ports)
    yield world
    world.close()


def _note_messages(world, monkeypatch):
    """Keep what is published, as pairs of topic and recording, in `world.sent`."""
    queue, world.sent = world.ports.queue, []
    publish, publish_many = queue.publish, queue.publish_many

    def one(topic, data, attributes=None):
        world.sent.append((topic, attributes["recording"]))
        return publish(topic, data, attributes)

    def many(topic, messages):
        world.sent += [(topic, attributes["recording"]) for _, attributes in messages]
        return publish_many(topic, messages)

    monkeypatch.setattr(queue, "publish", one)
    monkeypatch.setattr(queue, "publish_many", many)


def dying(world, monkeypatch, topic, call):
    """Make a call whose process dies before it publishes to a topic."""
    with monkeypatch.context() as patch:
        for name in ("publish", "publish_many"):
            publish = getattr(world.ports.queue, name)

            def died(to, *rest, publish=publish):
                if to == topic:
                    raise DiedError
                return publish(to, *rest)

            patch.setattr(world.ports.queue, name, died)
        with pytest.raises(DiedError):
            call()


def stored(world, recording):
    return documents.get_recording(world.ports.records, recording.id)


def accept(world, name):
    event = world.upload(f"{name}.wav")
    return event, world.ports.store.stat("audio", f"{name}.wav")


def complete(world, name):
    recording = upload.on_upload(world.upload(f"{name}.wav"), world.ports)
    for one in recording.chunks:
        commit_result(*heard(recording, one), world.ports)
    return recording


def sent(world, topic, recording):
    """Tells whether a message about a recording has been published since now."""
    world.sent.clear()
    return lambda: (topic, recording.id) in world.sent


def router_died_before_the_plan(world, _):
    _, source = accept(world, "accepted")
    recording = upload.accept(source, Options(), world.ports)
    return lambda: stored(world, recording).state == "PLANNED"


def router_died_before_it_published(world, monkeypatch):
    event, source = accept(world, "planned")
    dying(world, monkeypatch, "chunks-gpu", lambda: upload.on_upload(event, world.ports))
    recording = upload.accept(source, Options(), world.ports)
    assert (recording.state, recording.published) == ("PLANNED", 0)
    return sent(world, "chunks-gpu", recording)


def merger_died_before_it_published_what_goes_on(world, monkeypatch):
    recording = upload.on_upload(world.upload("longer.wav"), world.ports)
    for one in recording.chunks:
        result, row = heard(recording, one)
        commit_result(replace(result, decoded=result.lead + result.owned + one.tail), row, world.ports)
    done = ChunkDone(recording=recording.id, index=len(recording.chunks) - 1)
    dying(world, monkeypatch, "chunks-gpu", lambda: record.on_chunk_done(done, world.ports))
    assert len(stored(world, recording).chunks) == 2 * len(recording.chunks)
    return sent(world, "chunks-gpu", recording)


def worker_died_before_it_published_the_next_turn(world, monkeypatch):
    recording = upload.on_upload(world.upload("handed.wav"), world.ports)
    message = dispatch.missing(recording, world.ports)[0]
    hand_over = partial(fallback.hand_over, message, EngineLimit("x"), world.ports)
    dying(world, monkeypatch, "chunks-deepgram", hand_over)
    return sent(world, "chunks-deepgram", recording)


def worker_died_before_it_said_that_the_last_chunk_is_done(world, monkeypatch):
    recording = upload.on_upload(world.upload("complete.wav"), world.ports)
    *others, last = recording.chunks
    for one in others:
        commit_result(*heard(recording, one), world.ports)
    dying(world, monkeypatch, "chunks-done", lambda: commit_result(*heard(recording, last), world.ports))
    return sent(world, "chunks-done", recording)


def merger_died_before_it_announced(world, monkeypatch):
    recording = complete(world, "done")
    done = ChunkDone(recording=recording.id, index=0)
    dying(world, monkeypatch, "transcripts-ready", lambda: record.on_chunk_done(done, world.ports))
    assert (stored(world, recording).state, stored(world, recording).announced) == ("DONE", False)
    return lambda: stored(world, recording).announced


def nobody_was_told_of_a_failure(world, monkeypatch):
    recording = upload.on_upload(world.upload("failed.wav"), world.ports)
    fail = partial(record.fail, recording.id, Permanent("x"), world.ports)
    dying(world, monkeypatch, "transcripts-ready", fail)
    return lambda: stored(world, recording).announced


def an_event_was_lost(world, _):
    accept(world, "lost")
    world.born["lost.wav"] = int(world.clock.time * 1e6)
    source = replace(world.ports.store.stat("audio", "lost.wav"), generation=world.born["lost.wav"])

    def taken():
        recording = uploads.recording_of(source, world.ports.records)
        return recording is not None and recording.state == "PLANNED"

    return taken


CRASHES = [
    router_died_before_the_plan,
    router_died_before_it_published,
    merger_died_before_it_published_what_goes_on,
    worker_died_before_it_published_the_next_turn,
    worker_died_before_it_said_that_the_last_chunk_is_done,
    merger_died_before_it_announced,
    nobody_was_told_of_a_failure,
    an_event_was_lost,
]


@pytest.mark.parametrize("phase", [1.0, 59.0])
@pytest.mark.parametrize("crash", CRASHES, ids=lambda one: one.__name__)
def test_it_is_made_up_for_within_five_minutes(world, monkeypatch, crash, phase):
    world.clock.time += phase
    happened = world.clock.time
    made_up_for = crash(world, monkeypatch)
    ticks(world, happened, phase, lambda: not made_up_for())


@pytest.mark.slow
def test_among_ten_thousand_recordings_all_of_them_are_made_up_for_in_that_time(world, monkeypatch, crowd):
    with world.database.write() as connection:
        connection.executemany(
            "INSERT INTO documents (collection, key, fields) VALUES ('recordings', ?, ?)", crowd
        )
    world.clock.time += 59.0
    happened = world.clock.time
    left = {crash.__name__: crash(world, monkeypatch) for crash in CRASHES}

    def goes_on():
        for name in [name for name, made_up_for in left.items() if made_up_for()]:
            del left[name]
        return left

    assert len(goes_on()) == len(CRASHES)
    ticks(world, happened, 59.0, goes_on)


def ticks(world, happened, phase, goes_on):
    """Sweep every minute, for as long as something is left, and no longer than promised."""
    assert goes_on()
    world.clock.time -= phase
    while goes_on():
        world.clock.time += 60
        assert world.clock.time - happened <= PROMISED
        sweep.on_tick(world.ports)
