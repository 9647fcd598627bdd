"""The messages that a worker has in hand: from the pull until each is acknowledged or given back.

They bound how far ahead of the engine the worker runs, and with that its memory. Their leases are renewed,
whatever happens to the chunks in between.
"""

from __future__ import annotations

import math
import threading
import time
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gpu_job.pipeline.leases import LeaseKeeper
from shared.errors import DropscribeError
from shared.ports import Delivery
from shared.telemetry import log

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from shared.messages import ChunkMessage
    from shared.ports import Queue

AT_A_TIME = 8
"""Messages given back at the same time when the worker ends."""

ROOM_WAIT = 0.1
"""Seconds to wait for room before looking whether the worker is to end."""


@dataclass(kw_only=True, slots=True)
class _Held:
    """A message in hand, and what is known of its chunk."""

    delivery: Delivery
    """As it was pulled."""
    subscription: str
    """From where."""
    chunk: tuple[str, int] | None = None
    """Recording and index, once the message has been read."""
    share: float = 1.0
    """How much of a whole chunk it counts for; until the message has been read a whole one."""


class InHand:
    """Messages under lease. Safe to use from several threads.

    Args:
        queue: where they come from.
        lease_seconds: for how long a lease is renewed.
        most: whole chunks that may be in hand.
        subscriptions: what is pulled: that of the engine first, then those that are helped out.
    """

    def __init__(self, queue: Queue, lease_seconds: float, most: float, subscriptions: Sequence[str]) -> None:
        self._queue = queue
        self._leases = LeaseKeeper(queue, lease_seconds)
        self._most = most
        self._own = subscriptions[0]
        self._held: dict[str, _Held] = {}
        self._asked: dict[str, int] = dict.fromkeys(subscriptions, 0)
        self._changed = threading.Condition()
        self._closed = False
        self._idle_since = time.monotonic()

    def __len__(self) -> int:
        """How many leases there are."""
        with self._changed:
            return len(self._held)

    def start(self) -> None:
        """Begin to renew leases."""
        self._leases.start()

    @property
    def idle_seconds(self) -> float:
        """How long nothing has been in hand."""
        with self._changed:
            return 0.0 if self._held else time.monotonic() - self._idle_since

    def ask(self, subscription: str) -> int:
        """How many messages to pull now; that room is kept until `pulled` or `asked_in_vain`.

        Returns:
            0 where there is no room, after a moment. From a subscription that is helped out, one at a time.
        """
        with self._changed:
            held = sum(one.share for one in self._held.values()) + sum(self._asked.values())
            room = max(0, math.floor(self._most - held + 1e-9))
            if not room:
                self._changed.wait(ROOM_WAIT)
                return 0
            # Of two that wait for messages at one time neither is given the other's room.
            own = subscription == self._own
            if own and room > 1 and len(self._asked) > 1 and sum(self._asked.values()) == 0:
                room -= 1
            self._asked[subscription] = room = room if own else 1
            return room

    def asked_in_vain(self, subscription: str) -> None:
        """A pull is over; what it has not got is room again."""
        with self._changed:
            self._asked[subscription] = 0
            self._changed.notify_all()

    def pulled(self, subscription: str, deliveries: Sequence[Delivery]) -> None:
        """These are in hand from now on; given back at once where everything was given back meanwhile."""
        with self._changed:
            for delivery in deliveries:
                self._held[delivery.lease] = _Held(delivery=delivery, subscription=subscription)
                self._leases.hold(subscription, delivery)
            self._asked[subscription] = 0
            too_late = self._closed
        if too_late:
            for delivery in deliveries:
                self.end(delivery, self._unharmed)

    def takes(self, delivery: Delivery, message: ChunkMessage, share: float) -> bool:
        """False for another message, or another delivery of the same one, about a chunk that is in hand."""
        name = (message.recording, message.chunk.index)
        with self._changed:
            if any(one.chunk == name for one in self._held.values()):
                return False
            mine = self._held.get(delivery.lease)
            if mine is not None:
                mine.chunk, mine.share = name, share
            self._changed.notify()
            return True

    def is_again(self, delivery: Delivery) -> bool:
        """True where the message is in hand already, under a lease that has run out meanwhile.

        Acknowledging it now would leave nothing to come again if the work on it failed. So it stays in hand,
        its lease renewed, and ends as the delivery does that is worked on.
        """
        with self._changed:
            again = any(
                one.delivery.message_id == delivery.message_id and lease != delivery.lease
                for lease, one in self._held.items()
            )
            if again and (mine := self._held.get(delivery.lease)) is not None:
                mine.share = 0.0
            return again

    def end(self, delivery: Delivery, how: Callable[[str, str], bool]) -> None:
        """Take a message out of hand, under all its leases; whoever comes first says how."""
        with self._changed:
            if delivery.lease not in self._held:
                return
            leases = [
                lease for lease, one in self._held.items() if one.delivery.message_id == delivery.message_id
            ]
            ended = [self._held.pop(lease) for lease in leases]
        for one in ended:
            self._leases.release(one.subscription, one.delivery)
            try:
                how(one.subscription, one.delivery.lease)
            except DropscribeError as error:
                log.warning("message %s will come again: %s", one.delivery.message_id, error)
        with self._changed:
            self._idle_since = time.monotonic()
            self._changed.notify()

    def give_back(self, timeout: float, counts: Callable[[Delivery], bool]) -> int:
        """Give back all that is in hand, and renew no lease any more.

        Args:
            timeout: seconds that this may take; what is left then comes again when its lease ends.
            counts: whether a delivery counts as one on which something may have gone wrong.

        Returns:
            How many messages were given back.
        """
        with self._changed:
            self._closed = True
            held = [one.delivery for one in self._held.values()]
        if held:
            pool = ThreadPoolExecutor(min(AT_A_TIME, len(held)), thread_name_prefix="hand-back")
            done = [
                pool.submit(self.end, one, self._queue.nack if counts(one) else self._unharmed)
                for one in held
            ]
            wait(done, timeout)
            pool.shutdown(wait=False, cancel_futures=True)
        self._leases.stop()
        return len(held)

    def _unharmed(self, subscription: str, lease: str) -> bool:
        return self._queue.postpone(subscription, lease, 0.0)
