"""Signals that ask a process to end."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from queue import SimpleQueue
from threading import Event, Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def stop_on(*numbers: signal.Signals) -> Iterator[Event]:
    """An event that these signals set while the body runs. For the main thread.

    A handler runs in the main thread between any two of its steps, also in the middle of the event's own `wait`. To set
    the event there may mean to wait for ever, for a lock that the same thread holds. So another thread sets it.
    """
    stop, asked = Event(), SimpleQueue[bool]()

    def set_when_asked() -> None:
        while asked.get():
            stop.set()

    Thread(target=set_when_asked, name="stop", daemon=True).start()
    # Of all that threads share, this queue's `put` is the one thing that a handler may call.
    before = {number: signal.signal(number, lambda *_: asked.put(True)) for number in numbers}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        asked.put(False)
