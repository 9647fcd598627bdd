"""A chunk that ends the process of its worker is known on the third delivery."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.errors import EngineLimit, StoreUnavailable
from shared.flow import upload
from shared.messages import ChunkMessage, decode
from shared.recovery import poison
from shared.state import claims, failure_log


@pytest.fixture
def taken(world):
    """The message of a chunk, and its delivery."""
    upload.on_upload(world.upload(), world.ports)
    delivery = world.pull("cpu-worker")[0]
    return decode(delivery.data, ChunkMessage), delivery


def test_a_chunk_that_was_alone_when_its_worker_ended_goes_to_the_next_engine(world, taken):
    message, delivery = taken
    poison.begin(message, replace(delivery, attempt=2), world.ports)
    found = poison.ended_its_worker(message, replace(delivery, attempt=3), world.ports)
    assert isinstance(found, EngineLimit)
    assert "died twice" in str(found)


@pytest.mark.parametrize("attempt", [1, 2])
def test_before_the_third_delivery_nothing_is_known(world, taken, attempt):
    message, delivery = taken
    poison.begin(message, replace(delivery, attempt=attempt), world.ports)
    assert poison.ended_its_worker(message, replace(delivery, attempt=attempt), world.ports) is None


def test_a_chunk_that_was_not_alone_is_tried_on(world, taken):
    message, delivery = taken
    assert poison.ended_its_worker(message, replace(delivery, attempt=3), world.ports) is None
    poison.begin(message, replace(delivery, attempt=2), world.ports)
    assert poison.ended_its_worker(message, replace(delivery, attempt=4), world.ports) is None


def test_a_failure_that_was_noted_is_no_word_missing(world, taken):
    message, delivery = taken
    poison.begin(message, replace(delivery, attempt=2), world.ports)
    failure_log.note(
        StoreUnavailable("away"), world.ports, where="parakeet-cpu", message_id=delivery.message_id, attempt=2,
        attributes=delivery.attributes,
    )  # fmt: skip
    assert poison.ended_its_worker(message, replace(delivery, attempt=3), world.ports) is None


def test_what_another_engine_did_before_a_hand_over_does_not_count(world, taken):
    message, delivery = taken
    poison.begin(message, replace(delivery, attempt=2), world.ports)
    claims.change(claims.first_of(message), lambda stored: replace(stored, turn=1), world.ports)
    assert poison.ended_its_worker(message, replace(delivery, attempt=3), world.ports) is None
    poison.begin(message, replace(delivery, attempt=3), world.ports)
    assert claims.find(message, world.ports.records).alone == failure_log.delivery_name(
        delivery.message_id, 2
    )
