"""One poll for all waiting clients: each recording is read once per poll, however many wait for it.

Without a waiting client nothing is read.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Generic, TypeVar

from anyio import to_thread

from shared.telemetry import log

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Collection, Hashable, Mapping

Key = TypeVar("Key", bound="Hashable")
Seen = TypeVar("Seen")

FIRST_PAUSE, LONGEST_PAUSE = 0.2, 2.0
"""Seconds between two polls: at first, and at most. The pause grows while nothing changes."""
GROWTH = 1.3


class _Topic(Generic[Seen]):
    """One thing that is waited for."""

    def __init__(self) -> None:
        self.waiting = 0
        self.seen: Seen | None = None
        self.turn = 0
        self.pause = FIRST_PAUSE
        self.due = 0.0
        self.changed = asyncio.Event()


class Poll(Generic[Key, Seen]):
    """Looks at things for as long as a client waits for them. For one event loop.

    Args:
        look: what a few keys look like now; called in a thread. A key that it leaves out is looked at again later.
    """

    def __init__(self, look: Callable[[Collection[Key]], Mapping[Key, Seen]]) -> None:
        self._look = look
        self._topics: dict[Key, _Topic[Seen]] = {}
        self._task: asyncio.Task[None] | None = None
        self._more = asyncio.Event()

    async def changes(self, key: Key, seconds: float | None = None) -> AsyncGenerator[Seen, None]:
        """What a key looks like, as soon as it is known, and again whenever that has changed.

        It is waited for at most `seconds`; None: without end.

        Raises:
            TimeoutError: the time is over.
        """
        loop = asyncio.get_running_loop()
        until = None if seconds is None else loop.time() + seconds
        topic = self._topics.setdefault(key, _Topic())
        topic.waiting += 1
        # A new one is impatient for all.
        topic.pause, topic.due = FIRST_PAUSE, 0.0
        self._more.set()
        if self._task is None:
            self._task = asyncio.create_task(self._run())
        told = 0
        try:
            while True:
                while topic.turn == told or topic.seen is None:
                    left = None if until is None else max(0.0, until - loop.time())
                    await asyncio.wait_for(topic.changed.wait(), left)
                told = topic.turn
                yield topic.seen
        finally:
            topic.waiting -= 1
            if not topic.waiting and self._topics.get(key) is topic:
                del self._topics[key]

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._topics:
                now = loop.time()
                due = [key for key, one in self._topics.items() if one.due <= now]
                if due:
                    await self._turn(due)
                    continue
                self._more.clear()
                soonest = min(one.due for one in self._topics.values())
                try:
                    await asyncio.wait_for(self._more.wait(), max(0.0, soonest - now))
                except TimeoutError:
                    continue
        finally:
            self._task = None

    async def _turn(self, due: Collection[Key]) -> None:
        try:
            found = await to_thread.run_sync(self._look, due)
        except Exception as error:  # noqa: BLE001 - those who wait must not wait for a task that has died
            log.warning("what is waited for cannot be looked at now: %s", error)
            found = {}
        now = asyncio.get_running_loop().time()
        for key in due:
            if (topic := self._topics.get(key)) is None:
                continue
            seen = found.get(key)
            if seen is not None and seen != topic.seen:
                topic.seen, topic.pause = seen, FIRST_PAUSE
                topic.turn += 1
                topic.changed.set()
                topic.changed = asyncio.Event()
            else:
                topic.pause = min(LONGEST_PAUSE, topic.pause * GROWTH)
            topic.due = now + topic.pause
