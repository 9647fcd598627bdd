"""Start workers, which cost money while they run, only when there is work.

A worker ends when there is nothing left to pull. A start is never undone and never needed for
correctness: a superfluous worker finds no work, and the sweeper repeats a failed start a minute later.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from shared.errors import DropscribeError
from shared.in_words import counted
from shared.planning import plan, worker_pools
from shared.ports import Ports, WorkerState
from shared.routing import flags
from shared.state import documents, unfit_workers
from shared.telemetry import log

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shared.model import Chunk
    from shared.planning.worker_pools import WorkerPool
    from shared.settings import Settings

STARTS = "gpu_starts"
"""Collection that decides which process starts workers: one document for each minute and pool with a start."""

HOURS_A_TASK: dict[WorkerPool, float] = {"main": 20.0, "cpu": 1.0, "canary": 20.0}
"""Hours of audio that are worth one more task. On an L4 at about 220 times real time 20 h take five minutes, and the
start of half a minute is a tenth of that; for less audio a start costs more than it gains. Without a GPU it is 1 h."""

WINDOW = 60.0
"""Seconds in which the workers of a pool are started once. It takes some seconds until a start is visible among the
running tasks, and a hundred uploads at once would otherwise start a hundred tasks."""

SHOWS = 30.0
"""Seconds after which a start is visible among the running tasks, even one at the end of the previous window."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Work:
    """Chunks without a result that wait for workers of a pool, or that a worker holds."""

    chunks: int
    """Number of chunks."""
    seconds: float
    """Seconds of their audio, without overlap; a chunk of unknown length counts as 0."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Begun:
    """What is read of the document of a start."""

    time: float
    """When, seconds since 1970."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Start:
    """How many tasks to start, and why."""

    tasks: int
    """Number of tasks."""
    reason: str
    """One sentence for the log."""
    state: WorkerState | None = None
    """The platform's answer about its workers; None if it was not asked."""


def how_many_tasks(
    work: Work,
    running: int,
    settings: Settings,
    waited: float = math.inf,
    pool: WorkerPool = "main",
    most: int | None = None,
) -> Start:
    """Tasks to start for waiting work, in addition to the running ones. Pure.

    The oldest chunk has waited `waited` seconds; the platform can run at most `most` tasks (None: as many as the
    settings allow).
    """
    if work.chunks <= 0:
        return Start(tasks=0, reason="no chunk waits for a worker")
    waiting = f"{counted(work.chunks, 'chunk')} {'waits' if work.chunks == 1 else 'wait'}"
    machine = worker_pools.machine_of(pool, settings)
    in_hand = running * plan.max_inflight_chunks(settings, machine) * plan.sizes(machine, settings).seconds
    unheld = work.seconds - in_hand
    if running > 0 and unheld <= 0:
        reason = f"{waiting}, and the running tasks ({running}) can hold them"
        return Start(tasks=0, reason=reason)
    if waited < settings.start_delay:
        reason = f"{waiting}, for {waited:.0f} of the {settings.start_delay:.0f} s of the start delay"
        return Start(tasks=0, reason=reason)
    allowed = settings.cpu_max_tasks if pool == "cpu" else settings.gpu_max_tasks
    allowed = allowed if most is None else min(allowed, most)
    wanted = min(allowed, _worth(work.seconds, pool))
    return Start(
        # Work that the running tasks can hold is not worth another task.
        tasks=min(max(0, wanted - running), _worth(unheld, pool)),
        reason=f"{waiting} ({work.seconds / 3600:.1f} h of audio, worth {counted(wanted, 'task')}); running: {running}",
    )


def _worth(seconds: float, pool: WorkerPool) -> int:
    """Tasks that this much audio is worth, at least one."""
    return max(1, math.ceil(seconds / 3600 / HOURS_A_TASK[pool]))


def start_for(key: str, chunks: Iterable[Chunk], ports: Ports, waited: float) -> None:
    """Start workers for chunks that were just published, in the pool of each chunk's engine.

    Never raises: a failure is logged, and the start is repeated later. The oldest of the chunks has waited `waited` seconds.
    """
    backlog: dict[WorkerPool, Work] = {}
    settings = flags.read(ports).applied(ports.settings)
    for one in chunks:
        pool = worker_pools.lane_of(key, one.engine, settings)
        if pool is not None:
            before = backlog.get(pool, Work(chunks=0, seconds=0.0))
            seconds = before.seconds + (one.end or one.start) - one.start
            backlog[pool] = Work(chunks=before.chunks + 1, seconds=seconds)
    for pool, work in backlog.items():
        start_workers(work, ports, waited, pool)


def start_workers(work: Work, ports: Ports, waited: float, pool: WorkerPool = "main") -> Start:
    """Start workers if too few are running. Never raises: a failure is logged, and the start is repeated later.

    The oldest chunk has waited `waited` seconds; workers start after the start delay.
    """
    try:
        return _start(work, ports, waited, pool)
    except DropscribeError as error:
        log.warning("cannot start workers: %s", error)
        return Start(tasks=0, reason=str(error))


def _start(work: Work, ports: Ports, waited: float, pool: WorkerPool) -> Start:
    if work.chunks <= 0:
        return how_many_tasks(work, 0, ports.settings)
    jobs = worker_pools.jobs_of(pool, ports)
    if said := unfit_workers.said_lately(pool, ports):
        # Each start would be paid for, and end at once.
        state = WorkerState(status="unfit", reason=said)
    else:
        state = jobs.state()
    if state.status != "ready":
        # A start every minute without knowing what runs would fill the quota with idle workers.
        return _failed(state)
    wanted = how_many_tasks(work, state.running, ports.settings, waited, pool, state.most)
    if not wanted.tasks:
        return replace(wanted, state=state)
    if not _first(pool, wanted, ports):
        return Start(tasks=0, reason="another process has started workers in the last minute", state=state)
    after = jobs.start(wanted.tasks)
    if after.status == "ready":
        log.info("started %s: %s", counted(wanted.tasks, "task"), wanted.reason)
        return replace(wanted, state=replace(after, running=state.running + wanted.tasks))
    # The running tasks go on, so the pool is usable although it cannot grow.
    return replace(_failed(after), state=state) if state.running else _failed(after)


def _first(pool: WorkerPool, wanted: Start, ports: Ports) -> bool:
    """Whether no other process starts workers of this pool now; after True the caller has to start them."""
    now = ports.clock.now()
    window = int(now // WINDOW)

    def key(number: int) -> str:
        return f"{number:012d}" if pool == "main" else f"{number:012d}.{pool}"

    start = {"time": now, "tasks": wanted.tasks, "reason": wanted.reason}
    if not ports.records.create(STARTS, key(window), start):
        return False
    # Two processes at the boundary of two windows see each other, because each writes before it looks.
    beside = (documents.mark(STARTS, key(window + step), _Begun, ports.records) for step in (-1, 1))
    return all(one is None or abs(now - one.time) >= SHOWS for one in beside)


def _failed(state: WorkerState) -> Start:
    log.warning("cannot start workers (%s): %s", state.status, state.reason)
    return Start(tasks=0, reason=f"{state.status}: {state.reason}", state=state)
