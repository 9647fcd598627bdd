from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from shared.errors import ModelUnavailable, StoreUnavailable
from shared.flow import upload
from shared.recovery import fallback, no_weights
from shared.state import failure_log

ERROR = ModelUnavailable("The weights are not here.")


@pytest.fixture(autouse=True)
def _impatient(monkeypatch):
    monkeypatch.setattr(no_weights, "PATIENCE", 0.5)


@pytest.fixture
def waiting(world):
    """The recording whose two chunks wait for a worker."""
    return upload.on_upload(world.upload(), world.ports)


def hand_over_all(ports):
    return no_weights.hand_over_all(ERROR, ("cpu-worker",), ports, threading.Event())


def test_what_another_engine_may_take_goes_to_it(world):
    ports = replace(world.ports, engines=world.ports.engines | {"deepgram"})
    assert len(upload.on_upload(world.upload(), ports).chunks) == 2
    assert hand_over_all(ports) == 2
    assert len(world.pull("deepgram")) == 2
    assert world.pull("cpu-worker") == []


def test_what_no_other_may_take_comes_again_with_the_reason_noted(world, waiting):
    assert hand_over_all(world.ports) == 0
    notes = failure_log.of_engine(waiting.id, 0, 0.0, world.ports.records)
    assert {(one.where, one.error) for one in notes} == {("parakeet-cpu", "ModelUnavailable")}


def test_a_store_that_does_not_answer_ends_nothing(world, waiting, monkeypatch):
    def away(*_, **__):
        raise StoreUnavailable("away")

    monkeypatch.setattr(fallback, "hand_over", away)
    assert hand_over_all(world.ports) == 0
    assert failure_log.of_engine(waiting.id, 0, 0.0, world.ports.records) == []
