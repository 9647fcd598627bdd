from __future__ import annotations

import pytest

from console.api import events
from console.live.feed import MOST_VIEWERS, Event, Feed
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
    monkeypatch.setattr(Feed, "is_full", True)
    answer = client.get("/api/v1/events")
    assert answer.status_code == 503
    assert f"{MOST_VIEWERS} pages are open" in answer.json()["error"]["message"]


@pytest.mark.parametrize("given", ["x", "9" * 19])
def test_a_number_that_makes_no_sense_is_as_none(given):
    assert not (given.isdecimal() and len(given) <= events.MOST_DIGITS)
