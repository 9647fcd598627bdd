"""What `dropscribe status` looks at: dead letters."""

from __future__ import annotations

import base64

import pytest

from local.commands.views import overview
from shared.errors import StoreUnavailable
from shared.state import dead_letters, failure_log
from tests.world import World


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path)
    yield world
    world.close()


def message(data, attributes=None):
    return {"data": base64.b64encode(data).decode(), "attributes": attributes or {}, "messageId": data.hex()}


def test_a_refused_message_tells_its_reason_and_what_it_said(world):
    dead_letters.keep(message(b'{"uri": 1}'), world.ports, "uri must be a text")
    (letter,) = overview.newest_letters(world.ports.records)
    assert (letter["reason"], letter["message"], letter["where"]) == ("uri must be a text", '{"uri": 1}', "")


def test_a_message_that_failed_too_often_tells_what_was_noted_of_its_attempts(world):
    attributes = {"recording": "r", "chunk": "2"}
    failure_log.note(
        StoreUnavailable("not now"), world.ports, where="merger", message_id="m", attributes=attributes
    )
    dead_letters.keep(message(b"{}", attributes | {dead_letters.SOURCE: "merger"}), world.ports)
    (letter,) = overview.newest_letters(world.ports.records)
    assert (letter["reason"], letter["where"]) == ("not now", "merger")


def test_the_newest_are_first_and_few(world):
    for number in range(overview.MOST_LETTERS + 2):
        world.clock.time += 1
        dead_letters.keep(message(b"%d" % number), world.ports)
    told = [one["message"] for one in overview.newest_letters(world.ports.records)]
    assert told == [str(number) for number in range(overview.MOST_LETTERS + 1, 1, -1)]


def test_what_would_steer_the_terminal_is_not_shown(world):
    dead_letters.keep(message(b"a\x1b[2Jb\nc"), world.ports)
    (letter,) = overview.newest_letters(world.ports.records)
    assert letter["message"] == r"a\x1b[2Jb\nc"
