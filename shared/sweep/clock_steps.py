"""On one machine: when its wall clock was set, and how old something is, whatever the clock said when it was made.

Within one start of the machine, the wall clock is compared with one that cannot be set. Across a restart the two cannot be
told apart from a machine that was off, and the wall clock is trusted.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from shared.state import documents
from shared.state.sweep_notes import SWEEPS
from shared.telemetry import log

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.ports import Ports

MARK = "clock"
"""Key of the document."""

STEP = 3600.0
"""Seconds by which the two clocks part before it counts. Less does not matter to what counts days."""

MOST = 500
"""Steps that are remembered, the last ones."""

Step = tuple[float, float, float]
"""When the clock was set, by its own time after that; by how many seconds; and `Clocks.booted` before that."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Clocks:
    """What was seen of the machine's clocks."""

    boot: str
    """Which start of the machine it was."""
    booted: float
    """When that was by the wall clock, seconds since 1970: unless the clock is set, this stays."""
    steps: tuple[Step, ...] = ()
    """When the clock was set; the last one is the newest."""


def watch(ports: Ports) -> Clocks:
    """Look at the clocks, and note it if the wall clock was set since the last look."""
    now = ports.clock.now()
    new = Clocks(boot=ports.clock.boot, booted=now - ports.clock.since_boot())
    found = documents.mark(SWEEPS, MARK, Clocks, ports.records)
    if found is not None:
        by = new.booted - found.booted
        if new.boot != found.boot:
            new = replace(new, steps=found.steps)
        elif abs(by) < STEP:
            return found
        else:
            log.warning("the clock of this machine was set by %+.1f hours", by / 3600)
            new = replace(new, steps=(*found.steps, (now, by, found.booted))[-MOST:])
    documents.put(SWEEPS, MARK, new, ports)
    return new


def age(then: float, now: float, steps: Sequence[Step]) -> float:
    """How old something is, or what is less, if that cannot be told; negative if its time has not come yet. Pure.

    `then` and `now` are seconds since 1970, by the clocks of their times.
    """
    for at, by, booted in reversed(steps):
        if at <= then <= now:
            break
        if then <= at - by:  # else it is from before the machine was started, with a clock that was behind
            now -= by
            if then >= booted:
                break
    return now - then
