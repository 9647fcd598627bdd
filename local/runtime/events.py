"""Queue messages as the CloudEvents in which Google would deliver them.

Formats: Eventarc's https://cloud.google.com/eventarc/docs/cloudevents, the data types of
https://github.com/googleapis/google-cloudevents, and Pub/Sub push
https://cloud.google.com/pubsub/docs/push#receive_push.
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from cloudevents.http import CloudEvent

from local.backend.dead_letter_attributes import PROJECT, rfc3339
from shared.errors import BadRequest
from shared.messages import AUDIO_FINALIZED, FINALIZED_EVENT, PUBLISHED_EVENT

if TYPE_CHECKING:
    from shared.model import StoredObject
    from shared.ports import Delivery
    from shared.topology import Subscription


def object_resource(source: StoredObject) -> bytes:
    """The JSON resource of an object, as Cloud Storage's notifications carry it: int64 fields are text."""
    changed = rfc3339(source.generation / 1e6)
    path = quote(source.name, safe="")
    resource: dict[str, Any] = {
        "kind": "storage#object",
        "id": f"{source.bucket}/{source.name}/{source.generation}",
        "selfLink": f"https://www.googleapis.com/storage/v1/b/{source.bucket}/o/{path}",
        "name": source.name,
        "bucket": source.bucket,
        "generation": str(source.generation),
        "metageneration": "1",
        "contentType": source.content_type,
        "timeCreated": changed,
        "updated": changed,
        "storageClass": "STANDARD",
        "size": str(source.size),
    }
    if source.metadata:
        resource["metadata"] = dict(source.metadata)
    return json.dumps(resource, ensure_ascii=False).encode()


def notification_attributes(source: StoredObject) -> dict[str, str]:
    """Attributes of Cloud Storage's Pub/Sub notifications
    (https://cloud.google.com/storage/docs/pubsub-notifications#attributes).
    """  # noqa: D205 - the address does not fit on the first line
    return {
        "eventType": "OBJECT_FINALIZE",
        "payloadFormat": "JSON_API_V1",
        "bucketId": source.bucket,
        "objectId": source.name,
        "objectGeneration": str(source.generation),
    }


def event_of(subscription: Subscription, delivery: Delivery) -> CloudEvent:
    """The event that a push subscription delivers to its function.

    Topic `audio-finalized` gives Eventarc's direct Cloud Storage event, any other topic its Pub/Sub event.
    The id is that of the message: the same for every delivery of it.

    Raises:
        BadRequest: a message of `audio-finalized` is not an object resource.
    """
    if subscription.topic == AUDIO_FINALIZED:
        return _storage_event(delivery)
    return _pubsub_event(subscription, delivery)


def _storage_event(delivery: Delivery) -> CloudEvent:
    try:
        resource = json.loads(delivery.data)
        bucket, name = str(resource["bucket"]), str(resource["name"])
    except (ValueError, KeyError, TypeError) as error:
        raise BadRequest(
            f"a message of {AUDIO_FINALIZED} is not a Cloud Storage object: {error!r}"
        ) from error
    attributes = {
        "id": delivery.message_id,
        "type": FINALIZED_EVENT,
        "source": f"//storage.googleapis.com/projects/_/buckets/{bucket}",
        "subject": _header(f"objects/{name}"),
        "time": rfc3339(delivery.published),
        "datacontenttype": "application/json",
        "bucket": bucket,
    }
    return CloudEvent(attributes, resource)


def _pubsub_event(subscription: Subscription, delivery: Delivery) -> CloudEvent:
    published = rfc3339(delivery.published)
    data: dict[str, Any] = {
        "message": {
            "data": base64.b64encode(delivery.data).decode("ascii"),
            "attributes": dict(delivery.attributes),
            # Push sends both spellings.
            "messageId": delivery.message_id,
            "message_id": delivery.message_id,
            "publishTime": published,
            "publish_time": published,
        },
        "subscription": f"projects/{PROJECT}/subscriptions/{subscription.name}",
    }
    if subscription.dead_letter_topic is not None:
        # Pub/Sub counts attempts only for subscriptions with a dead letter topic.
        data["deliveryAttempt"] = delivery.attempt
    attributes = {
        "id": delivery.message_id,
        "type": PUBLISHED_EVENT,
        "source": f"//pubsub.googleapis.com/projects/{PROJECT}/topics/{subscription.topic}",
        "time": published,
        "datacontenttype": "application/json",
    }
    return CloudEvent(attributes, data)


def _header(text: str) -> str:
    """Percent-encode what an HTTP header cannot hold (CloudEvents HTTP binding 1.0.2, section 3.1.3.2)."""
    return "".join(
        letter if "!" <= letter <= "~" and letter not in '"%' else quote(letter, safe="") for letter in text
    )
