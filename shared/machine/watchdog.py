"""Calls that do not return. Nothing but the end of their process ends them.

A library that waits for ever, a file system that is gone, a driver that has lost its card: the message of such a call
would stay under lease for ever, and whatever else it holds with it. So a thread that makes a call that may not return says
how long it can take at most, and a thread that makes no such calls looks whether one is overdue.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared import concurrency

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Call:
    """A call under way."""

    what: str
    """What it does, for the log."""
    seconds: float
    """How long it may take."""
    until: float
    """When it should have returned, on the monotonic clock."""
    messages: frozenset[str] = frozenset()
    """Ids of the messages that may be why it does not."""

    def __str__(self) -> str:
        return f"{self.what} has not returned within {self.seconds:g} s"


class Watchdog:
    """The calls of a process that may not return. Safe to use from several threads."""

    def __init__(self) -> None:
        self._calls: set[Call] = set()
        self._lock = concurrency.Lock()

    @contextmanager
    def within(self, seconds: float, what: str, messages: Iterable[str] = ()) -> Iterator[None]:
        """Expect the body to end in time.

        Args:
            seconds: how long it may take; generous, because the process ends if it takes longer.
            what: what it does, for the log.
            messages: ids of the messages that may be why it does not end.
        """
        until = concurrency.monotonic() + seconds
        call = Call(what=what, seconds=seconds, until=until, messages=frozenset(messages))
        with self._lock:
            self._calls.add(call)
        try:
            yield
        finally:
            with self._lock:
                self._calls.discard(call)

    def overdue(self) -> list[Call]:
        """The calls that should have returned, the one overdue longest first."""
        now = concurrency.monotonic()
        with self._lock:
            return sorted((one for one in self._calls if one.until <= now), key=lambda one: one.until)
