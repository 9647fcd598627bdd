"""Renews the leases of everything in hand, so that a long chunk is not given to a second worker."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from shared.errors import DropscribeError
from shared.telemetry import log

if TYPE_CHECKING:
    from shared.ports import Delivery, Queue

AT_A_TIME = 4
"""Leases renewed at the same time: one call that hangs must not cost the others their leases."""

PATIENCE = 1.0
"""Seconds that renewals on their way may take when the worker ends."""


class LeaseKeeper:
    """Renews each held lease at a third of its length."""

    def __init__(self, queue: Queue, lease_seconds: float) -> None:
        self._queue = queue
        self._seconds = lease_seconds
        self._held: dict[tuple[str, str], Delivery] = {}
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="leases", daemon=True)

    def start(self) -> None:
        """Begin to renew."""
        self._thread.start()

    def stop(self) -> None:
        """Renew no more."""
        self._stop.set()
        self._thread.join(PATIENCE)

    def hold(self, subscription: str, delivery: Delivery) -> None:
        """Renew this lease from now on."""
        with self._lock:
            self._held[subscription, delivery.lease] = delivery

    def release(self, subscription: str, delivery: Delivery) -> None:
        """Renew this lease no more."""
        with self._lock:
            self._held.pop((subscription, delivery.lease), None)

    def _loop(self) -> None:
        pool = ThreadPoolExecutor(AT_A_TIME, thread_name_prefix="lease")
        under_way: set[tuple[str, str]] = set()
        while not self._stop.wait(self._seconds / 3):
            with self._lock:
                held = {key: one for key, one in self._held.items() if key not in under_way}
                under_way.update(held)
            for (subscription, _), delivery in held.items():
                pool.submit(self._renew, subscription, delivery, under_way)
        pool.shutdown(wait=True, cancel_futures=True)

    def _renew(self, subscription: str, delivery: Delivery, under_way: set[tuple[str, str]]) -> None:
        key = (subscription, delivery.lease)
        try:
            with self._lock:
                wanted = key in self._held
            if wanted and not self._queue.extend(subscription, delivery.lease, self._seconds):
                # Its result stays harmless: whoever creates the result object first wins.
                log.warning(
                    "the lease on message %s has ended, another worker may have it", delivery.message_id
                )
                self.release(subscription, delivery)
        except DropscribeError as error:
            log.warning("cannot renew the lease on message %s: %s", delivery.message_id, error)
        finally:
            with self._lock:
                under_way.discard(key)
