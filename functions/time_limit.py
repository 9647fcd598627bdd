"""How long a function may take. One that takes longer will never respond, and holds a thread until its process ends.

So the process ends: Cloud Run, or `dropscribe up`, starts another one, and its message is redelivered.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

from shared.machine.watchdog import Watchdog
from shared.telemetry import log

if TYPE_CHECKING:
    from collections.abc import Iterator

PUSH = 595.0
"""Seconds for a message: Pub/Sub waits 600. A call of a hosted engine takes 540 at most (`hosted_call.PATIENCE`)."""

TICK = 1795.0
"""Seconds for a sweep: Cloud Scheduler waits 1800 at most."""

_watchdog = Watchdog()


@contextmanager
def within(seconds: float, what: str) -> Iterator[None]:
    """End this process if the body takes longer than `seconds`."""
    _watch()
    with _watchdog.within(seconds, what):
        yield


@cache
def _watch() -> None:
    threading.Thread(target=_end_once_overdue, name="time-limit", daemon=True).start()


def _end_once_overdue() -> None:
    while not (overdue := _watchdog.overdue()):
        time.sleep(1.0)
    log.error("the function ends: %s. It is delivered again.", overdue[0])
    logging.shutdown()
    os._exit(1)
