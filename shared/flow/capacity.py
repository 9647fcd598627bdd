"""Beside the steps: workers that cost money while they run are started only when there is work for them.

A worker ends by itself when there is nothing left to pull. A start is never undone and never necessary for
correctness: one too many finds no work, one that fails is tried again by the sweeper a minute later.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from shared.errors import DropscribeError
from shared.planning import plan, worker_pools
from shared.ports import GpuState
from shared.telemetry import log

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shared.model import Chunk
    from shared.planning.worker_pools import WorkerPool
    from shared.ports import Ports
    from shared.settings import Settings

STARTS = "gpu_starts"
"""Collection that decides who starts workers: one document for each minute and pool in which somebody did."""

HOURS_A_TASK: dict[WorkerPool, float] = {"main": 20.0, "cpu": 1.0}
"""Hours of audio worth one more task. On an L4 at some 220 times real time 20 take five minutes, of which
a start of half a minute is a tenth; with less, starting costs more than it gains. Without a GPU it is one."""

WINDOW = 60.0
"""Seconds in which workers are started once. A start takes some seconds to show among the running ones, and
a hundred uploads at once would otherwise start a hundred."""

SHOWS = 30.0
"""Seconds after which a start has shown among the running ones, also one from the end of the window before."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Work:
    """Chunks without a result that wait for workers of a pool, or that one has in hand."""

    chunks: int
    """How many."""
    seconds: float
    """Their audio, without overlap; chunks of unknown length count as none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Start:
    """How many tasks to start, and why."""

    tasks: int
    """0: none."""
    reason: str
    """One sentence for the log."""
    state: GpuState | None = None
    """What the platform said about its workers; None if it was not asked."""


def how_many_tasks(
    work: Work,
    running: int,
    settings: Settings,
    waited: float = math.inf,
    pool: WorkerPool = "main",
    most: int | None = None,
) -> Start:
    """Tasks to start for what waits, beside those that run. Pure.

    Args:
        work: what waits.
        running: tasks that run or are about to.
        settings: how much a worker holds, how many tasks may run at one time, and for how long work is collected.
        waited: seconds that the oldest chunk has waited.
        pool: whose workers.
        most: tasks that there can be; None: as many as the settings allow.
    """
    if work.chunks <= 0:
        return Start(tasks=0, reason="no chunk waits for a worker")
    machine = worker_pools.machine_of(pool, settings)
    in_hand = running * plan.max_inflight_chunks(settings, machine) * plan.sizes(machine, settings).seconds
    unheld = work.seconds - in_hand
    if running > 0 and unheld <= 0:
        reason = f"{work.chunks} chunks wait, and the {running} tasks that run can hold them"
        return Start(tasks=0, reason=reason)
    if waited < settings.start_delay:
        reason = f"{work.chunks} chunks wait for {waited:.0f} of the {settings.start_delay:.0f} s in which work is collected"
        return Start(tasks=0, reason=reason)
    allowed = settings.cpu_max_tasks if pool == "cpu" else settings.gpu_max_tasks
    allowed = allowed if most is None else min(allowed, most)
    wanted = min(allowed, _worth(work.seconds, pool))
    return Start(
        # What the running ones hold already is nothing for another.
        tasks=min(max(0, wanted - running), _worth(unheld, pool)),
        reason=f"{work.chunks} chunks wait ({work.seconds / 3600:.1f} h of audio), for {wanted} tasks, and {running} run",
    )


def _worth(seconds: float, pool: WorkerPool) -> int:
    """Tasks for so much audio: one at least."""
    return max(1, math.ceil(seconds / 3600 / HOURS_A_TASK[pool]))


def start_for(chunks: Iterable[Chunk], ports: Ports, waited: float) -> None:
    """Start workers for chunks that were just published: each goes to the workers of its engine.

    Never raises: a failure is logged and tried again later.

    Args:
        chunks: each with the engine whose it is now.
        ports: the adapters to use.
        waited: seconds that the oldest of them has waited.
    """
    backlog: dict[WorkerPool, Work] = {}
    for one in chunks:
        pool = worker_pools.pool_of(one.engine, ports.settings)
        if pool is not None:
            before = backlog.get(pool, Work(chunks=0, seconds=0.0))
            seconds = before.seconds + (one.end or one.start) - one.start
            backlog[pool] = Work(chunks=before.chunks + 1, seconds=seconds)
    for pool, work in backlog.items():
        start_workers(work, ports, waited, pool)


def start_workers(work: Work, ports: Ports, waited: float, pool: WorkerPool = "main") -> Start:
    """Start workers where too few run. Never raises: a failure is logged and tried again later.

    Args:
        work: what waits.
        ports: the adapters to use.
        waited: seconds that the oldest of it has waited: work may be collected before a worker is started.
        pool: whose workers.
    """
    try:
        return _start(work, ports, waited, pool)
    except DropscribeError as error:
        log.warning("no workers could be started: %s", error)
        return Start(tasks=0, reason=str(error))


def _start(work: Work, ports: Ports, waited: float, pool: WorkerPool) -> Start:
    if work.chunks <= 0:
        return how_many_tasks(work, 0, ports.settings)
    jobs = worker_pools.jobs_of(pool, ports)
    state = jobs.state()
    if state.status != "ready":
        # One start a minute without knowing what runs would fill the quota with idle workers.
        return _failed(state)
    wanted = how_many_tasks(work, state.running, ports.settings, waited, pool, state.most)
    if not wanted.tasks:
        return replace(wanted, state=state)
    if not _first(pool, wanted, ports):
        return Start(tasks=0, reason="somebody started workers within this minute", state=state)
    after = jobs.start(wanted.tasks)
    if after.status == "ready":
        log.info("started %d tasks: %s", wanted.tasks, wanted.reason)
        return replace(wanted, state=replace(after, running=state.running + wanted.tasks))
    # Those that run go on, and are to be counted on: that there are no more is no lack of workers.
    return replace(_failed(after), state=state) if state.running else _failed(after)


def _first(pool: WorkerPool, wanted: Start, ports: Ports) -> bool:
    """Whether nobody else starts workers of this pool now. Whoever gets True has to start them."""
    now = ports.clock.now()
    window = int(now // WINDOW)

    def key(number: int) -> str:
        return f"{number:012d}" if pool == "main" else f"{number:012d}.{pool}"

    start = {"time": now, "tasks": wanted.tasks, "reason": wanted.reason}
    if not ports.records.create(STARTS, key(window), start):
        return False
    # Two who meet at the end of a window see each other, as each wrote before it looks.
    beside = (ports.records.get(STARTS, key(window + step)) for step in (-1, 1))
    return all(one is None or abs(now - one["time"]) >= SHOWS for one in beside)


def _failed(state: GpuState) -> Start:
    log.warning("no workers could be started (%s): %s", state.status, state.reason)
    return Start(tasks=0, reason=f"{state.status}: {state.reason}", state=state)
