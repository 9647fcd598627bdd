"""What each push subscription calls when everything runs in one process.

`dropscribe up` serves the entrypoints of `functions/` over HTTP instead; both end in the same steps.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from functions.outcome import engine_of, handle, uploaded_object
from local.runtime.beside import put_in_inbox
from local.runtime.export import deliver, shows_another
from shared.connect import webhook_sender
from shared.engines import hosted_specs
from shared.errors import EngineFailed, EngineRefused, Permanent
from shared.flow import record, request, upload
from shared.hosted import hosted_chunk
from shared.messages import ChunkDone, ChunkMessage, TranscriptReady, decode
from shared.model import FILES_BUCKET, Recording
from shared.recovery import dead_letter, fallback
from shared.telemetry import log
from shared.topology import DEAD_LETTERS, EXPORTER, MERGER, REQUESTS, ROUTER, WEBHOOKS, WEBHOOKS_BUDGET
from shared.webhooks import deliver as deliver_webhook

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from functions.outcome import Step
    from functions.push import Push
    from local.backend.embedded_ports import LocalPorts
    from shared import concurrency
    from shared.ports import Ports
    from shared.settings import Settings

OFFLINE_TRIES = 3
"""Calls for a chunk without a connection until it is given up: about half a minute."""

UNREACHABLE = "unreachable"
"""Code of a call without a connection."""


def in_process(
    ports: LocalPorts, settings_of_up: Settings | None = None, stop: concurrency.Event | None = None
) -> dict[str, Callable[[bytes], None]]:
    """What takes the body of a push, by the name of its subscription.

    Args:
        ports: the adapters to use.
        settings_of_up: for uploads, which are for `up`; None: those of the ports. Files that are transcribed in place
            are this process's own.
        stop: set when this process is to end.
    """

    def on_upload(posted: Push, ports: Ports) -> None:
        resource = uploaded_object(posted, ports.store)
        if resource is not None:
            settings = None if resource.get("bucket") == FILES_BUCKET else settings_of_up
            upload.on_upload(resource, ports if settings is None else replace(ports, settings=settings))

    def on_request(posted: Push, ports: Ports) -> None:
        request.on_request(posted.message, ports)

    def on_chunk_done(posted: Push, ports: Ports) -> None:
        record.on_chunk_done(decode(posted.data, ChunkDone), ports)

    def on_dead_letter(posted: Push, ports: Ports) -> None:
        dead_letter.on_dead_letter(posted.message, ports)

    def on_chunk(posted: Push, ports: Ports) -> None:
        message = decode(posted.data, ChunkMessage)
        try:
            hosted_chunk.on_chunk(
                message, ports, message_id=posted.message_id, delivery=posted.attempt, stop=stop
            )
        except (EngineRefused, EngineFailed) as error:
            # The person who can fix it is waiting: give up soon.
            offline = error.code == UNREACHABLE and _tries_offline(message, ports) >= OFFLINE_TRIES
            if not offline and not isinstance(error, EngineRefused):
                raise
            fallback.give_up(message, error, ports)

    steps = {ROUTER: on_upload, REQUESTS: on_request, MERGER: on_chunk_done, DEAD_LETTERS: on_dead_letter}
    taken = {name: _taking(ports, name, step) for name, step in steps.items()}
    taken |= {one.subscription: _taking(ports, engine_of, on_chunk) for one in hosted_specs(ports.hosted)}
    return taken | {EXPORTER: exporter(ports)}


def _tries_offline(message: ChunkMessage, ports: Ports) -> int:
    """Calls for a chunk that had no connection: this one, and those that were noted."""
    return 1 + sum(one.code == UNREACHABLE for one in fallback.failures(message, ports))


def exporter(ports: LocalPorts, beside: Collection[str] = ()) -> Callable[[bytes], None]:
    """The step that copies transcripts of the inbox to the output folder; `up` runs it in its own process.

    Args:
        ports: the adapters to use.
        beside: names of output files that are put next to their recordings as well.
    """

    def on_transcript(posted: Push, _: Ports) -> None:
        hand_over(decode(posted.data, TranscriptReady), ports, beside)

    return _taking(ports, EXPORTER, on_transcript)


def hand_over(ready: TranscriptReady, ports: LocalPorts, beside: Collection[str] = ()) -> None:
    """Copy a transcript of the inbox to the output folder; `beside` as for `exporter`."""
    deliver(ready, ports)
    if beside:
        put_in_inbox(ready, beside, ports)


def show_again(recording: Recording, ports: LocalPorts, beside: Collection[str] = ()) -> None:
    """Hand over a finished transcript of a file that was put back, if that of another version took its place.

    Raises:
        Transient: it cannot be written now.
    """
    if not shows_another(recording, ports):
        return
    log.info("%s is an earlier version again, and so is its transcript", recording.source.name)
    try:
        hand_over(record.ending(recording, ports), ports, beside)
    except Permanent as error:
        log.warning("the transcript of %s is that of another version: %s", recording.source.name, error)


def webhooks(ports: LocalPorts) -> dict[str, Callable[[bytes], None]]:
    """The steps that send webhooks, by their subscriptions; none without a webhook URL."""
    if not ports.settings.webhook_url:
        return {}
    send = webhook_sender(ports.settings)

    def on_transcript(posted: Push, ports: Ports) -> None:
        deliver_webhook.on_transcript(posted.data, posted.attributes, ports, send, delivery=posted.attempt)

    def on_budget(posted: Push, ports: Ports) -> None:
        deliver_webhook.on_budget(posted.data, ports, send, delivery=posted.attempt)

    steps = {WEBHOOKS: on_transcript, WEBHOOKS_BUDGET: on_budget}
    return {name: _taking(ports, name, step) for name, step in steps.items()}


def _taking(ports: LocalPorts, where: str | Callable[[Push], str], step: Step) -> Callable[[bytes], None]:
    return lambda body: handle({}, body, lambda: ports, where, step)
