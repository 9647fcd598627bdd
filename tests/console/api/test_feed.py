"""One poll for all viewers."""

from __future__ import annotations

import asyncio
import threading
from contextlib import aclosing
from functools import partial

import pytest

from console.api.feed import KEPT, Feed
from shared.flow import forget, record, upload
from shared.state import dead_letters
from tests import event_loop
from tests.world import IN_A_PROJECT, World


@pytest.fixture
def feed(world):
    one = Feed(world.ports)
    one.pause = 0.01
    return one


async def until(condition):
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - what happens in a thread sets no event
            await asyncio.sleep(0.005)


async def next_of(found, kinds=("recording",)):
    async def wanted():
        async for one in found:
            if one.kind in kinds:
                return one
        return None

    return await asyncio.wait_for(wanted(), 20)


async def told_of_a_cancellation(feed, found, key, ports):
    """The event of a recording that is cancelled once the feed has looked."""
    waiting = asyncio.create_task(next_of(found))
    await until(lambda: feed._rows)
    await asyncio.to_thread(record.cancel, key, ports)
    return await waiting


def test_what_is_there_is_not_told_and_what_changes_is(feed, world, planned):
    async def run():
        async with aclosing(feed.events(None)) as found:
            return await told_of_a_cancellation(feed, found, planned.id, world.ports)

    told = event_loop.run(run())
    assert (told.recording, told.data["state"]) == (planned.id, "CANCELLED")


def test_a_deletion_is_told_after_what_came_before_it(feed, world, planned):
    """Else a page that has just loaded its list puts back what was cancelled before it was deleted."""

    async def run():
        async with aclosing(feed.events(None)) as found:
            cancelled = await told_of_a_cancellation(feed, found, planned.id, world.ports)
            await asyncio.to_thread(partial(forget.forget, planned.id, world.ports, alone=True))
            return cancelled, await next_of(found)

    cancelled, deleted = event_loop.run(run())
    assert [cancelled.data["state"], deleted.data["state"]] == ["CANCELLED", "DELETED"]
    assert cancelled.data["id"] == deleted.data["id"] == planned.id


def test_a_new_recording_and_its_chunks_are_told(feed, world, finish):
    async def run():
        async with aclosing(feed.events(None)) as found:
            waiting = asyncio.create_task(next_of(found))
            await until(lambda: feed._letters is not None)
            one = await asyncio.to_thread(upload.on_upload, world.upload("new.wav"), world.ports)
            first = await waiting
            await asyncio.to_thread(finish, one, one.chunks[:1])
            return one, first, await next_of(found, ("chunks",))

    one, first, second = event_loop.run(run())
    assert first.data["name"] == "new.wav"
    assert second.data == {"id": one.id, "done": 1, "of": len(one.chunks)}


def test_who_comes_again_is_told_what_came_since_or_to_load_everything(feed, world, planned):
    async def run():
        async with aclosing(feed.events(None)) as found:
            told = await told_of_a_cancellation(feed, found, planned.id, world.ports)
            async with aclosing(feed.events(told.number - 1)) as again:
                same = await next_of(again)
            async with aclosing(feed.events(5)) as older:
                reload = await asyncio.wait_for(anext(older), 20)
        return told, same, reload

    told, same, reload = event_loop.run(run())
    assert same == told
    assert reload.kind == "reload"


def test_a_viewer_is_told_to_load_once_what_changes_is_watched(feed, world, planned, monkeypatch):
    """What changed between its own look and the first one of the feed, nobody tells."""
    may_look, look = threading.Event(), feed._look

    def late():
        may_look.wait(20)
        return look()

    monkeypatch.setattr(feed, "_look", late)

    async def run():
        async with aclosing(feed.events(None)) as found:
            waiting = asyncio.create_task(anext(found))
            await asyncio.sleep(0.05)
            early = waiting.done()
            may_look.set()
            first = await asyncio.wait_for(waiting, 20)
            async with aclosing(feed.events(None)) as another:
                second = await asyncio.wait_for(anext(another), 20)
            return (
                early,
                first.kind,
                second.kind,
                (await told_of_a_cancellation(feed, found, planned.id, world.ports)).kind,
            )

    assert event_loop.run(run()) == (False, "reload", "reload", "recording")


