"""The first part of the pipeline: pull messages, decode chunks, cut windows, ahead of the engine.

    pullers (a thread for each subscription) ─▶ decoders (a thread for each decoding process) ─▶ `ready`

Threads here wait for the queue, the store and decoding processes; the engine's thread never does. How far
ahead they run is bounded by the chunks in hand, so memory is too. A chunk is in hand from the pull of its
message until that is acknowledged or given back, whatever happens to it in between.
"""

from __future__ import annotations

import math
import os
import queue
import threading
import time
from concurrent.futures import ThreadPoolExecutor, wait
from functools import partial
from typing import TYPE_CHECKING

from gpu_job.leases import LeaseKeeper
from gpu_job.prepared import Prepared, prepare, share_of
from shared.errors import ConfigurationError, DropscribeError
from shared.flow import chunk, failures, fallback, plan
from shared.messages import ChunkMessage, decode
from shared.telemetry import log

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from shared.ports import Delivery, Ports

DECODERS = max(2, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
"""Chunks that are decoded at one time, each in a process of its own: as many as there are cores."""

SHORTEST_WAIT, LONGEST_WAIT = 0.02, 0.5
"""Seconds between two looks at an empty queue."""

AT_A_TIME = 8
"""Messages given back at the same time when the worker ends."""


class Intake:
    """Threads that turn messages into prepared chunks.

    Args:
        ports: the world.
        subscriptions: what to pull: those of the engine first, then those that are helped out, one message at a
            time.
    """

    def __init__(self, ports: Ports, subscriptions: Sequence[str]) -> None:
        self.ready: queue.Queue[Prepared] = queue.Queue()
        self.problem: ConfigurationError | None = None
        """Why nothing can be pulled here, known from the first try: a worker that cannot pull need not run."""
        self._ports = ports
        self._leases = LeaseKeeper(ports.queue, ports.settings.lease_seconds)
        self._most = plan.held(ports.settings)
        self._whole = plan.sizes(plan.worker_engine(ports.settings), ports.settings).seconds
        self._hand: dict[str, _InHand] = {}
        self._asked: dict[str, int] = dict.fromkeys(subscriptions, 0)
        self._changed = threading.Condition()
        self._closed = False
        self._idle_since = time.monotonic()
        self._stop = threading.Event()
        self._todo: queue.Queue[Delivery | None] = queue.Queue()
        self._pullers = [
            threading.Thread(
                target=self._pull_on, args=(one, index == 0), name=f"puller-{index}", daemon=True
            )
            for index, one in enumerate(subscriptions)
        ]
        self._decoders = [
            threading.Thread(target=self._decode_on, name=f"decoder-{index}", daemon=True)
            for index in range(DECODERS)
        ]

    def start(self) -> None:
        """Begin to pull."""
        self._leases.start()
        for thread in (*self._pullers, *self._decoders):
            thread.start()

    def stop(self) -> None:
        """Pull no more and decode nothing else; what is in hand stays there."""
        self._stop.set()
        for _ in self._decoders:
            self._todo.put(None)

    def hand_back(self, timeout: float) -> int:
        """Give back all that is in hand and renew no lease any more; after `stop`.

        Args:
            timeout: seconds that this may take; what is left then comes again when its lease ends.

        Returns:
            How many chunks were given back.
        """
        until = time.monotonic() + timeout / 2
        for puller in self._pullers:
            puller.join(max(0.0, until - time.monotonic()))
        with self._changed:
            self._closed = True
            held = [one.delivery for one in self._hand.values()]
        if held:
            pool = ThreadPoolExecutor(min(AT_A_TIME, len(held)), thread_name_prefix="hand-back")
            done = [pool.submit(self._end, one, self._ports.queue.nack) for one in held]
            wait(done, timeout / 2)
            pool.shutdown(wait=False, cancel_futures=True)
        self._leases.stop()
        return len(held)

    def join(self, timeout: float) -> None:
        """Wait for the threads; after `stop`. One that decodes may take longer: its chunk was given back."""
        until = time.monotonic() + timeout
        for thread in (*self._pullers, *self._decoders):
            thread.join(max(0.0, until - time.monotonic()))

    @property
    def idle_seconds(self) -> float:
        """How long nothing has been in hand."""
        with self._changed:
            return 0.0 if self._hand else time.monotonic() - self._idle_since

    def finished(self, prepared: Prepared) -> None:
        """Acknowledge: the result is durable."""
        self._end(prepared.delivery, self._ports.queue.ack)

    def failed(self, delivery: Delivery, key: str, error: Exception) -> None:
        """Let it come again, give it to another engine, or end its recording: see `shared/flow/fallback.py`."""
        failures.note(
            error,
            self._ports,
            where=plan.worker_engine(self._ports.settings),
            message_id=delivery.message_id,
            attempt=delivery.attempt,
            attributes=delivery.attributes,
        )
        verdict = fallback.judge(error, delivery.attempt)
        if verdict == "again":
            log.warning("chunk of %s failed, attempt %d: %s", key, delivery.attempt, error)
            self._end(delivery, partial(self._ports.queue.nack, error=f"{type(error).__name__}: {error}"))
            return
        try:
            message = decode(delivery.data, ChunkMessage)
            fallback.give_up(message, fallback.broken(error, delivery.attempt), self._ports)
        except DropscribeError as another:
            log.warning("cannot record that %s failed: %s", key, another)
            self._end(delivery, partial(self._ports.queue.nack, error=str(another)))
        else:
            self._end(delivery, self._ports.queue.ack)

    def _pull_on(self, subscription: str, own: bool) -> None:  # noqa: FBT001 - the thread's arguments
        pause, has_pulled = SHORTEST_WAIT, False
        while not self._stop.is_set():
            with self._changed:
                room = self._room()
                if not room:
                    self._changed.wait(0.1)
                    continue
                # Of two that wait for messages at one time neither is given the other's room.
                if own and room > 1 and len(self._asked) > 1 and sum(self._asked.values()) == 0:
                    room -= 1
                self._asked[subscription] = room = room if own else 1
            try:
                pulled = self._pull(subscription, room)
            except DropscribeError as error:
                log.warning("cannot pull: %s", error)
                if isinstance(error, ConfigurationError) and not has_pulled:
                    if own:
                        self.problem = error
                    return
                pulled = []
            else:
                has_pulled = True
            finally:
                with self._changed:
                    self._asked[subscription] = 0
                    self._changed.notify_all()
            for delivery in pulled:
                self._todo.put(delivery)
            if not pulled:
                self._stop.wait(pause)
                pause = min(pause * 1.5, LONGEST_WAIT)
            else:
                pause = SHORTEST_WAIT

    def _room(self) -> int:
        """Whole chunks that there is room for. Until a message has been read it counts as a whole one."""
        held = sum(one.share for one in self._hand.values()) + sum(self._asked.values())
        return max(0, math.floor(self._most - held + 1e-9))

    def _pull(self, subscription: str, most: int) -> list[Delivery]:
        pulled = self._ports.queue.pull(subscription, most, self._ports.settings.lease_seconds)
        with self._changed:
            for delivery in pulled:
                self._hand[delivery.lease] = _InHand(delivery, subscription)
                self._leases.hold(subscription, delivery)
            self._asked[subscription] = 0
            too_late = self._closed
        if too_late:
            for delivery in pulled:
                self._end(delivery, self._ports.queue.nack)
        return pulled

    def _decode_on(self) -> None:
        while (delivery := self._todo.get()) is not None:
            if self._stop.is_set():
                continue
            key = delivery.attributes.get("recording", "?")
            try:
                self._prepare(delivery)
            except Exception as error:  # noqa: BLE001 - whatever it is, it must not end the thread
                self.failed(delivery, key, error)

    def _prepare(self, delivery: Delivery) -> None:
        message = decode(delivery.data, ChunkMessage)
        share = share_of(message, self._whole)
        if not self._takes(delivery, message, share):
            if not self._is_again(delivery):
                # The first message stays in the queue until the result is durable.
                self._end(delivery, self._ports.queue.ack)
            return
        if not chunk.is_wanted(message, self._ports):
            self._end(delivery, self._ports.queue.ack)
            return
        self.ready.put(prepare(delivery, message, self._ports, share=share))

    def _takes(self, delivery: Delivery, message: ChunkMessage, share: float) -> bool:
        """False for another message, or another delivery of the same one, about a chunk that is in hand."""
        name = (message.recording, message.chunk.index)
        with self._changed:
            if any(one.chunk == name for one in self._hand.values()):
                return False
            mine = self._hand.get(delivery.lease)
            if mine is not None:
                mine.chunk, mine.share = name, share
            self._changed.notify()
            return True

    def _is_again(self, delivery: Delivery) -> bool:
        """True where the message is in hand already, under a lease that has run out meanwhile.

        Acknowledging it now would leave nothing to come again if the work on it failed. So it stays in hand,
        its lease renewed, and ends as the delivery does that is worked on.
        """
        with self._changed:
            again = any(
                one.delivery.message_id == delivery.message_id and lease != delivery.lease
                for lease, one in self._hand.items()
            )
            if again and (mine := self._hand.get(delivery.lease)) is not None:
                mine.share = 0.0
            return again

    def _end(self, delivery: Delivery, how: Callable[[str, str], bool]) -> None:
        """Take a message out of hand, under all its leases; whoever comes first says how."""
        with self._changed:
            if delivery.lease not in self._hand:
                return
            leases = [
                lease for lease, one in self._hand.items() if one.delivery.message_id == delivery.message_id
            ]
            ended = [self._hand.pop(lease) for lease in leases]
        for one in ended:
            self._leases.release(one.subscription, one.delivery)
            try:
                how(one.subscription, one.delivery.lease)
            except DropscribeError as error:
                log.warning("message %s will come again: %s", one.delivery.message_id, error)
        with self._changed:
            self._idle_since = time.monotonic()
            self._changed.notify()


class _InHand:
    """A message in hand, and what is known of its chunk."""

    __slots__ = ("chunk", "delivery", "share", "subscription")

    def __init__(self, delivery: Delivery, subscription: str) -> None:
        self.delivery = delivery
        self.subscription = subscription
        self.chunk: tuple[str, int] | None = None
        self.share = 1.0
