from __future__ import annotations

import asyncio
import threading
from dataclasses import replace

import pytest

from console.renditions import Renditions
from shared.errors import BadMedia
from shared.flow.reading import peaks, rendition
from tests import event_loop


@pytest.fixture
def renditions():
    one = Renditions()
    yield one
    one.close()


def test_who_asks_while_it_is_made_waits_for_the_same(renditions, world, done, monkeypatch):
    made, go_on = [], threading.Event()

    def make(one, ports):
        made.append(one.id)
        go_on.wait(20)
        return done.source

    monkeypatch.setattr(rendition, "make", make)
    asked = [renditions.begin(done, world.ports) for _ in range(5)]
    go_on.set()
    assert [one.result(20) for one in asked] == [done.source] * 5
    assert made == [done.id]


def test_one_that_failed_is_tried_again_by_the_next_one(renditions, world, done, monkeypatch):
    def broken(one, ports):
        raise BadMedia("missing", "It is gone.")

    monkeypatch.setattr(rendition, "make", broken)
    with pytest.raises(BadMedia):
        renditions.begin(done, world.ports).result(20)
    monkeypatch.setattr(rendition, "make", lambda one, ports: done.source)
    assert renditions.begin(done, world.ports).result(20) == done.source


def test_a_waveform_is_drawn_once_while_many_look_and_a_failure_ends_nothing(
    renditions, world, done, monkeypatch
):
    drawn, go_on = [], threading.Event()

    def decoded(one, ports):
        drawn.append(one.id)
        go_on.wait(20)
        raise BadMedia("missing", "It is gone.")

    monkeypatch.setattr(peaks, "decoded", decoded)
    for _ in range(5):
        renditions.draw(done, world.ports)
    go_on.set()
    renditions._pool.submit(lambda: None).result(20)
    assert drawn == [done.id]
    renditions.draw(done, world.ports)
    renditions._pool.submit(lambda: None).result(20)
    assert drawn == [done.id] * 2


def test_what_was_not_begun_is_not_made_once_nobody_waits_for_it(renditions, world, done, monkeypatch):
    event_loop.run(_some_hang_up(renditions, world, done, monkeypatch))


async def _some_hang_up(renditions, world, done, monkeypatch):
    made, begun, go_on = [], threading.Event(), threading.Event()

    def make(one, ports):
        made.append(one.id)
        begun.set()
        go_on.wait(20)
        return done.source

    async def still_there():
        await asyncio.sleep(60)

    async def hangs_up():
        pass

    monkeypatch.setattr(rendition, "make", make)
    first = asyncio.ensure_future(renditions.made(done, world.ports, still_there(), 60))
    await asyncio.to_thread(begun.wait, 20)
    left, wanted = replace(done, id="left"), replace(done, id="wanted")
    waits = asyncio.ensure_future(renditions.made(wanted, world.ports, still_there(), 60))
    assert await renditions.made(left, world.ports, hangs_up(), 60) is None
    assert await renditions.made(wanted, world.ports, hangs_up(), 60) is None
    go_on.set()
    assert (await first, await waits) == (done.source, done.source)
    assert made == [done.id, "wanted"]
    # The next one who wants it gets it.
    assert await renditions.made(left, world.ports, still_there(), 60) == done.source
