"""However many wait, each is looked at: what waits in vain at the head of a list hides nothing behind it."""

from __future__ import annotations

import base64
import json
from contextlib import suppress
from dataclasses import replace

import pytest

from shared.costs import budget
from shared.errors import Transient
from shared.flow import request, upload
from shared.messages import ChunkMessage, decode, to_fields
from shared.model import Options, recording_id
from shared.results import LedgerRow
from shared.state import answers, documents, ledger, sweep_notes
from shared.sweep import each, observe, release_held, stuck, sweep
from tests.world import World

NOON = 1_795_176_000.0
"""2026-11-20T12:00:00Z."""


@pytest.fixture
def world(tmp_path, monkeypatch):
    monkeypatch.setattr(each, "LOOKS", 20)
    world = World(tmp_path, chunk_minutes=0.5)
    yield world
    world.close()


def planned(world, count):
    found = [upload.on_upload(world.upload(f"{number}.wav"), world.ports) for number in range(count)]
    world.pull("cpu-worker")
    return sorted(found, key=lambda one: one.id)


def pushed(world):
    return {decode(one.data, ChunkMessage).recording for one in world.pull("cpu-worker")}


def test_recordings_that_go_on_hide_no_stuck_one_behind_them(world):
    *slow, last = planned(world, 70)
    for _ in range(24):
        world.clock.time += 60
        for one in slow:
            note = sweep_notes.Note(done=0, since=world.clock.time, looked=0.0)
            documents.put(sweep_notes.SWEEPS, one.id, to_fields(note), world.ports)
        stuck.push_stuck(world.ports)
    assert pushed(world) == {last.id}


def test_recordings_that_cannot_be_pushed_hide_none_behind_them(world, monkeypatch):
    *_, last = planned(world, 30)
    take = upload.take

    def failing(source, options, ports, **more):
        if source != last.source:
            raise RuntimeError("a mistake of ours")
        return take(source, options, ports, **more)

    monkeypatch.setattr(stuck.upload, "take", failing)
    for _ in range(24):
        world.clock.time += 60
        with suppress(Transient):
            stuck.push_stuck(world.ports)
    assert pushed(world) == {last.id}


@pytest.fixture
def ports(world):
    """A deployment that may spend a dollar a day at Deepgram."""
    world.clock.time = NOON
    settings = replace(world.settings, budget_daily_usd=1.0, method="deepgram", chunk_minutes=10)
    return replace(world.ports, settings=settings, engines=frozenset({"deepgram", "parakeet-cpu"}))


def test_held_recordings_that_never_fit_hide_no_small_one_that_does(world, ports):
    world.media.info = replace(world.media.info, duration=10 * 3600.0)  # 2.6 dollars
    big = [upload.on_upload(world.upload(f"big{number}.wav"), ports) for number in range(70)]
    assert all(one.held for one in big)
    world.media.info = replace(world.media.info, duration=60.0)
    event = _last_of(world, {one.id for one in big})
    full = LedgerRow(
        recording="x", chunk=0, engine="deepgram", attempt="a", audio_seconds=1.0, busy_seconds=0.0,
        usd=0.999, prices="v",
    )  # fmt: skip
    ledger.write(full, ports)
    budget.sum_up(ports)
    small = upload.on_upload(event, ports)
    assert small.held
    world.clock.time += 86_400
    for _ in range(5):
        world.clock.time += 60
        release_held.keep_budgets(ports)
    assert documents.get_recording(ports.records, small.id).state == "PLANNED"


def _last_of(world, keys):
    """The event of an upload whose key comes after all of these."""
    for number in range(10_000):
        event = world.upload(f"small{number}.wav")
        source = world.ports.store.stat("audio", f"small{number}.wav")
        if recording_id(source, Options()) > max(keys):
            return event
    raise AssertionError


def test_requests_on_their_way_hide_none_whose_recording_has_ended(world):
    keys = sorted((answers.key_of(f"r-{number}"), number) for number in range(70))
    for _, number in keys:
        world.upload(f"{number}.wav")
        data = json.dumps({"uri": f"gs://audio/{number}.wav", "request_id": f"r-{number}"}).encode()
        message = {"messageId": str(number), "data": base64.b64encode(data).decode(), "attributes": {}}
        request.on_request(message, world.ports)
    last = keys[-1][1]
    source = world.ports.store.stat("audio", f"{last}.wav")
    # It ends, and whoever ended it dies before it answers.
    ended = {"state": "FAILED", "reason": "x", "finished": world.clock.time, "announced": True}
    key = recording_id(source, Options())
    documents.change_recording(world.ports, key, lambda stored: replace(stored, **ended))
    for _ in range(6):
        world.clock.time += 60
        sweep.answer_waiting(world.ports)
    assert answers.find(f"r-{last}", world.ports.records).answered


def test_ends_that_cannot_be_announced_hide_none_behind_them(world, monkeypatch):
    found = planned(world, 30)
    for one in found:
        ended = {"state": "FAILED", "reason": "x", "finished": world.clock.time}
        documents.change_recording(world.ports, one.id, lambda stored, ended=ended: replace(stored, **ended))
    publish = world.ports.queue.publish

    def failing(topic, data, attributes=None):
        if attributes["recording"] != found[-1].id:
            raise RuntimeError("a mistake of ours")
        return publish(topic, data, attributes)

    monkeypatch.setattr(world.ports.queue, "publish", failing)
    for _ in range(9):
        world.clock.time += 60
        with suppress(Transient):
            sweep.announce_untold(world.ports)
    assert documents.get_recording(world.ports.records, found[-1].id).announced


def test_what_waits_for_one_engine_hides_no_work_of_another(world, monkeypatch):
    monkeypatch.setattr(observe, "AT_A_TIME", 5)
    found = planned(world, 20)
    for one in found[:-1]:
        chunks = tuple(replace(chunk, engine="deepgram") for chunk in one.chunks)
        documents.change_recording(world.ports, one.id, lambda stored, c=chunks: replace(stored, chunks=c))
    seen = [observe.backlog_of(world.ports).chunks for _ in range(4)]
    assert any(seen)
