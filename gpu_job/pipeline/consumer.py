"""The first part of the pipeline: pull messages, decode chunks, cut windows, ahead of the engine.

    pullers.py                        decoders (this file)               `ready`
    a thread for each subscription ─▶ a thread for each          ─▶      chunks for rounds.py
                                      decoding process

Threads here wait for the queue, the store and decoding processes; the engine's thread never does. How far
ahead they run is bounded by the chunks in hand (in_hand.py).
"""

from __future__ import annotations

import os
import queue
import threading
import time
from functools import partial
from typing import TYPE_CHECKING

from gpu_job.pipeline.chunk_job import Prepared, prepare, share_of
from gpu_job.pipeline.inflight import InHand
from gpu_job.pipeline.pullers import Pullers
from shared.errors import ConfigurationError, DropscribeError
from shared.flow import chunk
from shared.messages import ChunkMessage, decode
from shared.planning import plan
from shared.recovery import fallback, owner_messages, poison
from shared.state import failure_log
from shared.telemetry import log

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from shared.ports import Delivery, Ports

DECODERS = max(2, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
"""Chunks that are decoded at one time, each in a process of its own: as many as there are cores."""


class Intake:
    """Turns messages into prepared chunks, and tells the queue how each of them ended.

    Args:
        ports: the adapters to use.
        subscriptions: what to pull: those of the engine first, then those that are helped out, one message at a
            time.
    """

    def __init__(self, ports: Ports, subscriptions: Sequence[str]) -> None:
        self.ready: queue.Queue[Prepared] = queue.Queue()
        self._ports = ports
        self._hand = InHand(
            ports.queue, ports.settings.lease_seconds, plan.max_inflight_chunks(ports.settings), subscriptions
        )
        self._whole = plan.sizes(plan.worker_engine(ports.settings), ports.settings).seconds
        self._todo: queue.Queue[Delivery | None] = queue.Queue()
        self._pullers = Pullers(ports, subscriptions, self._hand, self._todo.put)
        self._stop = threading.Event()
        self._decoders = [
            threading.Thread(target=self._decode_on, name=f"decoder-{index}", daemon=True)
            for index in range(DECODERS)
        ]

    def start(self) -> None:
        """Begin to pull."""
        self._hand.start()
        self._pullers.start()
        for thread in self._decoders:
            thread.start()

    def stop(self) -> None:
        """Pull no more and decode nothing else; what is in hand stays there."""
        self._stop.set()
        self._pullers.stop()
        for _ in self._decoders:
            self._todo.put(None)

    def hand_back(self, timeout: float, counts: Callable[[Delivery], bool]) -> int:
        """Give back all that is in hand and renew no lease any more; after `stop`.

        Args:
            timeout: seconds that this may take; what is left then comes again when its lease ends.
            counts: see `InHand.give_back`.

        Returns:
            How many chunks were given back.
        """
        until = time.monotonic() + timeout
        self._pullers.join(timeout / 2)
        return self._hand.give_back(max(0.0, until - time.monotonic()), counts)

    def join(self, timeout: float) -> None:
        """Wait for the threads; after `stop`. One that decodes may take longer: its chunk was given back."""
        until = time.monotonic() + timeout
        self._pullers.join(timeout)
        for thread in self._decoders:
            thread.join(max(0.0, until - time.monotonic()))

    @property
    def problem(self) -> ConfigurationError | None:
        """Why nothing can be pulled here."""
        return self._pullers.problem

    @property
    def idle_seconds(self) -> float:
        """How long nothing has been in hand."""
        return self._hand.idle_seconds

    def finished(self, prepared: Prepared) -> None:
        """Acknowledge: the result is durable."""
        self._hand.end(prepared.delivery, self._ports.queue.ack)

    def failed(self, delivery: Delivery, key: str, error: Exception) -> None:
        """Let it come again, give it to another engine, or end its recording: see `shared/recovery/fallback.py`."""
        failure_log.note(
            error,
            self._ports,
            where=plan.worker_engine(self._ports.settings),
            message_id=delivery.message_id,
            attempt=delivery.attempt,
            attributes=delivery.attributes,
        )
        verdict = fallback.after_failure(error, delivery.attempt)
        if verdict == "again":
            log.warning("chunk of %s failed, attempt %d: %s", key, delivery.attempt, error)
            self._hand.end(
                delivery, partial(self._ports.queue.nack, error=f"{type(error).__name__}: {error}")
            )
            return
        try:
            message = decode(delivery.data, ChunkMessage)
            fallback.give_up(message, owner_messages.broken(error, delivery.attempt), self._ports)
        except DropscribeError as another:
            log.warning("cannot record that %s failed: %s", key, another)
            self._hand.end(delivery, partial(self._ports.queue.nack, error=str(another)))
        else:
            self._hand.end(delivery, self._ports.queue.ack)

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
        if not self._hand.takes(delivery, message, share):
            if not self._hand.is_again(delivery):
                # The first message stays in the queue until the result is durable.
                self._hand.end(delivery, self._ports.queue.ack)
            return
        if not chunk.is_wanted(message, self._ports) or self._goes_on(message, delivery):
            self._hand.end(delivery, self._ports.queue.ack)
            return
        self.ready.put(prepare(delivery, message, self._ports, share=share))

    def _goes_on(self, message: ChunkMessage, delivery: Delivery) -> bool:
        """True where the chunk ended a worker and now is another engine's; without another it is tried on."""
        why = poison.ended_its_worker(message, delivery, self._ports)
        return why is not None and fallback.hand_on(message, why, self._ports).done
