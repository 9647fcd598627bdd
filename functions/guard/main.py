"""The guard's entrypoint, called every minute.

Serve with `functions-framework --source functions/guard/main.py --target on_tick`.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import functions_framework

from deployment.rollout import guard
from deployment.rollout.figures import Watch
from deployment.rollout.services import Traffic
from functions import caller, time_limit
from functions.outcome import FLUSH, not_done
from shared.connect import check_settings, connect
from shared.errors import DropscribeError
from shared.telemetry import flush

if TYPE_CHECKING:
    from flask import Request

check_settings()
functions_framework.errorhandler(DropscribeError)(not_done)


@functions_framework.http
def on_tick(request: Request) -> dict[str, str] | tuple[str, int]:
    """A minute has passed (Cloud Scheduler, HTTP); answers the phase of the rollout, empty if none is under watch."""
    if refused := caller.refusal(request):
        return refused
    with time_limit.within(time_limit.PUSH, "a look at the rollout"):
        try:
            return {"phase": guard.tick(_guard, connect())}
        finally:
            flush(FLUSH)


@cache
def _guard() -> guard.Guard:
    """One for all ticks: it remembers what it read of recordings that have ended."""
    from deployment.api import Api  # noqa: PLC0415 - it loads Google's libraries, and mostly there is no rollout

    ports, api = connect(), Api()
    project, region = ports.settings.project, ports.settings.region
    return guard.Guard(Traffic(project, region, api), Watch(ports, project, api), ports)
