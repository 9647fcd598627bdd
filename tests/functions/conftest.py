"""The real entrypoints behind functions-framework, on a world that tests can break."""

from __future__ import annotations

import json
from pathlib import Path

import functions_framework
import pytest
from cloudevents.conversion import to_binary, to_structured
from cloudevents.http import CloudEvent

import shared.connect
from local.runtime.events import pushed
from shared.messages import AUDIO_FINALIZED, FINALIZED_EVENT, PUBLISHED_EVENT
from shared.topology import topology
from tests.world import World

ROOT = Path(__file__).resolve().parent.parent.parent
JSON = {"content-type": "application/json"}
TOKEN = "a-token-of-tests"


def native(subscription, delivery):
    """As Pub/Sub pushes."""
    return JSON, pushed(subscription, delivery)


def as_event(subscription, delivery):
    """The event in which Eventarc delivers it; that of an upload comes from the bucket directly."""
    attributes = {"id": delivery.message_id, "source": "//test", "datacontenttype": "application/json"}
    if subscription.topic == AUDIO_FINALIZED:
        return CloudEvent(attributes | {"type": FINALIZED_EVENT}, json.loads(delivery.data))
    return CloudEvent(attributes | {"type": PUBLISHED_EVENT}, json.loads(pushed(subscription, delivery)))


WAYS = {
    "native": native,
    "binary": lambda *given: to_binary(as_event(*given)),
    "structured": lambda *given: to_structured(as_event(*given)),
}
"""How a message travels over HTTP: pushed by Pub/Sub, or in a CloudEvent of Eventarc."""


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path, chunk_minutes=0.5, model="tiny")
    yield world
    world.close()


@pytest.fixture
def serve(world, monkeypatch):
    """Gives a client of an entrypoint, loaded and served as its documented command does."""
    monkeypatch.setattr(shared.connect, "connect", lambda: world.ports)
    monkeypatch.setenv("DROPSCRIBE_FUNCTION_TOKEN", TOKEN)

    def served(source, target):
        app = functions_framework.create_app(target, str(ROOT / "functions" / source / "main.py"))
        client = app.test_client()
        client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {TOKEN}"
        return client

    return served


@pytest.fixture
def deliver(world):
    """Posts what waits in a subscription to a client; gives the status codes."""

    def delivered(client, subscription, way="native"):
        codes = []
        for one in world.ports.queue.pull(subscription, 100, 60.0):
            headers, body = WAYS[way](topology().subscription(subscription), one)
            codes.append(client.post("/", headers=headers, data=body).status_code)
            if codes[-1] == 200:
                world.ports.queue.ack(subscription, one.lease)
            else:
                world.ports.queue.nack(subscription, one.lease)
        return codes

    return delivered
