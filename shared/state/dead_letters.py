"""Messages that were given up, kept for a person to look at."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING

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

MOST_KEPT = 100_000
"""Bytes of a message that are kept: a document holds 1 million, and one byte may become four characters."""


def keep(message: Mapping[str, Any], ports: Ports, error: str = "") -> bytes:
    """Keep a message that was given up, for a person to look at; returns its data.

    Args:
        message: as push delivers it.
        ports: the adapters to use.
        error: what is wrong with it, if its attributes do not say so.

    Raises:
        Transient: it is not kept yet.
    """
    data = data_of(message)
    ports.records.create(
        DEAD_LETTERS,
        str(message.get("messageId") or hashlib.sha256(data).hexdigest()),
        {
            "time": ports.clock.now(),
            "attributes": dict(message.get("attributes") or {}) | ({ERROR: error} if error else {}),
            "data": data[:MOST_KEPT].decode("utf-8", "backslashreplace"),
            "bytes": len(data),
        },
    )
    return data


def data_of(message: Mapping[str, Any]) -> bytes:
    """The published bytes; data that are not base64, as push sends them, are returned unchanged."""
    data = message.get("data") or ""
    try:
        return base64.b64decode(data)
    except ValueError:
        return str(data).encode()
