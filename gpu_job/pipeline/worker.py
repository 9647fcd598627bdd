"""The worker: builds the pipeline from messages to committed results, and runs it.

    consumer.py               batcher.py                 recogniser.py     committer.py
    pull, decode, cut    ─▶   pack; make the next   ─▶   recognise    ─▶   write ledger, result, document,
    (a process a core)        batch meanwhile            (one thread)      publish done, acknowledge
         │                                                 │                   ▲
         │                                                 └─ diarization.py ─▶│
         └── not wanted, or cannot be decoded ─────────────────────────────────┘

Every step overlaps with the others, bounded by the messages in flight (inflight.py). Windows of all chunks and files
in flight share batches; a chunk is committed as soon as its last window is recognised, whatever its batch still holds.
A call that does not return ends the worker, and its chunks count as tried (shared/machine/watchdog.py).
Speakers are told apart beside the engine, where a recording asks for that.
A chunk whose message is redelivered because its worker died runs alone from the start. One that a worker gives back
because it was asked to stop does not: that says nothing about the chunk.
"""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING

from gpu_job import loading
from gpu_job.pipeline.batcher import Batcher
from gpu_job.pipeline.committer import Committer
from gpu_job.pipeline.consumer import Consumer, subscriptions_of
from gpu_job.pipeline.diarization import Diarization
from gpu_job.pipeline.inflight import Inflight
from gpu_job.pipeline.loaded_engines import LoadedEngines
from gpu_job.pipeline.recogniser import Recogniser
from gpu_job.pipeline.summary import Summary
from gpu_job.start_up import StartUp
from shared import concurrency
from shared.costs.executions import Meter
from shared.errors import CallHangs
from shared.machine.watchdog import Watchdog
from shared.planning import plan

if TYPE_CHECKING:
    from collections.abc import Callable

    from gpu_job.speech.transcriber import Transcriber
    from gpu_job.voices.diarizer import Diarizer
    from shared.ports import Ports

RECOGNISED_BY, COMMITTED_BY, GIVEN_BACK_BY = 4.0, 5.5, 7.5
"""Seconds after the request to stop by which the engine has finished what it can, results are committed, and all the
rest is given back. Cloud Run kills after 10."""

DRAINED_WITHIN = 120.0
"""Seconds after the end of a worker's time within which it finishes what it holds; the rest is given back."""


