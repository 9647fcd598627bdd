"""Beside step 5: how much audio for hosted engines one process holds in memory at one time.

An hour takes 115 MB as samples, and up to 100 MB more as the FLAC that is sent (noise; speech is half of that).
The function in a project has 2 GiB (`shared/deployment_sizes.py`): for itself and Google's clients, for as many
decoding processes as it serves requests, each with the most that it may take, and for two chunks of the usual length,
however many calls run at one time.
"""

from __future__ import annotations

from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

from shared import concurrency
from shared.errors import EngineFailed

if TYPE_CHECKING:
    from collections.abc import Iterator

SECONDS = {"google": 2.5 * 3600, "local": 6 * 3600.0}
"""Seconds of audio held at one time, by platform. On one machine the default number of calls just fills it."""


class AudioBudget:
    """A weighted semaphore over seconds of audio, first come, first served. Thread-safe."""

    def __init__(self, seconds: float) -> None:
        self._all = self._free = seconds
        self._door = concurrency.Lock()
        self._change = concurrency.Condition()

    @contextmanager
    def hold(self, seconds: float, patience: float) -> Iterator[None]:
        """Reserve room for some audio inside the context; audio longer than the budget takes all of it.

        It waits `patience` seconds for room.

        Raises:
            EngineFailed: there was no room in time.
        """
        wanted, until = min(max(0.0, seconds), self._all), concurrency.monotonic() + patience
        # The first waiter blocks all later ones; otherwise short audio could keep long audio waiting for ever.
        if not self._door.acquire(timeout=max(0.0, patience)):
            raise _full()
        try:
            with self._change:
                if not self._change.wait_for(lambda: self._free >= wanted, until - concurrency.monotonic()):
                    raise _full()
                self._free -= wanted
        finally:
            self._door.release()
        try:
            yield
        finally:
            with self._change:
                self._free += wanted
                self._change.notify_all()


@cache
def audio_budget_of(platform: str) -> AudioBudget:
    """The budget of this process."""
    return AudioBudget(SECONDS[platform])


def _full() -> EngineFailed:
    return EngineFailed("rate", "Other recordings filled the memory of the function for too long.")
