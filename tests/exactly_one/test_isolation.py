"""One bad item stops neither its part of a sweep nor the parts after it."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import replace

import pytest

from shared.errors import Transient
from shared.flow import upload
from shared.messages import ChunkMessage, decode
from shared.ports import WorkerState
from shared.sweep import stuck, sweep
from tests.world import IN_A_PROJECT, World


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path)
    yield world
    world.close()


def planned(world, count):
    found = [upload.on_upload(world.upload(f"{number}.wav"), world.ports) for number in range(count)]
    world.pull("cpu-worker")
    return sorted(found, key=lambda one: one.id)


def pushed(world):
    return {decode(one.data, ChunkMessage).recording for one in world.pull("cpu-worker")}


def sweep_for(world, hours):
    for _ in range(hours * 12):
        world.clock.time += 300
        with suppress(Transient):
            sweep.on_tick(world.ports)


def test_a_document_that_cannot_be_read_hides_no_other(world):
    bad, *others = planned(world, 3)
    options = {"options": {"track": "of a newer version"}}
    world.ports.records.update("recordings", bad.id, lambda fields: fields | options)
    sweep_for(world, 3)
    assert pushed(world) == {one.id for one in others}


def test_a_mistake_at_one_recording_stops_no_other(world, monkeypatch):
    bad, *others = planned(world, 3)
    take = upload.take

    def mistaken(source, options, ports, **more):
        if source == bad.source:
            raise RuntimeError("a mistake of ours")
        return take(source, options, ports, **more)

    monkeypatch.setattr(stuck.upload, "take", mistaken)
    sweep_for(world, 3)
    assert pushed(world) == {one.id for one in others}


class Ready:
    """Workers that run already."""

    def state(self):
        return WorkerState(status="ready", running=1)

    def start(self, _tasks):
        return self.state()

    def ended(self, _since):
        return []


def test_an_unexpected_error_in_one_part_lets_the_others_run(tmp_path, monkeypatch):
    world = World(tmp_path, **IN_A_PROJECT)
    world.ports = replace(world.ports, gpu_jobs=Ready())
    planned(world, 1)

    def mistaken(_):
        raise RuntimeError("a mistake of ours")

    monkeypatch.setattr(sweep, "take_lost", mistaken)
    for _ in range(36):
        world.clock.time += 300
        with pytest.raises(Transient, match="lost_events: RuntimeError"):
            sweep.on_tick(world.ports)
    assert len(pushed(world)) == 1
    world.close()


def test_an_object_whose_probe_is_mistaken_hides_no_lost_object_behind_it(tmp_path):
    world = World(tmp_path, **IN_A_PROJECT)
    now = [time.time() - 3600.0]
    world.clock.now = lambda: now[0]
    sweep.take_lost(world.ports)
    for name in ("a.wav", "b.wav"):
        world.upload(name)
    world.media.error = RuntimeError("a mistake of ours in the probe")
    now[0] = time.time() + 3600.0
    assert sweep.take_lost(world.ports) == 2
    world.close()
