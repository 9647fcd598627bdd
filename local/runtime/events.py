"""Queue messages as Pub/Sub would push them: https://cloud.google.com/pubsub/docs/push#receive_push."""

from __future__ import annotations

import json
import ssl
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from local.backend.sqlite.dead_letter_attributes import PROJECT
from shared.clock import rfc3339
from shared.state import dead_letters

if TYPE_CHECKING:
    from shared.model import StoredObject
    from shared.ports import Delivery
    from shared.topology import Subscription

UNENCRYPTED = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""For calls of functions on this machine: without the certificates, which each client would read for 20 ms."""


def object_resource(source: StoredObject) -> bytes:
    """The JSON resource of an object, as Cloud Storage's notifications carry it: int64 fields are text."""
    changed = rfc3339(source.generation / 1e6, "microseconds")
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


def identified(token: str) -> dict[str, str]:
    """The headers of a call of a function that wants to see a token (`functions/caller.py`); none without one."""
    return {"authorization": f"Bearer {token}"} if token else {}


def pushed(subscription: Subscription, delivery: Delivery) -> bytes:
    """What a push subscription posts to its function.

    The id is that of the message: the same for every delivery of it.
    """
    published = rfc3339(delivery.published, "microseconds")
    body = {
        "message": dead_letters.pushed(delivery.message_id, delivery.data, delivery.attributes)
        # Push sends both spellings.
        | {"message_id": delivery.message_id, "publishTime": published, "publish_time": published},
        "subscription": f"projects/{PROJECT}/subscriptions/{subscription.name}",
        # Pub/Sub counts only where there is a dead letter topic. Here webhooks go by it: the clock may be set.
        "deliveryAttempt": delivery.attempt,
    }
    return json.dumps(body).encode()