def test_who_comes_again_after_nobody_looked_loads_everything(feed, world, planned):
    """What changed meanwhile has no event."""

    async def run():
        async with aclosing(feed.events(None)) as found:
            told = await told_of_a_cancellation(feed, found, planned.id, world.ports)
        await until(lambda: feed._task is None)
        await asyncio.to_thread(partial(forget.forget, planned.id, world.ports))
        async with aclosing(feed.events(None)) as found:
            waiting = asyncio.create_task(next_of(found))
            await until(lambda: feed._letters is not None)
            await asyncio.to_thread(upload.on_upload, world.upload("new.wav"), world.ports)
            await waiting
            async with aclosing(feed.events(told.number)) as again:
                return (await asyncio.wait_for(anext(again), 20)).kind

    assert event_loop.run(run()) == "reload"


def test_who_is_too_slow_for_what_is_kept_loads_everything(feed, world, planned):
    async def run():
        async with aclosing(feed.events(None)) as found:
            first = await asyncio.wait_for(anext(found), 20)
            for _ in range(KEPT + 1):
                feed._add("costs", {})
            return first.kind, (await asyncio.wait_for(anext(found), 20)).kind

    assert event_loop.run(run()) == ("reload", "reload")


def test_without_viewers_nothing_is_read_and_many_viewers_are_one(feed, world, planned, monkeypatch):
    reads = []
    newest = world.ports.records.newest
    monkeypatch.setattr(world.ports.records, "newest", lambda *a, **k: reads.append(a) or newest(*a, **k))

    async def looks(viewers):
        reads.clear()
        async with asyncio.TaskGroup() as group:
            open_ones = [feed.events(None) for _ in range(viewers)]
            tasks = [group.create_task(next_of(one)) for one in open_ones]
            await until(lambda: len(reads) >= 12)
            for one in tasks:
                one.cancel()
        return feed._task

    async def run():
        await looks(50)
        await until(lambda: feed._task is None)
        reads.clear()
        await asyncio.sleep(0.1)
        return list(reads)

    assert event_loop.run(run()) == []


def test_in_a_project_a_look_reads_few_documents(tmp_path):
    world = World(tmp_path, **IN_A_PROJECT)
    feed = Feed(world.ports)
    for number in range(20):
        world.clock.time += 1
        upload.on_upload(world.upload(f"{number}.wav"), world.ports)
    reads = {"newest": 0, "get": 0, "count": 0}
    records = world.ports.records
    for name in ("get", "count"):
        plain = getattr(records, name)

        def counted(*given, plain=plain, name=name, **more):
            reads[name] += 1
            return plain(*given, **more)

        setattr(records, name, counted)
    plain_newest = records.newest

    def newest(collection, by, limit, where=None, **more):
        reads["newest"] += limit
        return plain_newest(collection, by, limit, where, **more)

    records.newest = newest
    looks = 10
    for _ in range(looks):
        feed._tell(feed._look(), silently=False)
    assert sum(reads.values()) / (looks * feed.pause) <= 2
    world.close()


def test_in_a_project_several_that_arrive_between_two_looks_are_all_told(tmp_path):
    world = World(tmp_path, **IN_A_PROJECT)

    def arrive(*names):
        for name in names:
            world.clock.time += 0.1
            upload.on_upload(world.upload(name), world.ports)

    arrive("old.wav", "older.wav", "before.wav")
    feed = Feed(world.ports)
    feed._tell(feed._look(), silently=True)
    arrive(*(f"{number}.wav" for number in range(5)))
    feed._tell(feed._look(), silently=False)
    told = [one.data["name"] for one in feed._events if one.kind == "recording"]
    assert told == [f"{number}.wav" for number in range(5)]
    world.close()


def test_in_a_project_a_new_dead_letter_is_told_within_half_a_minute(tmp_path):
    world = World(tmp_path, **IN_A_PROJECT)
    feed = Feed(world.ports)
    feed._tell(feed._look(), silently=True)
    world.ports.records.create(dead_letters.DEAD_LETTERS, "x", {"time": 1.0})
    looks = 0
    while not feed._events:
        feed._tell(feed._look(), silently=False)
        looks += 1
    assert [one.kind for one in feed._events] == ["trouble"]
    assert looks * feed.pause <= 30
    world.close()
