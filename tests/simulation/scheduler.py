"""Threads that hand one baton round, in virtual time.

Each task has a stack of its own (a greenlet, which takes the baton ten times as fast as a thread), but only the one
with the baton runs. It gives the baton away when it waits, and at every call of a port. Who gets it is a choice; time
goes on when nobody can. So a history depends on its choices only, and an hour of waiting takes no time.

A process is a set of tasks that die together: `Killed` is raised in each of them, where it waits, and again at
everything that it still tries.
"""

from __future__ import annotations

import heapq
import math
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from greenlet import getcurrent, greenlet

from tests.simulation.choices import SCHEDULE, Choices

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

START = 1_800_057_000.0
"""Seconds since 1970 at which every history begins: ten minutes before midnight, when a day's budget ends."""

MOST_SWITCHES = 400_000
"""A history with more of them goes round in circles."""


class Killed(BaseException):
    """The process of this thread is no more."""


class Stalled(Exception):  # noqa: N818 - a state, as Killed
    """Nothing will ever happen again, or too much happens."""


class Process:
    """Tasks that die together."""

    def __init__(self, name: str, *, immune: bool = False, skew: float = 0.0) -> None:
        self.name = name
        self.immune = immune
        """True for what stands for the platform, which has no faults."""
        self.skew = skew
        """Seconds that its clock is ahead."""
        self.killed = False
        self.number = -1
        """Among all of its history."""
        self.died: float | None = None
        """When it was killed, seconds since 1970."""
        self.tasks: list[Task] = []
        self.looking: list[Task] = []
        """Those that look at something again and again; the end of a thread may be what they look for."""
        self.notes: dict[str, Any] = {}
        """What only this process knows."""


class Task:
    """One thread under the scheduler."""

    __slots__ = (
        "done",
        "error",
        "name",
        "parked",
        "process",
        "result",
        "stack",
        "ticket",
        "waiting",
        "waits",
    )

    def __init__(self, name: str, process: Process) -> None:
        self.name = name
        self.process = process
        self.stack: greenlet = getcurrent()
        self.parked = False
        self.ticket = 0
        self.done = False
        self.result: Any = None
        self.error: BaseException | None = None
        self.waiting: list[Task] = []
        """Who waits for its end."""
        self.waits: tuple[list[Task], Callable[[], float]] | None = None
        """What it waits for, see `Scheduler.wait`."""


_running: list[Scheduler] = []


def running() -> Scheduler:
    """The scheduler of the history in progress."""
    return _running[-1]


