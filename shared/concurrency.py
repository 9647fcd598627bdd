"""Threads, what they wait for, time that passes, and chance: the flow gets them here and nowhere else.

Used as `concurrency.Thread(…)`, so that the name is looked up when it is called: `tests/simulation/` puts a scheduler
in the place of all of them, under which one seed decides everything that happens.
"""

from __future__ import annotations

import uuid
from concurrent.futures import Future, ThreadPoolExecutor, wait
from queue import Empty, Queue, SimpleQueue
from random import uniform
from threading import Condition, Event, Lock, Semaphore, Thread
from time import monotonic, perf_counter, sleep

__all__ = [
    "Condition",
    "Empty",
    "Event",
    "Future",
    "Lock",
    "Queue",
    "Semaphore",
    "SimpleQueue",
    "Thread",
    "ThreadPoolExecutor",
    "monotonic",
    "new_id",
    "perf_counter",
    "sleep",
    "uniform",
    "wait",
]


def new_id() -> str:
    """32 hexadecimal digits that no other process gets."""
    return uuid.uuid4().hex
