"""Beside the steps: a message failed too often. Keep it, and give its chunk to another engine.

Where there is none, or the message is about something else, its recording ends with a reason.

Without this a recording whose messages were dead-lettered would stay PLANNED for ever.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
from typing import TYPE_CHECKING

from shared.errors import BadRequest, Permanent
from shared.flow import record
from shared.messages import ChunkMessage, decode, readable_part
from shared.recovery import fallback
from shared.state import answers, documents, failure_log
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

UNSAID = "nobody could say why: the process was killed or took too long. Look into its log"
"""Where no attempt left a note."""

MOST_KEPT = 100_000
"""Bytes of a message that are kept: a document holds a million, and a byte may become four characters."""


def on_dead_letter(message: Mapping[str, Any], ports: Ports) -> None:
    """Keep a dead letter; give its chunk to another engine, or fail the recording it belonged to.

    Args:
        message: a Pub/Sub message as push delivers it: base64 `data`, `attributes`, `messageId`.
        ports: the world.

    Raises:
        Transient: deliver it again.
    """
    data = keep(message, ports)
    attributes = message.get("attributes") or {}
    where, times = attributes.get(SOURCE, "?"), attributes.get(COUNT, "?")
    about = failure_log.about(attributes, data)
    said = failure_log.last_reasons(about, ports.records) or attributes.get(ERROR) or UNSAID
    log.error("gave up a message of %s after %s deliveries: %s", where, times, said)
    tries = f"Gave up after {times} tries in {where}: {said.rstrip('. ')}."
    reason = f"{tries} Transcribe it again to start over."
    lost = _chunk_in(data)
    if lost is not None and documents.get_recording(ports.records, lost.recording) is not None:
        no_money = fallback.pass_on(lost, Permanent(tries), ports)
        if no_money is not None:
            fallback.end(lost, Permanent(reason), ports, no_money)
    elif about.recording and documents.get_recording(ports.records, about.recording) is not None:
        record.fail(about.recording, Permanent(reason), ports)
    elif (request := readable_part(data)) is not None:
        answers.refuse(request, Permanent(reason), ports)


def keep(message: Mapping[str, Any], ports: Ports, error: str = "") -> bytes:
    """Keep a message that nobody will handle, for a person to look at; gives its data.

    Args:
        message: as push delivers it.
        ports: the world.
        error: what is wrong with it, where the message does not say so itself.

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


def _chunk_in(data: bytes) -> ChunkMessage | None:
    with contextlib.suppress(BadRequest):
        return decode(data, ChunkMessage)
    return None


def data_of(message: Mapping[str, Any]) -> bytes:
    """What was published; a message whose data are not base64, as push would have them, as it is."""
    data = message.get("data") or ""
    try:
        return base64.b64decode(data)
    except ValueError:
        return str(data).encode()
