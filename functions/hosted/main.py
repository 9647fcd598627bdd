"""The entrypoint for chunks of hosted engines.

Serve with `functions-framework --source functions/hosted/main.py --target on_chunk`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import functions_framework

from functions.outcome import answered, engine_of, not_done
from shared.connect import check_settings, connect
from shared.errors import DropscribeError
from shared.hosted import hosted_chunk
from shared.messages import ChunkMessage, decode

if TYPE_CHECKING:
    from flask import Request

check_settings()
functions_framework.errorhandler(DropscribeError)(not_done)


@functions_framework.http
def on_chunk(request: Request) -> tuple[str, int]:
    """A chunk belongs to a hosted engine (Pub/Sub, the topics of hosted engines)."""
    return answered(
        request,
        connect,
        engine_of,
        lambda posted, ports: hosted_chunk.on_chunk(
            decode(posted.data, ChunkMessage), ports, message_id=posted.message_id, delivery=posted.attempt
        ),
    )
