"""The first step of the pipeline: pull messages, decode their chunks and cut windows, ahead of the engine.

    pullers                           decoders                        `ready`
    a thread for each subscription ─▶ a thread for each         ─▶    jobs for batcher.py
                                      decoding process

The threads here wait for the queue, the store and decoding processes; the engine's thread never does. How far ahead
they run is bounded by the chunks in flight (inflight.py). What becomes of a chunk that is not wanted or cannot be
decoded is the committer's decision (committer.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gpu_job.cores import cores
from gpu_job.pipeline.chunk_job import ChunkJob, prepare, share_of
from gpu_job.pipeline.inflight import CALL, Inflight
from shared import concurrency
from shared.engines import PARAKEET_CPU, PARAKEET_GPU
from shared.errors import ConfigurationError, DropscribeError
from shared.messages import ChunkMessage, decode
from shared.planning import plan
from shared.telemetry import about_message, log, span

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gpu_job.pipeline.committer import Committer
    from shared.ports import Delivery, Ports
    from shared.settings import Settings

DECODERS = max(2, cores())
"""Chunks that are decoded at one time, each in a process of its own: as many as there are cores."""

SHORTEST_WAIT, LONGEST_WAIT = 0.02, 0.5
"""Seconds between two polls of an empty queue."""


def subscriptions_of(settings: Settings) -> tuple[str, ...]:
    """What a worker with these settings pulls, its own engine's subscription first. Pure.

    A machine has one worker, which takes everything, including what was planned while the machine had a GPU. In a
    project, a worker with a GPU also takes the chunks meant for a CPU if there is no job for those.
    """
    cpu, gpu = PARAKEET_CPU.subscription, PARAKEET_GPU.subscription
    if settings.gpu_lane == "canary":
        return (PARAKEET_GPU.canary_subscription,)
    if plan.worker_engine(settings) == PARAKEET_CPU.name:
        return (cpu, gpu) if settings.platform == "local" else (cpu,)
    return (gpu,) if settings.has_cpu_job else (gpu, cpu)


class Consumer:
    """Turns messages into jobs.

    Of `subscriptions` the engine's own is the first; from those that it helps out with it pulls one message at a time.
    """

    def __init__(
        self, ports: Ports, inflight: Inflight, committer: Committer, subscriptions: Sequence[str]
    ) -> None:
        self.ready: concurrency.Queue[ChunkJob] = concurrency.Queue()
        """Jobs to recognise."""
        self.problem: Exception | None = None
        """Why the worker must end: nothing can be pulled here, known from the first try, or a thread broke down."""
        self._ports = ports
        self._inflight = inflight
        self._committer = committer
        self._own = subscriptions[0]
        self._chunk_seconds = plan.sizes(plan.worker_engine(ports.settings), ports.settings).seconds
        self._pulled: concurrency.Queue[Delivery | None] = concurrency.Queue()
        self._stop = concurrency.Event()
        self._pullers = [
            concurrency.Thread(
                target=self._guarded, args=(self._pull_from, one), name=f"puller-{one}", daemon=True
            )
            for one in subscriptions
        ]
        self._decoders = [
            concurrency.Thread(
                target=self._guarded, args=(self._decode_all,), name=f"decoder-{index}", daemon=True
            )
            for index in range(DECODERS)
        ]

    def start(self) -> None:
        """Begin to pull."""
        for thread in (*self._pullers, *self._decoders):
            thread.start()

    def stop(self) -> None:
        """Pull no more and begin to decode nothing else; what is in flight stays there."""
        self._stop.set()
        for _ in self._decoders:
            self._pulled.put(None)

    def join_pullers(self, timeout: float) -> None:
        """Wait for pulls that are under way; after `stop`."""
        _join(self._pullers, timeout)

    def join(self, timeout: float) -> None:
        """Wait for all threads; after `stop`. A decoder may take longer: its chunk has been given back."""
        _join([*self._pullers, *self._decoders], timeout)

    def _guarded(self, run: Callable[..., None], *arguments: str) -> None:
        """Run a thread to its end; one that breaks down ends the worker, as its message would be in flight for ever."""
        try:
            run(*arguments)
        except Exception as error:  # noqa: BLE001 - raised again in the thread that runs the worker
            self.problem = error

    def _pull_from(self, subscription: str) -> None:
        pause, has_pulled = SHORTEST_WAIT, False
        while not self._stop.is_set():
            count = self._inflight.reserve(subscription)
            if not count:
                continue
            deliveries: list[Delivery] = []
            try:
                with self._inflight.watchdog.within(CALL, f"pulling {subscription}"):
                    deliveries = self._ports.queue.pull(
                        subscription, count, self._ports.settings.lease_seconds
                    )
                self._inflight.add(subscription, deliveries)
                has_pulled = True
            except DropscribeError as error:
                log.warning("cannot pull: %s", error)
                if isinstance(error, ConfigurationError) and not has_pulled:
                    if subscription == self._own:
                        self.problem = error
                    return
            finally:
                self._inflight.release_reservation(subscription)
            for delivery in deliveries:
                self._pulled.put(delivery)
            if deliveries:
                pause = SHORTEST_WAIT
            else:
                self._stop.wait(pause)
                pause = min(pause * 1.5, LONGEST_WAIT)

    def _decode_all(self) -> None:
        while (delivery := self._pulled.get()) is not None:
            if self._stop.is_set():
                continue
            what = f"decoding a chunk of {delivery.attributes.get('recording', '?')}"
            limit = CALL + self._ports.settings.decode_timeout
            with (
                self._inflight.watchdog.within(limit, what, [delivery.message_id]),
                about_message(delivery.attributes),
                span("decode", attempt=delivery.attempt),
            ):
                try:
                    self._decode(delivery)
                except Exception as error:  # noqa: BLE001 - whatever it is, it must not end the thread
                    self._committer.decoding_failed(delivery, error)

    def _decode(self, delivery: Delivery) -> None:
        message = decode(delivery.data, ChunkMessage)
        share = share_of(message, self._chunk_seconds)
        if self._committer.wants(delivery, message, share):
            self.ready.put(prepare(delivery, message, self._ports, share=share))


def _join(threads: Sequence[concurrency.Thread], timeout: float) -> None:
    until = concurrency.monotonic() + timeout
    for thread in threads:
        thread.join(max(0.0, until - concurrency.monotonic()))
