"""The held leases with their expiry and message, because Pub/Sub reports neither to the holder."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

from shared.ports import Delivery


@dataclass(frozen=True, kw_only=True, slots=True)
class Held:
    """A held lease."""

    delivery: Delivery
    """The message under lease."""
    until: float
    """When it expires, seconds on the monotonic clock."""


class LeasesInHand:
    """The leases of one queue. Thread-safe."""

    def __init__(self) -> None:
        self._held: dict[tuple[str, str], Held] = {}
        self._lock = threading.Lock()

    def hold(self, subscription: str, lease: str, held: Held) -> None:
        """Keep a lease, and forget expired ones."""
        with self._lock:
            now = time.monotonic()
            for ended in [key for key, one in self._held.items() if one.until <= now]:
                del self._held[ended]
            self._held[subscription, lease] = held

    def get(self, subscription: str, lease: str) -> Held | None:
        """A lease; None if it has expired or was never held."""
        with self._lock:
            held = self._held.get((subscription, lease))
        return held if held is not None and held.until > time.monotonic() else None

    def forget(self, subscription: str, lease: str) -> None:
        """Forget a lease."""
        with self._lock:
            self._held.pop((subscription, lease), None)
