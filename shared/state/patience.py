"""Wait for storage, database or a queue that refuse for a while, so that an engine's response is not lost.

A process that waits holds its message, whose lease is renewed meanwhile, and takes no other: so what waits is bounded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from shared import concurrency
from shared.errors import Transient
from shared.telemetry import log

if TYPE_CHECKING:
    from collections.abc import Callable

SHORTEST_PAUSE, LONGEST_PAUSE = 0.5, 8.0
"""Seconds between two tries: twice as long each time."""

T = TypeVar("T")


def patiently(work: Callable[[], T], until: float, stop: concurrency.Event | None = None) -> T:
    """Do something that may be repeated, again and again until it succeeds; at least once.

    The last try may begin at `until`, on the monotonic clock. `stop` ends the waiting once it is set.

    Raises:
        Transient: of the last try.
    """
    stop = concurrency.Event() if stop is None else stop
    pause = SHORTEST_PAUSE
    while True:
        try:
            return work()
        except Transient as error:
            if concurrency.monotonic() + pause > until:
                raise
            log.warning("what an engine answered is kept, and stored again in %g s: %s", pause, error)
            if stop.wait(pause):
                raise
        pause = min(2 * pause, LONGEST_PAUSE)
