"""What a worker costs beside its attempts: its start-up and idle time.

    while it runs    a row for each interval of a minute or less: the wall time in which its engine did no work
                     that has a row, at the price of the machine (`Meter`)
    after its end    one row for the difference to what Cloud Run bills for the task (`reconcile`)

so that the rows of a task, attempts included, add up to its bill. After a crash the last interval and the chunks
in flight are missing, until the sweeper sees that the task has ended and writes the row that corrects this. That
row is negative if a row was written although its reply was lost.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from shared import concurrency
from shared.costs import prices_file
from shared.errors import DropscribeError
from shared.messages import to_fields
from shared.planning import worker_pools
from shared.results import LedgerRow
from shared.state import documents, ledger
from shared.state.sweep_notes import SWEEPS
from shared.telemetry import log

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from types import TracebackType

    from shared.model import Engine
    from shared.planning.worker_pools import WorkerPool
    from shared.ports import Ports, TaskRun

INTERVAL = 60.0
"""Seconds between two rows of a worker, and the most that a crash leaves to the sweeper."""

SETTLED = 120.0
"""Seconds after the end of a task after which its last rows count as written."""

LOOK_BACK = 600.0
"""Seconds until the end of an execution is visible at the latest: those that ended up to so long before the mark
are looked at again, which costs a query and changes nothing."""

DAY = 86_400.0
"""Seconds."""

MARKS: dict[WorkerPool, str] = {
    "main": "executions",
    "cpu": "executions-cpu",
    "canary": "executions-canary",
}
"""Keys of the marks, which say until when ended executions are accounted for."""

END = "end"
"""In the row of the difference, in place of the number of an interval."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where a worker runs."""

    execution: str
    """Name of the execution."""
    task: int
    """Index of the task in it."""
    attempt: int = 0
    """How often Cloud Run has restarted the task after a failure, if its job allows retries."""

    @property
    def worker(self) -> str:
        """Value that all rows of the task have in common."""
        return f"{self.execution}.{self.task}"

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Place | None:
        """From Cloud Run's variables (cloud.google.com/run/docs/container-contract); None if it is elsewhere."""
        execution = environ.get("CLOUD_RUN_EXECUTION", "")
        if not execution:
            return None
        numbers = {name: environ.get(f"CLOUD_RUN_TASK_{name}", "") for name in ("INDEX", "ATTEMPT")}
        task, attempt = (int(text) if re.fullmatch(r"\d{1,6}", text) else 0 for text in numbers.values())
        return cls(execution=execution, task=task, attempt=attempt)


