"""From a message to a call of the webhook URL: store, then call, then acknowledge.

A call that fails raises: the message is redelivered with back-off (`shared/topology.py`). After a day it is given up, and its
message is kept as a dead letter. Where the queue counts its deliveries, as on one machine, a day is as many as it takes:
the clock may be set.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from standardwebhooks.webhooks import Webhook

from shared.errors import ConfigurationError, Permanent, Transient
from shared.messages import BudgetAlert, TranscriptReady, decode
from shared.settings import Settings, variable
from shared.state import answers, documents
from shared.telemetry import log, measure
from shared.webhooks import events, outbox

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from shared.ports import Ports
    from shared.webhooks.events import Event

    Send = Callable[[str, Mapping[str, str], bytes], int]
    """Posts a body with headers to an address and returns the status of the answer; follows no redirect. Raises
    Transient if there is no answer."""

DELIVERIES = 150
"""Deliveries of a message that take a day, with the back-off of its subscription."""

GONE = 410
"""Status of a receiver that wants no more (Standard Webhooks, "Delivery attempts")."""


def on_transcript(
    data: bytes, attributes: Mapping[str, str], ports: Ports, send: Send, *, delivery: int = 0
) -> None:
    """Tell that a recording has ended, or what the answer to a request is.

    `delivery` says which delivery of the message it is, from 1; 0 if they are not counted.

    Raises:
        Permanent: it was given up.
    """
    ready = decode(data, TranscriptReady)
    recording = documents.get_recording(ports.records, ready.recording) if ready.recording else None
    if recording is not None and recording.state == "DELETED":
        return
    if ready.request_id is not None:
        asked = answers.find(ready.request_id, ports.records)
        if asked is not None and asked.forgotten:
            return
    life = attributes.get("life", "") or str(recording.life if recording else 0)
    _deliver(events.of_transcript(ready, life), ports, send, delivery)


def on_budget(data: bytes, ports: Ports, send: Send, *, delivery: int = 0) -> None:
    """Tell that a share of a budget is reached.

    `delivery` as for `on_transcript`.

    Raises:
        Permanent: it was given up.
    """
    _deliver(events.of_budget(decode(data, BudgetAlert)), ports, send, delivery)


def _deliver(event: Event, ports: Ports, send: Send, delivery: int) -> None:
    told = outbox.first(event, ports)
    if told.state == "delivered":
        return
    now = ports.clock.now()
    try:
        call(event.id, told.payload, now, ports.settings, send)
    except Exception as error:
        measure("webhooks_total", outcome="failed")
        final = isinstance(error, Permanent)
        over = delivery >= DELIVERIES if delivery else now >= told.until
        if not final and not over:
            raise
        outbox.close(event, "given-up", ports)
        measure("webhooks_total", outcome="given_up")
        if final:
            raise
        raise Permanent(
            f"webhook {event.id} was tried for a day, the last time: {error} Repair the receiver, then send it with "
            "`dropscribe dead-letters replay`."
        ) from error
    measure("webhooks_total", outcome="delivered")
    outbox.close(event, "delivered", ports)
    log.info("told %s of %s", _host(ports.settings), event.type)


def call(webhook_id: str, payload: str, now: float, settings: Settings, send: Send) -> int:
    """Make one signed call; returns the status of the answer.

    Id and payload are the same for every call about an event; `now` is seconds since 1970.

    Raises:
        ConfigurationError: there is no address.
        Permanent: the receiver wants no more.
        Transient: it did not answer, or not with success.
    """
    if not settings.webhook_url:
        raise ConfigurationError(
            f"{variable('webhook_url')} is not set. Set it to the URL that receives webhooks."
        )
    when = dt.datetime.fromtimestamp(now, dt.UTC)
    signatures = [Webhook(one).sign(webhook_id, when, payload) for one in settings.webhook_secrets]
    headers = {
        "content-type": "application/json",
        "user-agent": "Dropscribe",
        "webhook-id": webhook_id,
        "webhook-timestamp": str(int(now)),
        "webhook-signature": " ".join(signatures),
    }
    status = send(settings.webhook_url, headers, payload.encode())
    if 200 <= status < 300:
        return status
    said = f"{_host(settings)} answered {status}"
    if status == GONE:
        raise Permanent(
            f"{said}: it accepts no more webhooks. Correct or unset {variable('webhook_url')}, or send this one with "
            "`dropscribe dead-letters replay`."
        )
    redirect = (
        " Redirects are not followed: set the address that it redirects to." if 300 <= status < 400 else ""
    )
    raise Transient(f"{said}.{redirect}")


def _host(settings: Settings) -> str:
    # The rest of the address may hold a token.
    return urlsplit(settings.webhook_url).hostname or "the receiver"
