"""An attempt at a chunk, for tests of rows and of the ledger."""

from __future__ import annotations

from shared.costs import attempt_rows
from shared.flow import upload
from shared.messages import ChunkMessage, decode


def message_of_an_upload(world):
    """The message of the first chunk of a recording with a folder and a label."""
    upload.on_upload(world.upload("calls/2026/talk.wav", **{"dropscribe-label": "sales"}), world.ports)
    return decode(world.pull("cpu-worker")[0].data, ChunkMessage)


def row_of(message, ports, **changes):
    """The row of an attempt at it."""
    given = {"engine": "parakeet-gpu", "attempt": "m-1", "busy_seconds": 2.0, "decoded": 40.0, "owned": 30.0}
    return attempt_rows.worker_row(message, ports, **given | changes)