class Scheduler:
    """Runs tasks one at a time.

    Args:
        choices: decide who is next.
    """

    def __init__(self, choices: Choices) -> None:
        self.choices = choices
        self._schedule, self._preempt = choices.stream(SCHEDULE), choices.stream("preempt")
        self.now = START
        self.switches = 0
        self.main = Task("main", Process("main", immune=True))
        self.current = self.main
        self.processes: list[Process] = []
        self._ready: list[Task] = []
        self._doomed: list[Task] = []
        self._timers: list[tuple[float, int, Task, int]] = []
        self._numbers = 0
        self._stalled = ""

    @contextmanager
    def history(self) -> Iterator[Scheduler]:
        """Run a history inside; every task is gone afterwards."""
        _running.append(self)
        try:
            yield self
        finally:
            for process in self.processes:
                self.kill(process)
            while any(process.tasks for process in self.processes):
                self.pause()
            _running.remove(self)

    def process(self, name: str, *, immune: bool = False, skew: float = 0.0) -> Process:
        """A new process."""
        made = Process(name, immune=immune, skew=skew)
        made.number = len(self.processes)
        self.processes.append(made)
        return made

    def spawn(self, run: Callable[[], Any], name: str, process: Process | None = None) -> Task:
        """A new task; it begins when somebody gives the baton away."""
        self._check()
        task = Task(name, process or self.current.process)
        task.stack = greenlet(lambda *_: self._carry(task, run), parent=self.main.stack)
        task.process.tasks.append(task)
        (self._doomed if task.process.killed else self._ready).append(task)
        return task

    def pause(self) -> None:
        """Let others go first."""
        task = self.current
        if task.process.killed:
            raise Killed
        if self._ready or self._doomed or self.switches + 1 == MOST_SWITCHES:
            self._ready.append(task)
            self._switch(task)
        else:  # there is nobody else
            self.switches += 1

    def maybe_pause(self) -> None:
        """Let others go first, now and then."""
        if self._preempt.pick(2, 0.05):
            self.pause()
        elif self.current.process.killed:
            raise Killed

    def park(self, waiting: list[Task], seconds: float | None = None) -> bool:
        """Wait in a list until somebody wakes it, or some seconds pass; True if somebody did."""
        self._check()
        task = self.current
        self._park(task, waiting, math.inf if seconds is None else seconds)
        self._switch(task)
        if task in waiting:
            waiting.remove(task)
            return False
        return True

    def wait(self, waiting: list[Task], rest: Callable[[], float]) -> None:
        """Wait in a list until there is nothing more to wait for.

        Args:
            waiting: whoever is in it can be woken.
            rest: gives the seconds for which to wait yet, 0 for no more. It is asked whenever somebody wakes the task,
                or these have passed, by the one that has the baton then: to wait on takes no switch.
        """
        seconds = rest()
        if seconds > 0.0:
            self._check()
            task = self.current
            task.waits = waiting, rest
            self._park(task, waiting, seconds)
            self._switch(task)

    def _park(self, task: Task, waiting: list[Task], seconds: float) -> None:
        task.parked = True
        task.ticket += 1
        waiting.append(task)
        if seconds != math.inf:
            self._numbers += 1
            heapq.heappush(self._timers, (self.now + max(0.0, seconds), self._numbers, task, task.ticket))

    def wake(self, waiting: list[Task], count: int | None = None) -> None:
        """Let those in a list go on, in the order in which they came."""
        if not waiting:
            return
        woken = waiting[:count]
        del waiting[:count]
        for task in woken:
            if task.parked:
                task.parked = False
                self._ready.append(task)

    def sleep(self, seconds: float) -> None:
        """Wait for some seconds."""
        self.park([], seconds)

    def join(self, task: Task, seconds: float | None = None) -> None:
        """Wait for the end of a task."""
        until = math.inf if seconds is None else self.now + seconds
        self.wait(task.waiting, lambda: 0.0 if task.done else until - self.now)

    def kill(self, process: Process) -> None:
        """End all tasks of a process where they are; does not return if the caller is one of them."""
        if not process.killed:
            process.killed = True
            process.died = self.now
            for task in process.tasks:
                if task is not self.current:
                    if task in self._ready:
                        self._ready.remove(task)
                    task.parked = False
                    self._doomed.append(task)
        if self.current.process is process:
            raise Killed

    def _check(self) -> None:
        if self.current.process.killed:
            raise Killed

    def _switch(self, task: Task) -> None:
        chosen = self._next()
        if chosen is not task:
            self.current = chosen
            chosen.stack.switch()
        if task is self.main and self._stalled:
            stalled, self._stalled = self._stalled, ""
            raise Stalled(stalled)
        if task.process.killed:
            raise Killed

    def _next(self) -> Task:
        ready, doomed = self._ready, self._doomed
        while True:
            self.switches += 1
            if self.switches == MOST_SWITCHES:
                self._stall(f"{MOST_SWITCHES} switches")
            while not ready and not doomed:
                if self._timers:
                    self._let_time_pass()
                else:
                    self._stall("everybody waits for ever: " + ", ".join(sorted(self._names())))
            if doomed:
                return doomed.pop()
            count = len(ready)
            task = ready.pop(self._schedule.pick(count) if count > 1 else 0)
            if task.waits is None or not self._waits_on(*task.waits, task):
                return task

    def _waits_on(self, waiting: list[Task], rest: Callable[[], float], task: Task) -> bool:
        if task in waiting:
            waiting.remove(task)
        seconds = rest()
        if seconds > 0.0:
            self._park(task, waiting, seconds)
            return True
        task.waits = None
        return False

    def _let_time_pass(self) -> None:
        at = self._timers[0][0]
        while self._timers and self._timers[0][0] <= at:
            _, _, task, ticket = heapq.heappop(self._timers)
            if task.parked and task.ticket == ticket:
                task.parked = False
                self._ready.append(task)
                self.now = max(self.now, at)

    def _stall(self, why: str) -> None:
        self._stalled = why
        self.main.parked, self.main.waits = False, None
        if self.main not in self._ready:
            self._ready.append(self.main)

    def _names(self) -> list[str]:
        return [f"{one.process.name}/{one.name}" for process in self.processes for one in process.tasks]

    def _carry(self, task: Task, run: Callable[[], Any]) -> None:
        try:
            if not task.process.killed:
                task.result = run()
        except Killed:
            pass
        except BaseException as error:  # noqa: BLE001 - whoever joins the task looks at it
            task.error = error
        task.done = True
        task.process.tasks.remove(task)
        self.wake(task.waiting)
        self.wake(list(task.process.looking))
        self.current = self._next()
        task.stack.parent = self.current.stack  # which goes on when this one returns
