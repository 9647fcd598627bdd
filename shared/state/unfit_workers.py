"""Workers that cannot work as they are deployed: they say so here, and no more of them are started for a while.

A worker that ends at once because its image is wrong would be started again every minute, and paid for every time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.clock import is_ahead
from shared.state import documents

if TYPE_CHECKING:
    from shared.ports import Ports

STATE, KEY = "state", "unfit-workers"
"""Collection and beginning of the key, to which the pool of workers is added."""

PAUSE = 300.0
"""Seconds after such a report in which no workers of its pool are started."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Unfit:
    """The last report of a pool."""

    time: float
    """When the worker ended, seconds since 1970."""
    said: str
    """What is wrong and what to do."""


def report(pool: str, said: str, ports: Ports) -> None:
    """Say that workers of a pool cannot work."""
    documents.put(STATE, f"{KEY}.{pool}", Unfit(time=ports.clock.now(), said=said), ports)


def said_lately(pool: str, ports: Ports) -> str:
    """What the workers of a pool said within `PAUSE`; empty if they said nothing."""
    last = documents.mark(STATE, f"{KEY}.{pool}", Unfit, ports.records) or Unfit(time=0.0, said="")
    now = ports.clock.now()
    return last.said if now - last.time < PAUSE and not is_ahead(last.time, now) else ""
