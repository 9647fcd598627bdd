"""Messages as CloudEvents."""

from __future__ import annotations

import base64

import pytest
from cloudevents.conversion import to_binary
from cloudevents.http import from_http

from local.runtime.events import event_of, notification_attributes, object_resource
from shared.errors import BadRequest
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


def over_the_wire(event):
    return from_http(*to_binary(event))


def test_object_survives_its_event_whole():
    event = over_the_wire(event_of(topology().subscription("router"), delivery(object_resource(SOURCE))))
    assert object_from_event(event.data) == SOURCE


def test_upload_event_is_that_of_eventarc():
    event = event_of(topology().subscription("router"), delivery(object_resource(SOURCE)))
    headers, _ = to_binary(event)
    assert headers == {
        "content-type": "application/json",
        "ce-specversion": "1.0",
        "ce-id": "17",
        "ce-type": "google.cloud.storage.object.v1.finalized",
        "ce-source": "//storage.googleapis.com/projects/_/buckets/audio",
        "ce-subject": "objects/a%20b/%2250%25%22%20%F0%9F%98%80.mp3",
        "ce-time": "2023-11-14T22:13:20.250000Z",
        "ce-bucket": "audio",
    }
    assert event.data["generation"] == "1700000000123456"
    assert event.data["size"] == "9007199254740993"
    assert event.data["timeCreated"] == "2023-11-14T22:13:20.123456Z"


def test_pubsub_event_is_that_of_eventarc():
    event = event_of(topology().subscription("merger"), delivery(b"\x00\xff"))
    headers, _ = to_binary(event)
    assert headers["ce-type"] == "google.cloud.pubsub.topic.v1.messagePublished"
    assert headers["ce-source"] == "//pubsub.googleapis.com/projects/local/topics/chunks-done"
    assert headers["ce-id"] == "17"
    assert over_the_wire(event).data == {
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


def test_attempts_are_told_only_where_there_is_a_dead_letter_topic():
    assert "deliveryAttempt" not in event_of(topology().subscription("dead-letters"), delivery(b"x")).data


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b"\xff", b'{"name": "x"}'])
def test_upload_message_that_is_no_object_is_refused(data):
    with pytest.raises(BadRequest, match="not a Cloud Storage object"):
        event_of(topology().subscription("router"), delivery(data))


def test_notification_names_the_generation():
    assert notification_attributes(SOURCE)["objectGeneration"] == "1700000000123456"
