"""The real entrypoints behind functions-framework, on a world that tests can break."""

from __future__ import annotations

from pathlib import Path

import functions_framework
import pytest
from cloudevents.conversion import to_binary, to_structured

import shared.connect
from local.runtime.events import event_of
from shared.topology import topology
from tests.world import World

ROOT = Path(__file__).resolve().parent.parent.parent
WAYS = {"binary": to_binary, "structured": to_structured}
"""How a CloudEvent travels over HTTP: its attributes as headers, or all of it as the body."""


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path, chunk_minutes=0.5, model="tiny")
    yield world
    world.close()


@pytest.fixture
def serve(world, monkeypatch):
    """Gives a client of an entrypoint, loaded and served as its documented command does."""
    monkeypatch.setattr(shared.connect, "connect", lambda: world.ports)

    def served(source, target):
        return functions_framework.create_app(
            target, str(ROOT / "functions" / source / "main.py")
        ).test_client()

    return served


@pytest.fixture
def deliver(world):
    """Posts what waits in a subscription to a client, as Eventarc does; gives the status codes."""

    def delivered(client, subscription, way="binary"):
        codes = []
        for one in world.ports.queue.pull(subscription, 100, 60.0):
            headers, body = WAYS[way](event_of(topology().subscription(subscription), one))
            codes.append(client.post("/", headers=headers, data=body).status_code)
            if codes[-1] == 200:
                world.ports.queue.ack(subscription, one.lease)
            else:
                world.ports.queue.nack(subscription, one.lease)
        return codes

    return delivered
