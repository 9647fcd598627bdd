"""Messages as Pub/Sub pushes them."""

from __future__ import annotations

import base64
import json

from functions.outcome import uploaded_object
from functions.push import read
from local.runtime.events import notification_attributes, object_resource, pushed
from shared.messages import object_from_event
from shared.model import StoredObject
from shared.ports import Delivery
from shared.topology import topology

SOURCE = StoredObject(
    bucket="audio",
    name='a b/"50%" 😀.mp3',
    generation=1_700_000_000_123_456,
    size=2**53 + 1,
    content_type="audio/mpeg",
    metadata={"dropscribe-method": "parakeet"},
)


def delivery(data):
    return Delivery(
        message_id="17",
        lease="secret",
        data=data,
        attributes={"recording": "r"},
        attempt=3,
        published=1_700_000_000.25,
    )


def over_the_wire(subscription, data):
    return read({}, pushed(topology().subscription(subscription), delivery(data)))


def test_object_survives_its_event_whole():
    assert object_from_event(uploaded_object(over_the_wire("router", object_resource(SOURCE)))) == SOURCE


def test_the_resource_of_an_object_is_that_of_cloud_storage():
    resource = json.loads(object_resource(SOURCE))
    assert resource["generation"] == "1700000000123456"
    assert resource["size"] == "9007199254740993"
    assert resource["timeCreated"] == "2023-11-14T22:13:20.123456Z"


def test_a_push_is_that_of_pubsub():
    assert json.loads(pushed(topology().subscription("merger"), delivery(b"\x00\xff"))) == {
        "message": {
            "data": base64.b64encode(b"\x00\xff").decode(),
            "attributes": {"recording": "r"},
            "messageId": "17",
            "message_id": "17",
            "publishTime": "2023-11-14T22:13:20.250000Z",
            "publish_time": "2023-11-14T22:13:20.250000Z",
        },
        "subscription": "projects/local/subscriptions/merger",
        "deliveryAttempt": 3,
    }


def test_attempts_are_told_also_where_pubsub_counts_none():
    assert over_the_wire("merger", b"x").attempt == 3
    assert over_the_wire("dead-letters", b"x").attempt == 3


def test_notification_names_the_generation():
    assert notification_attributes(SOURCE)["objectGeneration"] == "1700000000123456"
