"""What each push subscription calls when everything runs in one process.

`dropscribe up` serves the entrypoints of `functions/` over HTTP instead; both end in the same steps.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from functions.outcome import acknowledged, pubsub_data, pubsub_message
from shared.flow import give_up, record, request, upload
from shared.messages import ChunkDone, decode
from shared.topology import DEAD_LETTERS, MERGER, REQUESTS, ROUTER

if TYPE_CHECKING:
    from collections.abc import Callable

    from cloudevents.http import CloudEvent

    from shared.ports import Ports


def in_process(ports: Ports) -> dict[str, Callable[[CloudEvent], None]]:
    """The step of each push subscription, by its name."""

    def on_upload(event: CloudEvent) -> None:
        with acknowledged():
            upload.on_upload(event.data, ports)

    def on_request(event: CloudEvent) -> None:
        with acknowledged():
            request.on_request(pubsub_message(event), ports)

    def on_chunk_done(event: CloudEvent) -> None:
        with acknowledged():
            record.on_chunk_done(decode(pubsub_data(event), ChunkDone), ports)

    def on_dead_letter(event: CloudEvent) -> None:
        with acknowledged():
            give_up.on_dead_letter(pubsub_message(event), ports)

    return {ROUTER: on_upload, REQUESTS: on_request, MERGER: on_chunk_done, DEAD_LETTERS: on_dead_letter}
