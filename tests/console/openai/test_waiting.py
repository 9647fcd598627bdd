"""One poll for all who wait."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest

from console.openai import waiting
from console.openai.waiting import Poll
from tests import event_loop


class World:
    """Things that change, and how often they were looked at."""

    def __init__(self):
        self.states = {"a": 1, "b": 1}
        self.looks = []
        self.broken = False

    def look(self, keys):
        self.looks.append(sorted(keys))
        if self.broken:
            raise OSError("the database is locked")
        return {key: self.states[key] for key in keys if key in self.states}


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch):
    monkeypatch.setattr(waiting, "FIRST_PAUSE", 0.01)
    monkeypatch.setattr(waiting, "LONGEST_PAUSE", 0.02)


async def until(poll, key, wanted, seen=None):
    """What is seen of a key, up to a value."""
    seen = [] if seen is None else seen
    async with aclosing(poll.changes(key)) as changes:
        async for now in changes:
            seen.append(now)
            if now == wanted:
                return seen
    return None


async def until_true(condition):
    while not condition():  # noqa: ASYNC110 - what is waited for is under test
        await asyncio.sleep(0.005)


async def told(seen):
    """Until everybody has been told something."""
    await until_true(lambda: all(seen))


def run(scenario):
    world = World()

    async def whole():
        poll = Poll(world.look)
        return await asyncio.wait_for(scenario(world, poll), 10)

    return world, event_loop.run(whole())


def test_a_hundred_who_wait_for_one_thing_are_one_look():
    async def scenario(world, poll):
        seen = [[] for _ in range(100)]
        all_of_them = asyncio.gather(*(until(poll, "a", 2, one) for one in seen))
        await told(seen)
        world.states["a"] = 2
        return await all_of_them

    world, seen = run(scenario)
    assert seen == [[1, 2]] * 100
    # With a look for each there would be hundreds.
    assert len(world.looks) < 100
    assert set(map(tuple, world.looks)) == {("a",)}


def test_several_things_are_looked_at_together():
    async def scenario(world, poll):
        seen = [], []
        both = asyncio.gather(until(poll, "a", 2, seen[0]), until(poll, "b", 2, seen[1]))
        await told(seen)
        world.states |= {"a": 2, "b": 2}
        return await both

    world, seen = run(scenario)
    assert seen == [[1, 2], [1, 2]]
    assert ["a", "b"] in world.looks


def test_nobody_waits_nothing_is_read():
    async def scenario(world, poll):
        await until(poll, "a", 1)
        # One look may be under way.
        await until_true(lambda: poll._task is None)
        before = len(world.looks)
        await asyncio.sleep(0.05)
        return before, len(world.looks), poll

    _, (before, after, poll) = run(scenario)
    assert before == after
    assert poll._topics == {}


def test_who_is_cancelled_no_longer_counts():
    async def scenario(world, poll):
        seen = []
        task = asyncio.create_task(until(poll, "a", 2, seen))
        await told([seen])
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await until_true(lambda: poll._task is None)
        return poll._topics

    assert run(scenario)[1] == {}


def test_who_comes_later_is_told_what_is_known():
    async def scenario(world, poll):
        seen = [], []
        first = asyncio.create_task(until(poll, "a", 2, seen[0]))
        await told(seen[:1])
        second = asyncio.create_task(until(poll, "a", 2, seen[1]))
        await told(seen)
        world.states["a"] = 2
        return await asyncio.gather(first, second)

    _, seen = run(scenario)
    assert seen == [[1, 2], [1, 2]]


def test_a_look_that_fails_is_repeated():
    async def scenario(world, poll):
        world.broken = True
        task = asyncio.create_task(until(poll, "a", 1))
        await until_true(lambda: world.looks)
        world.broken = False
        return await task

    world, seen = run(scenario)
    assert seen == [1]
    assert len(world.looks) > 1


def test_what_is_not_there_yet_is_waited_for():
    async def scenario(world, poll):
        task = asyncio.create_task(until(poll, "c", 1))
        await until_true(lambda: world.looks)
        world.states["c"] = 1
        return await task

    assert run(scenario)[1] == [1]
