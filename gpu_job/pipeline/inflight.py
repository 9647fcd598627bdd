"""The messages in flight: pulled, and neither acknowledged nor given back yet.

They bound how far ahead of the engine the worker runs, and with that its memory. Their leases are renewed for as
long as they are in flight, whatever happens to their chunks meanwhile.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal

from shared import concurrency
from shared.errors import DropscribeError
from shared.machine.watchdog import Watchdog
from shared.ports import Delivery, Queue
from shared.telemetry import log

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from shared.messages import ChunkMessage

RENEWED_AT_A_TIME = 4
"""Leases renewed at the same time: a call that hangs must not cost the others their leases."""

GIVEN_BACK_AT_A_TIME = 8
"""Messages given back at the same time when the worker ends."""

CAPACITY_WAIT = 0.1
"""Seconds to wait for capacity before looking whether the worker is to end."""

RENEWAL_WAIT = 1.0
"""Seconds to wait for renewals that are under way when the worker ends."""

CALL = 600.0
"""Seconds that no calls of the queue, the records and the store for one purpose take, tries and pauses included; nor, for
a chunk of no length, one of an engine or a diarizer."""
SLOWEST = 4.0
"""Seconds that no second of audio takes besides: four times slower than the recording plays, where the slowest machine
that is of any use takes one, and ten minutes for one that swaps or is overloaded."""

MOMENT = 1.0
"""Seconds until a message is redelivered whose chunk is still in flight for an earlier turn."""

Claimed = Literal["taken", "redelivery", "copy", "later turn"]
"""`taken`: the chunk was free. Otherwise it is in flight already: `redelivery`, for this message, whose earlier lease
has run out; acknowledging it now would leave nothing to redeliver if the work failed, so it stays in flight and ends
as the other delivery does. `copy`: for another message of the same turn or a later one, which is redelivered if the work
fails. `later turn`: for an earlier turn, or from before its recording was tried again or its results were gone; that work says
nothing about this message."""


@dataclass(kw_only=True, slots=True)
class _Message:
    """A message in flight, and what is known of its chunk."""

    delivery: Delivery
    """As it was pulled."""
    subscription: str
    """Where it was pulled from."""
    chunk: tuple[str, int] | None = None
    """Recording and index, once the message has been read."""
    turn: tuple[int, int, float] = (0, 0, 0.0)
    """Life, turn and plan of the message, once it has been read."""
    share: float = 1.0
    """How much of a whole chunk it counts for; a whole one until the message has been read."""
    renew: bool = True
    """Whether to renew its lease: False during a renewal, and once the lease has run out."""


class Inflight:
    """Messages under lease. Safe to use from several threads.

    At most `max_chunks` whole chunks are in flight. Of `subscriptions` the engine's own is the first, then come those
    that it helps out with.
    """

    def __init__(
        self,
        queue: Queue,
        lease_seconds: float,
        max_chunks: float,
        subscriptions: Sequence[str],
        watchdog: Watchdog | None = None,
    ) -> None:
        self.watchdog = watchdog or Watchdog()
        """Told of the calls that may not return, here and by those who are given what is in flight."""
        self._queue = queue
        self._lease_seconds = lease_seconds
        self._max_chunks = max_chunks
        self._own = subscriptions[0]
        self._messages: dict[str, _Message] = {}
        self._reserved: dict[str, int] = dict.fromkeys(subscriptions, 0)
        self._changed = concurrency.Condition()
        self._closed = False
        self._draining = False
        self._idle_since = concurrency.monotonic()
        self._stop = concurrency.Event()
        self._renewals = concurrency.Thread(target=self._renew_leases, name="leases", daemon=True)

    def __len__(self) -> int:
        with self._changed:
            return len(self._messages)

    def start(self) -> None:
        """Begin to renew leases."""
        self._renewals.start()

    @property
    def idle_seconds(self) -> float:
        """How long nothing has been in flight."""
        with self._changed:
            return 0.0 if self._messages else concurrency.monotonic() - self._idle_since

    def drain(self) -> None:
        """Reserve no more capacity, so that nothing else is pulled."""
        with self._changed:
            self._draining = True

    @property
    def is_drained(self) -> bool:
        """Whether nothing is in flight and no pull is under way."""
        with self._changed:
            return not self._messages and not any(self._reserved.values())

    def reserve(self, subscription: str) -> int:
        """Reserve capacity for a pull, until `add` or `release_reservation`.

        Returns:
            How many messages to pull: 0, after a moment, if there is no capacity or after `drain`; 1 from a
            subscription that is only helped out with.
        """
        with self._changed:
            taken = sum(one.share for one in self._messages.values()) + sum(self._reserved.values())
            free = max(0, math.floor(self._max_chunks - taken + 1e-9))
            if not free or self._draining:
                self._changed.wait(CAPACITY_WAIT)
                return 0
            # When two subscriptions wait for messages, neither takes all the capacity from the other.
            own = subscription == self._own
            if own and free > 1 and len(self._reserved) > 1 and sum(self._reserved.values()) == 0:
                free -= 1
            self._reserved[subscription] = free = free if own else 1
            return free

    def release_reservation(self, subscription: str) -> None:
        """Free what a pull has reserved and not used."""
        with self._changed:
            self._reserved[subscription] = 0
            self._changed.notify_all()

    def add(self, subscription: str, deliveries: Sequence[Delivery]) -> None:
        """Put what was pulled in flight; if everything has been given back meanwhile, give it back at once."""
        with self._changed:
            for delivery in deliveries:
                self._messages[delivery.lease] = _Message(delivery=delivery, subscription=subscription)
            self._reserved[subscription] = 0
            too_late = self._closed
        if too_late:
            for delivery in deliveries:
                self._end(delivery, partial(self._queue.postpone, seconds=0.0))

    def claim(self, delivery: Delivery, message: ChunkMessage, share: float) -> Claimed:
        """Take a chunk for the work on a message, unless another message has it; see `Claimed`."""
        name = message.recording, message.chunk.index
        turn = message.life, message.turn, message.planned
        with self._changed:
            mine = self._messages.get(delivery.lease)
            other = next((one for one in self._messages.values() if one.chunk == name), None)
            if other is None:
                if mine is not None:
                    mine.chunk, mine.turn, mine.share = name, turn, share
                self._changed.notify()
                return "taken"
            if other.delivery.message_id == delivery.message_id:
                if mine is not None:
                    mine.share = 0.0
                return "redelivery"
            return "copy" if turn <= other.turn else "later turn"

    def subscription(self, delivery: Delivery) -> str:
        """Where a delivery comes from; empty if it is in flight no more."""
        with self._changed:
            held = self._messages.get(delivery.lease)
            return held.subscription if held else ""

    def ack(self, delivery: Delivery) -> None:
        """Acknowledge a message under all its leases: nothing is left to do about it."""
        self._end(delivery, self._queue.ack)

    def postpone(self, delivery: Delivery) -> None:
        """Redeliver a message in a moment, without counting a delivery."""
        self._end(delivery, partial(self._queue.postpone, seconds=MOMENT))

    def nack(self, delivery: Delivery, error: str) -> None:
        """Redeliver a message as one that failed, and say why."""
        self._end(delivery, partial(self._queue.nack, error=error))

    def give_back(self, timeout: float, counts: Callable[[Delivery], bool], error: str = "") -> int:
        """Give back all that is in flight, and renew no lease from then on.

        It takes at most `timeout` seconds; what is left then is redelivered when its lease ends. `counts` says whether a
        delivery counts as a try, because something may have gone wrong with it.

        Returns:
            How many messages were given back.
        """
        with self._changed:
            self._closed = True
            deliveries = [one.delivery for one in self._messages.values()]
        if deliveries:
            pool = concurrency.ThreadPoolExecutor(
                min(GIVEN_BACK_AT_A_TIME, len(deliveries)), thread_name_prefix="give-back"
            )
            failed, untouched = (
                partial(self._queue.nack, error=error),
                partial(self._queue.postpone, seconds=0.0),
            )
            done = [pool.submit(self._end, one, failed if counts(one) else untouched) for one in deliveries]
            concurrency.wait(done, timeout)
            pool.shutdown(wait=False, cancel_futures=True)
        self._stop.set()
        self._renewals.join(RENEWAL_WAIT)
        return len(deliveries)

    def _end(self, delivery: Delivery, how: Callable[[str, str], bool]) -> None:
        """Take a message out of flight, under all its leases; the first caller decides how."""
        with self._changed:
            if delivery.lease not in self._messages:
                return
            leases = [
                lease
                for lease, one in self._messages.items()
                if one.delivery.message_id == delivery.message_id
            ]
            ended = [self._messages.pop(lease) for lease in leases]
        for one in ended:
            try:
                how(one.subscription, one.delivery.lease)
            except DropscribeError as error:
                log.warning("message %s will be redelivered: %s", one.delivery.message_id, error)
        with self._changed:
            self._idle_since = concurrency.monotonic()
            self._changed.notify()

    def _renew_leases(self) -> None:
        """Renew each lease at a third of its length."""
        pool = concurrency.ThreadPoolExecutor(RENEWED_AT_A_TIME, thread_name_prefix="lease")
        while not self._stop.wait(self._lease_seconds / 3):
            with self._changed:
                due = [one for one in self._messages.values() if one.renew]
                for one in due:
                    one.renew = False
            for one in due:
                pool.submit(self._renew, one)
        pool.shutdown(wait=True, cancel_futures=True)

    def _renew(self, message: _Message) -> None:
        lease, again = message.delivery.lease, True
        try:
            with self._changed:
                wanted = lease in self._messages
            with self.watchdog.within(CALL, "renewing a lease"):
                kept = not wanted or self._queue.extend(message.subscription, lease, self._lease_seconds)
            if not kept:
                # Its result stays harmless: the first one to create the result object wins.
                again = False
                log.warning(
                    "the lease on message %s has run out; another worker may have it",
                    message.delivery.message_id,
                )
        except DropscribeError as error:
            log.warning("cannot renew the lease on message %s: %s", message.delivery.message_id, error)
        finally:
            message.renew = again
