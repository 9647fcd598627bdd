"""What each push subscription calls when everything runs in one process.

`dropscribe up` serves the entrypoints of `functions/` over HTTP instead; both end in the same steps.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from functions.outcome import acknowledged, engine_of, pubsub_data, pubsub_message
from local.backend.embedded_ports import EXPORTER
from local.runtime.export import deliver
from shared.engines import hosted_specs
from shared.errors import EngineFailed, EngineRefused
from shared.flow import record, request, upload
from shared.hosted import hosted_chunk
from shared.messages import ChunkDone, ChunkMessage, TranscriptReady, decode
from shared.recovery import dead_letter, fallback
from shared.topology import DEAD_LETTERS, MERGER, REQUESTS, ROUTER

if TYPE_CHECKING:
    from collections.abc import Callable

    from cloudevents.http import CloudEvent

    from local.backend.embedded_ports import LocalPorts

OFFLINE_TRIES = 3
"""Deliveries of a chunk until it fails for want of a connection: about half a minute."""


def in_process(ports: LocalPorts) -> dict[str, Callable[[CloudEvent], None]]:
    """The step of each push subscription, by its name."""

    def on_upload(event: CloudEvent) -> None:
        with acknowledged(event, lambda: ports, ROUTER):
            upload.on_upload(event.data, ports)

    def on_request(event: CloudEvent) -> None:
        with acknowledged(event, lambda: ports, REQUESTS):
            request.on_request(pubsub_message(event), ports)

    def on_chunk_done(event: CloudEvent) -> None:
        with acknowledged(event, lambda: ports, MERGER):
            record.on_chunk_done(decode(pubsub_data(event), ChunkDone), ports)

    def on_dead_letter(event: CloudEvent) -> None:
        with acknowledged(event, lambda: ports, DEAD_LETTERS):
            dead_letter.on_dead_letter(pubsub_message(event), ports)

    def on_chunk(event: CloudEvent) -> None:
        with acknowledged(event, lambda: ports, engine_of(event)):
            message = decode(pubsub_data(event), ChunkMessage)
            try:
                hosted_chunk.on_chunk(message, ports, message_id=event["id"])
            except (EngineRefused, EngineFailed) as error:
                # The person who can fix it is waiting: give up soon.
                offline = (
                    error.code == "unreachable" and event.data.get("deliveryAttempt", 1) >= OFFLINE_TRIES
                )
                if not offline and not isinstance(error, EngineRefused):
                    raise
                fallback.give_up(message, error, ports)

    steps = {ROUTER: on_upload, REQUESTS: on_request, MERGER: on_chunk_done, DEAD_LETTERS: on_dead_letter}
    steps |= {one.subscription: on_chunk for one in hosted_specs(ports.hosted)}
    return steps | {EXPORTER: exporter(ports)}


def exporter(ports: LocalPorts) -> Callable[[CloudEvent], None]:
    """The step that copies transcripts of the inbox to the output folder; `up` runs it in its own process."""

    def on_transcript(event: CloudEvent) -> None:
        with acknowledged(event, lambda: ports, EXPORTER):
            deliver(decode(pubsub_data(event), TranscriptReady), ports)

    return on_transcript
