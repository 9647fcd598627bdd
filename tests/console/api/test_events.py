from __future__ import annotations

import asyncio

import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from console.api import events
from console.api import feed as feed_module
from console.api.answers import ApiError
from console.api.feed import MOST_EACH, MOST_VIEWERS, Event, Feed
from tests import event_loop


class Told:
    """A feed that says what it was given."""

    def __init__(self, *found):
        self.found = found

    async def events(self, last):
        del last
        for one in self.found:
            yield one


def streamed(feed, only=""):
    async def all_of_it():
        return [one async for one in events._stream(feed, None, only)]

    return [one.encode().decode() for one in event_loop.run(all_of_it())]


def test_events_have_numbers_kinds_and_data():
    first, second = streamed(Told(Event(number=7, kind="recording", data={"id": "x"}, recording="x")))
    assert first.startswith(": open")
    assert "id: 7\n" in second
    assert "event: recording\n" in second
    assert 'data: {"id":"x"}\n' in second


def test_who_asks_for_one_recording_is_told_of_it_and_of_what_is_about_none():
    found = streamed(
        Told(
            Event(number=1, kind="recording", data={}, recording="other"),
            Event(number=2, kind="costs", data={}),
            Event(number=3, kind="recording", data={}, recording="mine"),
        ),
        only="mine",
    )
    assert [one.split("\n")[0] for one in found[1:]] == ["id: 2", "id: 3"]


def test_too_many_streams_are_refused_with_what_to_do(client, monkeypatch):
    monkeypatch.setattr(feed_module, "MOST_VIEWERS", 0)
    answer = client.get("/api/v1/events")
    assert answer.status_code == 503
    assert "0 pages are open. Close some, then load this one again." in answer.json()["error"]["message"]


def test_one_account_takes_no_more_than_its_share_of_the_places(world):
    feed = Feed(world.ports)
    for _ in range(MOST_EACH):
        feed.enter("ann")
    with pytest.raises(ApiError, match=f"{MOST_EACH} pages are open"):
        feed.enter("ann")
    feed.enter("bob")
    feed.leave("ann")
    feed.enter("ann")
    with pytest.raises(ApiError, match=f"{MOST_EACH} pages are open"):
        feed.enter("ann")
    alone = Feed(world.ports)
    for _ in range(MOST_VIEWERS):
        alone.enter()
    for who in ("", "ann"):
        with pytest.raises(ApiError, match=f"{MOST_VIEWERS} pages are open"):
            alone.enter(who)


def test_of_many_that_come_at_once_as_many_as_there_are_places_stream_and_each_place_is_given_back(
    world, monkeypatch
):
    """A place is taken with the request, not when its stream begins."""
    monkeypatch.setattr(feed_module, "MOST_VIEWERS", 3)
    feed = Feed(world.ports)
    app = Starlette(routes=[Route("/events", events.events)])
    app.state.feed = feed
    statuses, left = [], asyncio.Event()

    async def one():
        told = []

        async def receive():
            await left.wait()
            return {"type": "http.disconnect"}

        async def send(message):
            told.append(message)
            if message["type"] == "http.response.start":
                statuses.append(message["status"])

        scope = {"type": "http", "method": "GET", "path": "/events", "headers": [], "query_string": b""}
        await app(scope, receive, send)

    async def run():
        async with asyncio.TaskGroup() as group:
            for _ in range(8):
                group.create_task(one())
            async with asyncio.timeout(20):
                while len(statuses) < 8:  # noqa: ASYNC110 - what is waited for is under test
                    await asyncio.sleep(0.01)
            left.set()
        return feed._streams.total()

    assert event_loop.run(run()) == 0
    assert sorted(statuses) == [200] * 3 + [503] * 5


@pytest.mark.parametrize("given", ["x", "9" * 19])
def test_a_number_that_makes_no_sense_is_as_none(given):
    assert not (given.isdecimal() and len(given) <= events.MOST_DIGITS)
