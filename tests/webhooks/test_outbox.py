from dataclasses import replace

import pytest

from shared.errors import StoreUnavailable
from shared.webhooks import outbox
from tests.webhooks.test_events import EVERY, READY, events

EVENT = EVERY[0]


def test_the_first_message_decides_what_is_told(world):
    first = outbox.first(EVENT, world.ports)
    world.clock.time += 60
    later = events.of_transcript(replace(READY, usd=5.0), "0")
    assert outbox.first(later, world.ports) == first
    assert first.payload == EVENT.payload(world.clock.now() - 60)
    assert first.until == world.clock.now() - 60 + 86400


def test_what_was_delivered_stays_so(world):
    outbox.first(EVENT, world.ports)
    outbox.close(EVENT, "delivered", world.ports)
    outbox.close(EVENT, "given-up", world.ports)
    assert outbox.first(EVENT, world.ports).state == "delivered"


def test_what_was_given_up_is_tried_for_another_day_with_the_same_bytes(world):
    first = outbox.first(EVENT, world.ports)
    outbox.close(EVENT, "given-up", world.ports)
    world.clock.time += 200_000
    again = outbox.first(EVENT, world.ports)
    assert again == replace(first, until=world.clock.now() + 86400)
    assert outbox.first(EVENT, world.ports) == again


def test_one_that_is_deleted_meanwhile_is_tried_again(world, monkeypatch):
    monkeypatch.setattr(world.ports.records, "create", lambda *_: False)
    with pytest.raises(StoreUnavailable):
        outbox.first(EVENT, world.ports)
