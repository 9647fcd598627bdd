"""When leases end, and what they are on: Pub/Sub tells whoever holds one neither."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

from shared.ports import Delivery


@dataclass(frozen=True, kw_only=True, slots=True)
class Held:
    """A lease in hand."""

    delivery: Delivery
    """The message it is on."""
    until: float
    """When it ends, on the monotonic clock."""


class LeasesInHand:
    """The leases of one queue. Safe to use from several threads."""

    def __init__(self) -> None:
        self._held: dict[tuple[str, str], Held] = {}
        self._lock = threading.Lock()

    def hold(self, subscription: str, lease: str, held: Held) -> None:
        """Remember a lease, and forget those that have ended."""
        with self._lock:
            now = time.monotonic()
            for ended in [key for key, one in self._held.items() if one.until <= now]:
                del self._held[ended]
            self._held[subscription, lease] = held

    def get(self, subscription: str, lease: str) -> Held | None:
        """A lease that has not ended, None if it has or was never in hand."""
        with self._lock:
            held = self._held.get((subscription, lease))
        return held if held is not None and held.until > time.monotonic() else None

    def forget(self, subscription: str, lease: str) -> None:
        """A lease is out of hand."""
        with self._lock:
            self._held.pop((subscription, lease), None)
