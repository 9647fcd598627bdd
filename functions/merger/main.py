"""Serve with `functions-framework --source functions/merger/main.py --target on_chunk_done`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import functions_framework

from functions.outcome import acknowledged, not_done, pubsub_data
from shared.connect import check_settings, connect
from shared.errors import DropscribeError
from shared.flow import record
from shared.messages import ChunkDone, decode
from shared.topology import MERGER

if TYPE_CHECKING:
    from cloudevents.http import CloudEvent

check_settings()
functions_framework.errorhandler(DropscribeError)(not_done)


@functions_framework.cloud_event
def on_chunk_done(event: CloudEvent) -> None:
    """A chunk has its result (Pub/Sub, topic `chunks-done`)."""
    with acknowledged(event, connect, MERGER):
        record.on_chunk_done(decode(pubsub_data(event), ChunkDone), connect())
