"""The sweeper's entrypoints: a minute has passed, or a message is a dead letter.

Serve with `functions-framework --source functions/sweeper/main.py --target on_dead_letter` (or `on_tick`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import functions_framework

from functions import caller, time_limit
from functions.outcome import FLUSH, answered, not_done
from shared.connect import check_settings, connect
from shared.errors import DropscribeError
from shared.recovery import dead_letter
from shared.sweep import sweep
from shared.telemetry import flush
from shared.topology import DEAD_LETTERS

if TYPE_CHECKING:
    from flask import Request

check_settings()
functions_framework.errorhandler(DropscribeError)(not_done)


@functions_framework.http
def on_dead_letter(request: Request) -> tuple[str, int]:
    """A message failed too often (Pub/Sub, topic `dead-letters`)."""
    return answered(
        request,
        connect,
        DEAD_LETTERS,
        lambda posted, ports: dead_letter.on_dead_letter(posted.message, ports),
    )


@functions_framework.http
def on_tick(request: Request) -> dict[str, int] | tuple[str, int]:
    """A minute has passed (Cloud Scheduler, HTTP); answers how much each part of the sweep has done."""
    if refused := caller.refusal(request):
        return refused
    with time_limit.within(time_limit.TICK, "a sweep"):
        try:
            return sweep.on_tick(connect())
        finally:
            flush(FLUSH)
