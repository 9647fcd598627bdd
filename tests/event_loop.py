"""An event loop in a thread of its own: a browser that other tests drive has one in the main thread."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

PATIENCE = 120


def run(work):
    """What a coroutine gives."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result(PATIENCE)
