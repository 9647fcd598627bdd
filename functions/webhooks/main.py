"""The entrypoints that post webhooks.

Serve with `functions-framework --source functions/webhooks/main.py --target on_transcript` (or `on_budget`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import functions_framework

from functions.outcome import answered, not_done
from shared.connect import check_settings, connect, webhook_sender
from shared.errors import DropscribeError
from shared.topology import WEBHOOKS, WEBHOOKS_BUDGET
from shared.webhooks import deliver

if TYPE_CHECKING:
    from flask import Request

    from functions.push import Push
    from shared.ports import Ports

check_settings()
functions_framework.errorhandler(DropscribeError)(not_done)


@functions_framework.http
def on_transcript(request: Request) -> tuple[str, int]:
    """A recording has ended, or a request is answered (Pub/Sub, topic `transcripts-ready`)."""

    def step(posted: Push, ports: Ports) -> None:
        send = webhook_sender(ports.settings)
        deliver.on_transcript(posted.data, posted.attributes, ports, send, delivery=posted.attempt)

    return answered(request, connect, WEBHOOKS, step)


@functions_framework.http
def on_budget(request: Request) -> tuple[str, int]:
    """A share of a budget is reached (Pub/Sub, topic `budget-alerts`)."""

    def step(posted: Push, ports: Ports) -> None:
        send = webhook_sender(ports.settings)
        deliver.on_budget(posted.data, ports, send, delivery=posted.attempt)

    return answered(request, connect, WEBHOOKS_BUDGET, step)
