"""The merger's entrypoint: a chunk is done.

Serve with `functions-framework --source functions/merger/main.py --target on_chunk_done`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import functions_framework

from functions.outcome import answered, not_done
from shared.connect import check_settings, connect
from shared.errors import DropscribeError
from shared.flow import record
from shared.messages import ChunkDone, decode
from shared.topology import MERGER

if TYPE_CHECKING:
    from flask import Request

check_settings()
functions_framework.errorhandler(DropscribeError)(not_done)


@functions_framework.http
def on_chunk_done(request: Request) -> tuple[str, int]:
    """A chunk has its result (Pub/Sub, topic `chunks-done`)."""
    return answered(
        request,
        connect,
        MERGER,
        lambda posted, ports: record.on_chunk_done(decode(posted.data, ChunkDone), ports),
    )
