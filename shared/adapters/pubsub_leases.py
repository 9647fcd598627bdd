"""When leases end: Pub/Sub does not tell whoever holds them."""

from __future__ import annotations

import threading
import time


class LeaseTimes:
    """When each lease in hand ends, on the monotonic clock. Safe to use from several threads."""

    def __init__(self) -> None:
        self._until: dict[tuple[str, str], float] = {}
        self._lock = threading.Lock()

    def hold(self, subscription: str, lease: str, until: float) -> None:
        """Remember that a lease ends at `until`, and forget those that have ended."""
        with self._lock:
            now = time.monotonic()
            for ended in [key for key, end in self._until.items() if end <= now]:
                del self._until[ended]
            self._until[subscription, lease] = until

    def holds(self, subscription: str, lease: str) -> bool:
        """Whether a lease is in hand and has not ended."""
        with self._lock:
            return self._until.get((subscription, lease), 0.0) > time.monotonic()

    def forget(self, subscription: str, lease: str) -> None:
        """A lease is out of hand."""
        with self._lock:
            self._until.pop((subscription, lease), None)
