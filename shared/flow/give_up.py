"""Beside the steps: a message failed too often. Keep it, and end its recording with a reason.

Without this a recording whose messages were dead-lettered would stay PLANNED for ever.
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

from shared.errors import DropscribeError, Permanent
from shared.flow import documents, record
from shared.messages import object_from_event, options_from_metadata
from shared.model import recording_id
from shared.telemetry import log

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from shared.ports import Ports

DEAD_LETTERS = "dead_letters"
"""Collection of the messages that were given up."""

SOURCE, COUNT, ERROR = (
    "CloudPubSubDeadLetterSourceSubscription",
    "CloudPubSubDeadLetterSourceDeliveryCount",
    "dropscribe-error",
)
"""Attributes of a dead letter; Pub/Sub sets the first two."""


def on_dead_letter(message: Mapping[str, Any], ports: Ports) -> None:
    """Keep a dead letter and fail the recording it belonged to.

    Args:
        message: a Pub/Sub message as push delivers it: base64 `data`, `attributes`, `messageId`.
        ports: the world.

    Raises:
        Transient: deliver it again.
    """
    attributes = dict(message.get("attributes") or {})
    data = base64.b64decode(message.get("data") or "")
    ports.records.create(
        DEAD_LETTERS,
        str(message["messageId"]),
        {
            "time": ports.clock.now(),
            "attributes": attributes,
            "data": data.decode("utf-8", "backslashreplace"),
        },
    )
    where, times = attributes.get(SOURCE, "?"), attributes.get(COUNT, "?")
    said = attributes.get(ERROR) or "the log says why"
    log.error("gave up a message of %s after %s deliveries: %s", where, times, said)
    key = attributes.get("recording") or _key_of_upload(data)
    if key is not None and documents.get_recording(ports.records, key) is not None:
        reason = f"Gave up after {times} tries in {where}: {said}. Transcribe it again to start over."
        record.fail(key, Permanent(reason), ports)


def _key_of_upload(data: bytes) -> str | None:
    try:
        source = object_from_event(json.loads(data))
        return recording_id(source, options_from_metadata(source.metadata))
    except (ValueError, DropscribeError):
        return None
