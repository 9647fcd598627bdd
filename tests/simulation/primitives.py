"""What stands in the place of `shared/concurrency.py` during a history: the same names, on the scheduler.

Only what the flow uses is there; anything else fails, and is added then.
"""

from __future__ import annotations

import math
from contextlib import contextmanager
from queue import Empty
from typing import TYPE_CHECKING, Any, Self

from shared import concurrency
from tests.simulation.scheduler import START, Task, running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

LOOK, LONGEST_LOOK = 0.5, 20.0
"""Seconds: waits up to the first are looks, several a second. Whatever they look for wakes them, or a thread of their
process ends; so they last longer here, the longer the more often they were in vain. Else an hour would take 100,000
of them."""


class _Looks:
    """How long the next look at something takes."""

    def __init__(self) -> None:
        self._vain = 0

    def wait(self, waiting: list[Task], holds: Callable[[], bool], timeout: float | None) -> bool:
        """Wait in a list until something holds, for longer if it is a look; False if it does not hold then."""
        if timeout is None or not 0.0 < timeout <= LOOK:
            return _wait_for(waiting, holds, timeout)
        scheduler = running()
        scheduler.maybe_pause()
        if not holds():
            looking = scheduler.current.process.looking
            looking.append(scheduler.current)
            try:
                scheduler.park(waiting, min(LONGEST_LOOK, timeout * 2.0**self._vain))
            finally:
                looking.remove(scheduler.current)
        self._vain = 0 if holds() else min(self._vain + 1, 20)
        return holds()


def _wait_for(waiting: list[Task], holds: Callable[[], bool], timeout: float | None) -> bool:
    """Let others go first, now and then, and wait in a list until something holds; False if it does not hold in time."""
    running().maybe_pause()
    return holds() or _waited_for(waiting, holds, timeout)


def _waited_for(waiting: list[Task], holds: Callable[[], bool], timeout: float | None) -> bool:
    scheduler = running()
    until = math.inf if timeout is None else scheduler.now + timeout
    scheduler.wait(waiting, lambda: 0.0 if holds() else until - scheduler.now)
    return holds()


class Lock:
    def __init__(self) -> None:
        self._held = False
        self._waiting: list[Task] = []

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:  # noqa: FBT001, FBT002 - as in threading
        running().maybe_pause()
        if self._held:
            wanted = None if timeout < 0 else timeout
            if not _waited_for(self._waiting, lambda: not self._held, wanted if blocking else 0.0):
                return False
        self._held = True
        return True

    def release(self) -> None:
        self._held = False
        if self._waiting:
            running().wake(self._waiting)

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()


class Semaphore:
    def __init__(self, value: int = 1) -> None:
        self._free = value
        self._waiting: list[Task] = []

    def acquire(self) -> bool:
        _wait_for(self._waiting, lambda: self._free > 0, None)
        self._free -= 1
        return True

    def release(self) -> None:
        self._free += 1
        running().wake(self._waiting)


class Condition:
    def __init__(self, lock: Lock | None = None) -> None:
        self._lock = lock or Lock()
        self._notified = 0
        self._waiting: list[Task] = []
        self._looks = _Looks()

    def __enter__(self) -> bool:
        return self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()

    def wait(self, timeout: float | None = None) -> bool:
        before = self._notified
        self._lock.release()
        woken = self._looks.wait(self._waiting, lambda: self._notified > before, timeout)
        self._lock.acquire()
        return woken

    def wait_for(self, predicate: Callable[[], bool], timeout: float | None = None) -> bool:
        until = None if timeout is None else running().now + timeout
        while not predicate():
            if until is not None and running().now >= until:
                return False
            self.wait(None if until is None else until - running().now)
        return True

    def notify(self, n: int = 1) -> None:
        self._notified += 1
        running().wake(self._waiting, n)

    def notify_all(self) -> None:
        self._notified += 1
        running().wake(self._waiting)


class Event:
    def __init__(self) -> None:
        self._set = False
        self._waiting: list[Task] = []
        self._looks = _Looks()

    def set(self) -> None:
        self._set = True
        running().wake(self._waiting)

    def is_set(self) -> bool:
        return self._set

    def wait(self, timeout: float | None = None) -> bool:
        return self._looks.wait(self._waiting, self.is_set, timeout)


class Queue:
    def __init__(self) -> None:
        self._items: list[Any] = []
        self._waiting: list[Task] = []
        self._looks = _Looks()

    def put(self, item: Any) -> None:
        running().maybe_pause()
        self._items.append(item)
        running().wake(self._waiting)

    def get(self, timeout: float | None = None) -> Any:
        if not self._looks.wait(self._waiting, self._has_items, timeout):
            raise Empty
        return self._items.pop(0)

    def empty(self) -> bool:
        return not self._items

    def _has_items(self) -> bool:
        return bool(self._items)