class Worker:
    """Consumes chunk messages until it is told to stop or has nothing to do. Runs once.

    Args:
        ports: the adapters to use.
        load: gives the engine for the name of some weights; may raise ModelUnavailable.
        load_cpu: the same on the CPU, for chunks that the other engine gave up; None: `load` does.
        load_diarizer: gives who tells the voices of a chunk, when a recording first asks for speakers; may raise
            ModelUnavailable; None: the networks of this machine.
        on_progress: told the key of a recording and seconds of its audio just recognised.
        meter: told of the engine's time, if its idle time costs money.
        start_up: how long it took to start, for the summary; `load` may still add to it.
    """

    def __init__(
        self,
        ports: Ports,
        load: Callable[[str], Transcriber],
        *,
        load_cpu: Callable[[str], Transcriber] | None = None,
        load_diarizer: Callable[[], Diarizer] | None = None,
        on_progress: Callable[[str, float], None] = lambda _recording, _seconds: None,
        meter: Meter | None = None,
        start_up: StartUp | None = None,
    ) -> None:
        settings = ports.settings
        subscriptions = subscriptions_of(settings)
        meter = meter or Meter(ports, None, plan.worker_engine(settings), 0.0)
        together = plan.sizes(plan.worker_engine(settings), settings).together
        self.summary = Summary(start_up=start_up or StartUp())
        self._engines = LoadedEngines(load, settings.gpu_memory_limit_gb, load_cpu)
        self._watchdog = Watchdog()
        self._inflight = Inflight(
            ports.queue,
            settings.lease_seconds,
            plan.max_inflight_chunks(settings),
            subscriptions,
            self._watchdog,
        )
        self._diarization = Diarization(
            load_diarizer or partial(loading.load_diarizer, settings), self._watchdog
        )
        self._committer = Committer(ports, self._inflight, meter, self.summary, self._diarization)
        self._consumer = Consumer(ports, self._inflight, self._committer, subscriptions)
        self._batcher = Batcher(
            self._consumer.ready,
            self._engines,
            self._committer,
            max_chunks=together if settings.batch_processing else 0.0,
            watchdog=self._watchdog,
        )
        self._recogniser = Recogniser(
            self._batcher,
            self._engines,
            self._committer,
            self._diarization,
            self.summary,
            self._watchdog,
            meter,
            on_progress,
        )

    def engine(self, model: str) -> Transcriber:
        """The engine for some weights, loaded on first use. Raises ModelUnavailable."""
        return self._engines.get(model)

    def run(
        self,
        stop: concurrency.Event,
        *,
        idle_exit: float | None = None,
        seconds_left: float | None = None,
        warm: str | None = None,
    ) -> Summary:
        """Work until `stop` is set, until nothing was there for `idle_exit` seconds, or until its time is over.

        After `stop` it ends within 8 seconds, whatever the engine does: see `stuck`. When its time is over, it pulls
        nothing else, and ends when what it holds is done, at the latest after `DRAINED_WITHIN` and these 8 seconds.

        Args:
            stop: asks for the end.
            idle_exit: seconds; None to wait for work for ever.
            seconds_left: seconds from now after which its time is over; None: never.
            warm: weights to load while the first chunks are decoded.

        Raises:
            ModelUnavailable: `warm` cannot be loaded; nothing is lost.
            CallHangs: a call does not return: only the end of the process ends it; nothing is lost.
            Transient: the worker broke down; nothing is lost.
        """
        self._inflight.start()
        self._consumer.start()
        self._batcher.start(warm)
        self._recogniser.thread.start()
        hanging: CallHangs | None = None
        ended, over = (
            "nothing to do",
            math.inf if seconds_left is None else concurrency.monotonic() + seconds_left,
        )
        try:
            while (
                not stop.wait(0.05)
                and self._recogniser.thread.is_alive()
                and self._consumer.problem is None
                and (hanging := self._hanging()) is None
            ):
                if idle_exit is not None and self._idle_seconds() > idle_exit:
                    break
                if (late := concurrency.monotonic() - over) >= 0:
                    ended = "its time is over"
                    self._inflight.drain()
                    if self._inflight.is_drained or late > DRAINED_WITHIN:
                        break
        finally:
            self.summary.ended = "asked to stop" if stop.is_set() else ended
            self._end(str(hanging or ""))
        if hanging is not None:
            self.summary.ended = "a call did not return"
            raise hanging
        if (problem := self._problem) is not None:
            self.summary.ended = f"broke down ({type(problem).__name__})"
            raise problem
        return self.summary

    @property
    def _problem(self) -> Exception | None:
        return self._recogniser.problem or self._batcher.problem or self._consumer.problem

    def _hanging(self) -> CallHangs | None:
        """What to say of a call that should have returned."""
        overdue = self._watchdog.overdue()
        return (
            CallHangs(f"{overdue[0]}. What it holds is redelivered, to the next worker.") if overdue else None
        )

    @property
    def stuck(self) -> bool:
        """True if the engine or its loading still runs after `run`: only the end of the process ends it."""
        return self._recogniser.thread.is_alive()

    def _idle_seconds(self) -> float:
        """How long there was nothing to do; the time of loading does not count."""
        loaded = self._batcher.loaded
        return 0.0 if loaded is None else min(self._inflight.idle_seconds, concurrency.monotonic() - loaded)

    def _end(self, why: str) -> None:
        """Finish what can be finished, give back the rest; what counts as a try with the reason."""
        began = concurrency.monotonic()

        def left(until: float) -> float:
            return max(0.0, began + until - concurrency.monotonic())

        self._consumer.stop()
        self._batcher.stop()
        self._recogniser.thread.join(left(RECOGNISED_BY))
        self._diarization.finish(left(RECOGNISED_BY))
        self._committer.close()
        self._committer.finish(left(COMMITTED_BY))
        # Which deliveries count as tries: all if the worker broke down, else those that may have gone wrong.
        broke = self._problem is not None
        harmed = self._committer.unfinished.union(*(one.messages for one in self._watchdog.overdue()))
        self._consumer.join_pullers(left(GIVEN_BACK_BY) / 2)
        self.summary.given_back = self._inflight.give_back(
            left(GIVEN_BACK_BY), lambda delivery: broke or delivery.message_id in harmed, why
        )
        if not broke:
            self._committer.release(harmed)
        self._consumer.join(left(GIVEN_BACK_BY))
        self.summary.peak = self._engines.peak()
