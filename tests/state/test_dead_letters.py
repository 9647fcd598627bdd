"""Messages that were given up are kept for a person."""

from __future__ import annotations

import base64

import pytest

from shared.state import dead_letters


def kept(world):
    return dict(world.ports.records.query(dead_letters.DEAD_LETTERS))


def test_a_message_is_kept_once_with_when_what_and_why(world):
    message = {
        "messageId": "7",
        "data": base64.b64encode(b'{"recording": "r"}').decode(),
        "attributes": {dead_letters.SOURCE: "merger"},
    }
    assert dead_letters.keep(message, world.ports, "no such recording") == b'{"recording": "r"}'
    dead_letters.keep(message, world.ports, "told again")
    assert kept(world) == {
        "7": {
            "time": world.clock.time,
            "attributes": {dead_letters.SOURCE: "merger", dead_letters.ERROR: "no such recording"},
            "data": '{"recording": "r"}',
            "bytes": 18,
        }
    }


def test_a_message_without_an_id_is_known_by_its_data(world):
    for data in (b"one", b"one", b"two"):
        dead_letters.keep({"data": base64.b64encode(data).decode()}, world.ports)
    assert len(kept(world)) == 2


def test_a_caller_cannot_say_from_which_subscription_a_letter_is(world):
    message = dead_letters.pushed("7", b"{}", {dead_letters.SOURCE: "merger"})
    dead_letters.keep(message, world.ports, "no request", where="requests")
    assert dead_letters.find("7", world.ports.records).source == "requests"


def test_long_data_are_cut_and_strange_ones_are_kept_readable(world):
    data = b"\xff" * (dead_letters.MOST_KEPT + 1)
    assert dead_letters.keep({"messageId": "1", "data": base64.b64encode(data).decode()}, world.ports) == data
    (fields,) = kept(world).values()
    assert fields["bytes"] == len(data)
    assert fields["data"] == r"\xff" * dead_letters.MOST_KEPT


def test_data_that_are_not_base64_are_taken_as_they_are():
    assert dead_letters.data_of({"data": "not base64!"}) == b"not base64!"
    assert dead_letters.data_of({}) == b""


def test_a_message_is_kept_as_it_was_pushed(world):
    data = b"\x00 and \xff"
    assert dead_letters.keep(dead_letters.pushed("7", data, {"recording": "r"}), world.ports) == data
    letter = dead_letters.find("7", world.ports.records)
    assert (letter.size, letter.published) == (len(data), {"recording": "r"})


@pytest.mark.parametrize(
    "damage",
    [{"time": None}, {"time": "now"}, {"attributes": "x"}, {"data": 7}, {"bytes": "x"}, {"replayed": "x"}],
)
def test_a_damaged_letter_is_read_as_far_as_it_can_be_and_hides_no_other(world, damage):
    for name in ("1", "2"):
        dead_letters.keep(dead_letters.pushed(name, b"hello", {}), world.ports)
    world.ports.records.update(
        dead_letters.DEAD_LETTERS,
        "1",
        lambda old: {name: value for name, value in (old | damage).items() if value is not None},
    )
    bad, sound = dead_letters.every(world.ports.records)
    assert (bad.key, bad.error, bad.about.recording) == ("1", "", "")
    assert (sound.key, sound.text, sound.time) == ("2", "hello", world.clock.time)
    assert dead_letters.find("1", world.ports.records) == bad
    assert dead_letters.newest(world.ports.records, 9)
