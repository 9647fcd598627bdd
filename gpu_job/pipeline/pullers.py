"""Threads that pull messages as soon as there is room for their chunks, one for each subscription."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from shared.errors import ConfigurationError, DropscribeError
from shared.telemetry import log

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gpu_job.pipeline.inflight import InHand
    from shared.ports import Delivery, Ports

SHORTEST_WAIT, LONGEST_WAIT = 0.02, 0.5
"""Seconds between two looks at an empty queue."""


class Pullers:
    """Pulls until it is told to stop.

    Args:
        ports: the adapters to use.
        subscriptions: what to pull, that of the engine first.
        hand: says how much, and has it then.
        found: told of each message.
    """

    def __init__(
        self, ports: Ports, subscriptions: Sequence[str], hand: InHand, found: Callable[[Delivery], None]
    ) -> None:
        self.problem: ConfigurationError | None = None
        """Why nothing can be pulled here, known from the first try: a worker that cannot pull need not run."""
        self._ports = ports
        self._own = subscriptions[0]
        self._hand = hand
        self._found = found
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._pull_on, args=(one,), name=f"puller-{one}", daemon=True)
            for one in subscriptions
        ]

    def start(self) -> None:
        """Begin to pull."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Pull no more; see `join`."""
        self._stop.set()

    def join(self, timeout: float) -> None:
        """Wait for pulls that are under way."""
        until = time.monotonic() + timeout
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))

    def _pull_on(self, subscription: str) -> None:
        pause, has_pulled = SHORTEST_WAIT, False
        while not self._stop.is_set():
            room = self._hand.ask(subscription)
            if not room:
                continue
            pulled: list[Delivery] = []
            try:
                pulled = self._ports.queue.pull(subscription, room, self._ports.settings.lease_seconds)
                self._hand.pulled(subscription, pulled)
                has_pulled = True
            except DropscribeError as error:
                log.warning("cannot pull: %s", error)
                if isinstance(error, ConfigurationError) and not has_pulled:
                    if subscription == self._own:
                        self.problem = error
                    return
            finally:
                self._hand.asked_in_vain(subscription)
            for delivery in pulled:
                self._found(delivery)
            if pulled:
                pause = SHORTEST_WAIT
            else:
                self._stop.wait(pause)
                pause = min(pause * 1.5, LONGEST_WAIT)
