"""Serve with `functions-framework --source functions/hosted/main.py --target on_chunk`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import functions_framework

from functions.outcome import acknowledged, engine_of, not_done, pubsub_data
from shared.connect import check_settings, connect
from shared.errors import DropscribeError
from shared.hosted import hosted_chunk
from shared.messages import ChunkMessage, decode

if TYPE_CHECKING:
    from cloudevents.http import CloudEvent

check_settings()
functions_framework.errorhandler(DropscribeError)(not_done)


@functions_framework.cloud_event
def on_chunk(event: CloudEvent) -> None:
    """A chunk belongs to a hosted engine (Pub/Sub, the topics of hosted engines)."""
    with acknowledged(event, connect, engine_of(event)):
        message = decode(pubsub_data(event), ChunkMessage)
        hosted_chunk.on_chunk(message, connect(), message_id=event["id"])
