"""The first half of the pipeline: pull messages, decode chunks, cut windows, ahead of the engine.

Threads here wait for the queue and for decoding processes; the engine's thread never does.
How far ahead they run is bounded by the number of chunks in hand, so memory is too.
"""

from __future__ import annotations

import queue
import threading
import time
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from gpu_job import segments
from gpu_job.leases import LeaseKeeper
from shared.audio import Pcm
from shared.errors import BadMedia, DropscribeError, Permanent, Transient
from shared.flow import chunk, plan, record
from shared.messages import ChunkMessage, decode
from shared.ports import Delivery
from shared.results import Word
from shared.telemetry import log

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from shared.ports import Ports

MAX_ATTEMPTS = 3
"""After this many deliveries a chunk on which the engine fails takes its recording with it."""

DECODERS = 2
"""Chunks that are decoded at one time, each in a process of its own."""

SHORTEST_WAIT, LONGEST_WAIT = 0.02, 0.5
"""Seconds between two looks at an empty queue."""


@dataclass(kw_only=True, slots=True)
class Prepared:
    """A chunk that is ready for the engine."""

    delivery: Delivery
    """Its message, under lease."""
    message: ChunkMessage
    """What to do."""
    pcm: Pcm
    """Its samples."""
    windows: list[segments.Window]
    """Where to cut them."""
    heard: dict[int, tuple[Word, ...]] = field(default_factory=dict)
    """Words by index of the window, as the engine delivers them."""
    busy_seconds: float = 0.0
    """Decoding time, plus its share of the engine's time."""
    recognised: bool = False
    """True once it is on its way to being kept."""

    def samples(self, index: int) -> NDArray[np.float32]:
        """One window as float32 in [-1, 1], mono at 16 kHz."""
        window = self.windows[index]
        count = window.end - window.start
        samples = np.frombuffer(self.pcm.samples, np.int16, count=count, offset=2 * window.start)
        return samples.astype(np.float32) / 32768.0

    @property
    def alone(self) -> bool:
        """True when it was tried before: it must not take others down with it."""
        return self.delivery.attempt > 1


class Intake:
    """Threads that turn messages into prepared chunks."""

    def __init__(self, ports: Ports, subscription: str, *, threads: int = DECODERS) -> None:
        self.ready: queue.Queue[Prepared] = queue.Queue()
        self.waiting_since = time.monotonic()
        self._ports = ports
        self._subscription = subscription
        self._leases = LeaseKeeper(ports.queue, subscription, ports.settings.lease_seconds)
        self._slots = threading.Semaphore(plan.held(ports.settings))
        self._in_hand = 0
        self._chunks: dict[str, tuple[str, int]] = {}
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._loop, name=f"intake-{index}", daemon=True)
            for index in range(threads)
        ]

    def start(self) -> None:
        """Begin to pull."""
        self._leases.start()
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Stop pulling, and give back what the engine has not taken."""
        self._stop.set()
        for thread in self._threads:
            thread.join()
        while not self.ready.empty():
            self.give_back(self.ready.get())
        self._leases.stop()

    @property
    def idle_seconds(self) -> float:
        """How long nothing has been in hand."""
        return 0.0 if self._in_hand else time.monotonic() - self.waiting_since

    def finished(self, prepared: Prepared) -> None:
        """Acknowledge: the result is durable."""
        self._end(prepared.delivery, self._ports.queue.ack)

    def give_back(self, prepared: Prepared) -> None:
        """Let it come again."""
        self._end(prepared.delivery, self._ports.queue.nack)

    def failed(self, delivery: Delivery, key: str, error: Exception) -> None:
        """Let it come again, or end the recording when the engine failed often enough or it never can work.

        What is Transient comes again until the queue gives it up (`shared/flow/give_up.py`).
        """
        again = delivery.attempt < MAX_ATTEMPTS and not isinstance(error, Permanent)
        if again or isinstance(error, Transient):
            log.warning("chunk of %s failed, attempt %d: %s", key, delivery.attempt, error)
            self._end(delivery, partial(self._ports.queue.nack, error=f"{type(error).__name__}: {error}"))
            return
        if not isinstance(error, DropscribeError):
            error = Permanent(
                f"The engine failed {delivery.attempt} times on one part of the recording ({error!r}). "
                "Try another model or method, and please report it with the file if you can."
            )
        try:
            record.fail(key, error, self._ports)
        except DropscribeError as another:
            log.warning("cannot record that %s failed: %s", key, another)
            self._end(delivery, partial(self._ports.queue.nack, error=str(another)))
        else:
            self._end(delivery, self._ports.queue.ack)

    def _loop(self) -> None:
        wait = SHORTEST_WAIT
        while not self._stop.is_set():
            if not self._slots.acquire(timeout=0.1):
                continue
            delivery = self._pull()
            if delivery is None:
                self._slots.release()
                self._stop.wait(wait)
                wait = min(wait * 1.5, LONGEST_WAIT)
                continue
            wait = SHORTEST_WAIT
            self._prepare(delivery)

    def _pull(self) -> Delivery | None:
        try:
            found = self._ports.queue.pull(self._subscription, 1, self._ports.settings.lease_seconds)
        except DropscribeError as error:
            log.warning("cannot pull: %s", error)
            return None
        if not found:
            return None
        with self._lock:
            self._in_hand += 1
        self._leases.hold(found[0])
        return found[0]

    def _prepare(self, delivery: Delivery) -> None:
        key = delivery.attributes.get("recording", "?")
        try:
            message = decode(delivery.data, ChunkMessage)
            if not self._takes(delivery, message) or not chunk.is_wanted(message, self._ports):
                self._end(delivery, self._ports.queue.ack)
                return
            self.ready.put(prepare(delivery, message, self._ports))
        except Exception as error:  # noqa: BLE001 - whatever it is, it must not end the thread
            self.failed(delivery, key, error)

    def _takes(self, delivery: Delivery, message: ChunkMessage) -> bool:
        """False for another message about a chunk that is in hand.

        It can be acknowledged at once: the first one stays in the queue until the result is durable.
        """
        chunk_key = (message.recording, message.chunk.index)
        with self._lock:
            if chunk_key in self._chunks.values():
                return False
            self._chunks[delivery.lease] = chunk_key
            return True

    def _end(self, delivery: Delivery, how: Callable[[str, str], bool]) -> None:
        self._leases.release(delivery)
        try:
            how(self._subscription, delivery.lease)
        except DropscribeError as error:
            log.warning("message %s will come again: %s", delivery.message_id, error)
        with self._lock:
            self._in_hand -= 1
            self._chunks.pop(delivery.lease, None)
            self.waiting_since = time.monotonic()
        self._slots.release()


def prepare(delivery: Delivery, message: ChunkMessage, ports: Ports) -> Prepared:
    """Decode a chunk and cut it into windows.

    A stretch that cannot be decoded is an empty chunk with a warning: the rest of the recording may
    be fine, and the merger fails a recording of which nothing could be decoded.

    Raises:
        BadMedia: decoding broke a limit, or the file is gone.
        Transient: the store did not answer.
    """
    started = time.perf_counter()
    try:
        pcm = chunk.fetch(message, ports)
    except BadMedia as error:
        if error.code != "undecodable":
            raise
        nominal = 0.0 if message.chunk.end is None else message.chunk.end - message.chunk.start
        pcm = Pcm(samples=b"", start=0.0, owned=nominal, warnings=(str(error),))
    return Prepared(
        delivery=delivery,
        message=message,
        pcm=pcm,
        windows=segments.cut(np.frombuffer(pcm.samples, np.int16)),
        busy_seconds=time.perf_counter() - started,
    )
