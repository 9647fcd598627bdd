"""Beside the recogniser: who speaks in the chunks of recordings that ask for speakers.

A thread here diarizes a chunk while the engine recognises it, on the CPU even if a GPU recognises. The
committer waits for both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gpu_job.pipeline.chunk_job import ChunkJob, Diarized, message_of
from gpu_job.pipeline.inflight import CALL, SLOWEST
from gpu_job.pipeline.loaded_engines import LOADING, MissingWeights
from shared import concurrency
from shared.telemetry import measure

if TYPE_CHECKING:
    from collections.abc import Callable

    from gpu_job.voices.diarizer import Diarizer
    from shared.machine.watchdog import Watchdog

AT_A_TIME = 2
"""Chunks: a diarizer shares one out over the cores, and another one keeps them busy where it ends."""


class Diarization:
    """Diarizes chunks, in threads of its own. Safe to use from several threads.

    `load` gives the diarizer when the first chunk asks for it; it may raise ModelUnavailable.
    """

    def __init__(self, load: Callable[[], Diarizer], watchdog: Watchdog) -> None:
        self._load = load
        self._watchdog = watchdog
        self._diarizer: Diarizer | None = None
        self._missing = MissingWeights[None]()
        self._loading = concurrency.Lock()
        self._pool = concurrency.ThreadPoolExecutor(AT_A_TIME, thread_name_prefix="diarizer")
        self._under_way: set[concurrency.Future[Diarized]] = set()

    def begin(self, job: ChunkJob) -> None:
        """Diarize a chunk if its recording asks for speakers, once."""
        if job.message.options.diarize and job.diarized is None:
            job.diarized = self._pool.submit(self._diarize, job)
            self._under_way.add(job.diarized)
            job.diarized.add_done_callback(self._under_way.discard)

    def finish(self, timeout: float) -> None:
        """Wait for what is under way, and drop what has not begun; once nothing else begins."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        concurrency.wait(list(self._under_way), timeout)

    def _diarize(self, job: ChunkJob) -> Diarized:
        diarizer = self._get(job)
        started = concurrency.perf_counter()
        what = f"diarizing {job.pcm.seconds:.0f} s of {job}"
        with self._watchdog.within(CALL + SLOWEST * job.pcm.seconds, what, [message_of(job)]):
            samples = np.frombuffer(job.pcm.samples, np.int16)
            voices = diarizer.diarize(samples, -job.pcm.start, job.pcm.owned)
        job.diarize_seconds = concurrency.perf_counter() - started
        measure("worker_listen_seconds", job.diarize_seconds)
        return Diarized(voices=voices, revision=diarizer.revision)

    def _get(self, job: ChunkJob) -> Diarizer:
        """The diarizer, loaded for the first job that asks."""
        what = "loading the networks that tell speakers apart"
        with self._watchdog.within(LOADING, what, [message_of(job)]), self._loading:
            if self._diarizer is None:
                self._diarizer = self._missing.load(None, self._load)
            return self._diarizer
