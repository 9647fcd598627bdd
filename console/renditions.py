"""Renditions for browsers, and waveforms of audio never decoded here: each made once, one after the other.

Making one takes some core-seconds per hour of audio.
"""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from shared.errors import DropscribeError
from shared.flow.reading import peaks, rendition
from shared.telemetry import log

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from shared.model import Recording, StoredObject
    from shared.ports import Ports


class Renditions:
    """What is being made in this process."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="rendition")
        self._making: dict[str, Future[StoredObject]] = {}
        self._waiting: Counter[str] = Counter()
        self._drawing: set[str] = set()
        self._lock = threading.Lock()

    def begin(self, one: Recording, ports: Ports) -> Future[StoredObject]:
        """Have the rendition of a recording made, unless it is being made already."""
        with self._lock:
            found = self._making.get(one.id)
            if found is None:
                found = self._pool.submit(self._make, one, ports)
                self._making[one.id] = found
        return found

    async def made(
        self, one: Recording, ports: Ports, gone: Awaitable[None], seconds: float
    ) -> StoredObject | None:
        """The rendition of a recording, when it is made; None: not in that time, or the listener is gone.

        Nothing waits in a thread: many recordings may be opened, one after the other. One that was not begun is not made
        once no client waits for it.

        Raises:
            BadRequest, BadMedia, Permanent, Transient: see `rendition.make`.
        """
        begun = self.begin(one, ports)
        self._waiting[one.id] += 1
        making, leaving = asyncio.wrap_future(begun), asyncio.ensure_future(gone)
        making.add_done_callback(lambda done: done.cancelled() or done.exception())
        first: set[asyncio.Future[Any]] = {making, leaving}
        try:
            await asyncio.wait(first, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            return making.result() if making.done() and not making.cancelled() else None
        finally:
            leaving.cancel()
            self._waiting -= Counter({one.id: 1})
            with self._lock:
                # Only what was not begun can be cancelled.
                if not self._waiting[one.id] and begun.cancel():
                    del self._making[one.id]

    def draw(self, one: Recording, ports: Ports) -> None:
        """Have the waveform of a recording made from its audio, for the next viewer, unless that is under way."""
        with self._lock:
            if one.id in self._drawing:
                return
            self._drawing.add(one.id)
        self._pool.submit(self._draw, one, ports)

    def close(self) -> None:
        """Make no more."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _draw(self, one: Recording, ports: Ports) -> None:
        try:
            peaks.decoded(one, ports)
        except DropscribeError as error:
            log.warning("%s gets no waveform: %s", one.id, error)
        finally:
            with self._lock:
                self._drawing.discard(one.id)

    def _make(self, one: Recording, ports: Ports) -> StoredObject:
        try:
            return rendition.kept(one, ports) or rendition.make(one, ports)
        except Exception as error:
            log.warning("%s gets no rendition: %s", one.id, error)
            raise
        finally:
            with self._lock:
                self._making.pop(one.id, None)