class Thread:
    def __init__(
        self, target: Callable[..., Any], name: str = "", args: tuple[Any, ...] = (), *, daemon: bool = False
    ) -> None:
        self.name = name
        self._run = lambda: target(*args)
        self._task: Task | None = None

    def start(self) -> None:
        self._task = running().spawn(self._run, self.name)

    def join(self, timeout: float | None = None) -> None:
        assert self._task is not None
        running().join(self._task, timeout)

    def is_alive(self) -> bool:
        return self._task is not None and not self._task.done

    @property
    def ident(self) -> int | None:
        return None if self._task is None else id(self._task)


class Future:
    def __init__(self) -> None:
        self._state = "pending"
        self._error: Exception | None = None
        self._result: Any = None
        self._callbacks: list[Callable[[Future], None]] = []
        self._waiting: list[Task] = []

    def done(self) -> bool:
        return self._state in {"done", "cancelled"}

    def cancelled(self) -> bool:
        return self._state == "cancelled"

    def result(self) -> Any:
        _wait_for(self._waiting, self.done, None)
        if self._error is not None:
            raise self._error
        return self._result

    def exception(self) -> Exception | None:
        _wait_for(self._waiting, self.done, None)
        return self._error

    def cancel(self) -> bool:
        if self._state == "pending":
            self._end("cancelled")
        return self.cancelled()

    def add_done_callback(self, callback: Callable[[Future], None]) -> None:
        if self.done():
            callback(self)
        else:
            self._callbacks.append(callback)

    def _run(self, work: Callable[[], Any]) -> None:
        self._state = "running"
        try:
            self._result = work()
        except Exception as error:  # noqa: BLE001 - as a real future does
            self._error = error
        self._end("done")

    def _end(self, state: str) -> None:
        self._state = state
        running().wake(self._waiting)
        for one in self._callbacks:
            one(self)


class ThreadPoolExecutor:
    def __init__(self, max_workers: int, thread_name_prefix: str = "pool") -> None:
        self._most, self._name = max_workers, thread_name_prefix
        self._todo: list[tuple[Future, Callable[[], Any]]] = []
        self._tasks: list[Task] = []
        self._idle = 0

    def submit(self, work: Callable[..., Any], *args: Any, **more: Any) -> Future:
        future = Future()
        self._todo.append((future, lambda: work(*args, **more)))
        self._tasks = [one for one in self._tasks if not one.done]
        if len(self._tasks) < self._most:
            self._tasks.append(running().spawn(self._work, self._name))
        return future

    def map(self, work: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
        return iter([one.result() for one in [self.submit(work, item) for item in items]])

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: FBT001, FBT002 - as in futures
        if cancel_futures:
            cancelled, self._todo = self._todo, []
            for future, _ in cancelled:
                future._end("cancelled")
        for task in self._tasks if wait else ():
            running().join(task)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()

    def _work(self) -> None:
        while self._todo:
            future, work = self._todo.pop(0)
            if not future.cancelled():
                future._run(work)


def wait(futures: Iterable[Future], timeout: float | None = None, return_when: str = "ALL_COMPLETED") -> None:
    scheduler, several = running(), list(futures)
    until = None if timeout is None else scheduler.now + timeout
    enough = any if return_when == "FIRST_COMPLETED" else all
    while several and not enough(one.done() for one in several):
        if until is not None and scheduler.now >= until:
            return
        waiting: list[Task] = []
        for one in several:
            one._waiting.append(scheduler.current)
        scheduler.park(waiting, None if until is None else until - scheduler.now)
        for one in several:
            if scheduler.current in one._waiting:
                one._waiting.remove(scheduler.current)


def monotonic() -> float:
    """Of this process's machine: it goes on as real time does, whatever the wall clock is set to."""
    return running().now - START + 1000.0


def sleep(seconds: float) -> None:
    running().sleep(seconds)


def uniform(low: float, high: float) -> float:
    return low + (high - low) * running().choices.pick("jitter", 8) / 8


def new_id() -> str:
    notes = running().main.process.notes
    notes["ids"] = notes.get("ids", 0) + 1
    return f"{notes['ids']:08x}{'5eed' * 6}"


PLACED = {
    "Condition": Condition,
    "Event": Event,
    "Future": Future,
    "Lock": Lock,
    "Queue": Queue,
    "Semaphore": Semaphore,
    "Thread": Thread,
    "ThreadPoolExecutor": ThreadPoolExecutor,
    "monotonic": monotonic,
    "new_id": new_id,
    "perf_counter": monotonic,
    "sleep": sleep,
    "uniform": uniform,
    "wait": wait,
}
"""By the names in `shared/concurrency.py`."""


@contextmanager
def in_place() -> Iterator[None]:
    """Everything that the flow starts inside runs on the scheduler."""
    real = {name: getattr(concurrency, name) for name in PLACED}
    for name, one in PLACED.items():
        setattr(concurrency, name, one)
    try:
        yield
    finally:
        for name, one in real.items():
            setattr(concurrency, name, one)