class Meter:
    """Writes the rows of a worker's start-up and idle time while it runs. Thread-safe.

    A context manager: the last row is written on exit. It does nothing if there is no place, or if the worker's time
    costs nothing. `engine` is the one whose machine it is, `started` when the process started, seconds since 1970.
    """

    def __init__(self, ports: Ports, place: Place | None, engine: Engine, started: float) -> None:
        table = prices_file.table(ports.settings)
        self._ports = ports
        self._place = place
        self._engine: Engine = engine
        self._prices = table.version
        self._usd_per_second = table.engine_second(engine, ports.settings)
        self._since = started
        self._spent = 0.0
        self._in_hand = 0.0
        self._number = 0
        self._unwritten: deque[LedgerRow] = deque()
        self._counting, self._writing = concurrency.Lock(), concurrency.Lock()
        self._ended = concurrency.Event()
        self._thread = concurrency.Thread(target=self._run, name="meter", daemon=True)

    @property
    def worker(self) -> str:
        """`worker` of the rows of the attempts made here; empty if nothing is metered."""
        return self._place.worker if self._place else ""

    @property
    def machine(self) -> Engine | None:
        """The engine whose machine it is, None if nothing is metered."""
        return self._engine if self._place else None

    def spent(self, seconds: float) -> None:
        """Note that the engine worked on chunks for these seconds; their rows follow, or `lost`."""
        with self._counting:
            self._spent += seconds
            self._in_hand += seconds

    def kept(self, seconds: float) -> None:
        """Note that the rows for these seconds of the spent time are written."""
        with self._counting:
            self._in_hand -= seconds

    def lost(self, seconds: float) -> None:
        """Note that these seconds of the spent time will have no rows: they count as idle time."""
        with self._counting:
            self._in_hand -= seconds
            self._spent -= seconds

    def write(self) -> None:
        """Write the row of the interval that ends now, and those that could not be written before.

        Raises:
            Transient: some are not written yet; they are kept for the next call.
        """
        with self._writing:
            if self._place is None or not self._usd_per_second:
                return
            self._close_interval(self._place)
            while self._unwritten:
                ledger.write(self._unwritten[0], self._ports)
                self._unwritten.popleft()

    def __enter__(self) -> Self:
        """Start the thread that writes the rows."""
        if self._place is not None:
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Write the last row; spent time without rows becomes idle time."""
        self._ended.set()
        if self._thread.ident is not None:
            self._thread.join()
        self.lost(self._in_hand)
        self._try_to_write()

    def _run(self) -> None:
        while not self._ended.wait(INTERVAL):
            self._try_to_write()

    def _try_to_write(self) -> None:
        try:
            self.write()
        except DropscribeError as error:
            log.warning("the cost of idle time is not in the ledger yet: %s", error)

    def _close_interval(self, place: Place) -> None:
        now = self._ports.clock.now()
        with self._counting:
            # The whole of a call that began in the previous interval counts in this one: the floor is 0.
            idle = max(0.0, now - self._since - self._spent)
            self._spent = max(0.0, self._spent - (now - self._since))
            self._since = now
        if idle > 0:
            # The row is made once and written as often as needed: a repeat must not differ.
            row = self._row(place, f"{place.attempt}-{self._number:05d}", idle)
            self._unwritten.append(row)
            self._number += 1

    def _row(self, place: Place, attempt: str, seconds: float) -> LedgerRow:
        return execution_row(
            worker=place.worker,
            attempt=attempt,
            engine=self._engine,
            seconds=seconds,
            usd=seconds * self._usd_per_second,
            prices=self._prices,
        )


def execution_row(
    *, worker: str, attempt: str, engine: Engine, seconds: float, usd: float, prices: str
) -> LedgerRow:
    """A row of start-up and idle time."""
    return LedgerRow(
        kind="execution",
        recording="",
        chunk=0,
        engine=engine,
        attempt=attempt,
        audio_seconds=0.0,
        busy_seconds=0.0,
        billed_seconds=round(seconds, 6),
        usd=usd,
        prices=prices,
        worker=worker,
    )


def difference(task: TaskRun, written_usd: float, engine: Engine, ports: Ports) -> LedgerRow:
    """The row of the difference between Cloud Run's bill for an ended task and the sum of its rows. Pure.

    `written_usd` is the sum of its rows, attempts included, US dollars.
    """
    table = prices_file.table(ports.settings)
    rate = table.engine_second(engine, ports.settings)
    usd = table.task_seconds(task.ended - task.started) * rate - written_usd
    return execution_row(
        worker=Place(execution=task.execution, task=task.index).worker,
        attempt=END,
        engine=engine,
        seconds=usd / rate,
        usd=usd,
        prices=table.version,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Mark:
    """Until when ended executions are accounted for."""

    until: float
    """Every task that ended before has its last row, seconds since 1970."""


def reconcile(ports: Ports, pools: Iterable[WorkerPool]) -> int:
    """Write the last row of each ended task, once; returns how many.

    Raises:
        Transient: Cloud Run or the records did not answer; the next sweep continues.
    """
    return sum(_reconcile(pool, ports) for pool in pools)


def _reconcile(pool: WorkerPool, ports: Ports) -> int:
    engine, mark = worker_pools.machine_of(pool, ports.settings), MARKS[pool]
    rate = prices_file.table(ports.settings).engine_second(engine, ports.settings)
    if ports.settings.platform == "local" or not rate:
        return 0
    until = ports.clock.now() - SETTLED
    # Rows are written once, so to look at a day again does no harm.
    found = documents.mark(SWEEPS, mark, Mark, ports.records, damaged=Mark(until=until - DAY))
    if found is None:
        # What ran before the first sweep has no rows to complete.
        ports.records.create(SWEEPS, mark, to_fields(Mark(until=until)))
        return 0
    since = found.until - LOOK_BACK
    done = 0
    for task in worker_pools.jobs_of(pool, ports).ended(since):
        if task.completed <= until:
            done += _account(task, engine, ports)
    documents.put(SWEEPS, mark, Mark(until=until), ports)
    return done


def _account(task: TaskRun, engine: Engine, ports: Ports) -> bool:
    worker = Place(execution=task.execution, task=task.index).worker
    if ports.records.get(documents.LEDGER, f"execution.{worker}.{END}") is not None:
        return False
    written = ports.records.sum(documents.LEDGER, "usd", {"worker": worker})
    row = difference(task, written, engine, ports)
    if not ledger.write(row, ports):
        return False
    log.info("accounted for %s: %.1f s, added %+.6f dollars", worker, task.ended - task.started, row.usd)
    return True
