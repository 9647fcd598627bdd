"""The worker: a pipeline from messages to kept results.

    intake threads        engine thread (this one)          keeper thread
    pull, decode, cut ─▶  batch windows, recognise ─▶       write result, ledger, document,
    (gpu_job/intake.py)   (this file)                       publish done, acknowledge

Windows of all chunks and files at hand are packed together (`batching.py`). A chunk is kept as soon
as its last window is recognised. A chunk that was tried before runs alone.
"""

from __future__ import annotations

import queue
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gpu_job import batching
from gpu_job.engine import SAMPLE_RATE
from gpu_job.intake import Intake, Prepared
from shared.flow import chunk, merge
from shared.flow.merge import Piece
from shared.prices import TABLE, cpu_cost
from shared.results import ChunkResult, LedgerRow, Word
from shared.telemetry import log

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterator, Sequence

    from gpu_job.engine import Transcriber
    from shared.ports import Ports

SUBSCRIPTION = "gpu-worker"


@dataclass(kw_only=True, slots=True)
class Summary:
    """What a worker did, for its exit line."""

    audio_seconds: float = 0.0
    """Audio recognised, overlap included."""
    busy_seconds: float = 0.0
    """Wall time inside the engine."""
    batches: int = 0
    """Calls of the engine."""
    chunks: int = 0
    """Chunks kept."""


class Worker:
    """Consumes chunk messages until it is told to stop or has nothing to do."""

    def __init__(
        self,
        ports: Ports,
        load: Callable[[str], Transcriber],
        *,
        on_progress: Callable[[str, float], None] = lambda _recording, _seconds: None,
    ) -> None:
        """Prepare to run.

        Args:
            ports: the world.
            load: gives the engine for the name of some weights; may raise ModelUnavailable.
            on_progress: told the key of a recording and seconds of its audio just recognised.
        """
        self._ports = ports
        self._load = load
        self._on_progress = on_progress
        self._engines: dict[str, Transcriber] = {}
        self._keeper = ThreadPoolExecutor(1, thread_name_prefix="keeper")
        self._intake = Intake(ports, SUBSCRIPTION)
        self.summary = Summary()

    def run(self, stop: threading.Event, *, idle_exit: float | None = None) -> Summary:
        """Work until `stop` is set, or until nothing was there for `idle_exit` seconds."""
        self._intake.start()
        try:
            while not stop.is_set():
                for group in groups(self._take()):
                    self._recognise(group)
                if idle_exit is not None and self._intake.idle_seconds > idle_exit:
                    break
        finally:
            self._intake.stop()
            self._keeper.shutdown(wait=True)
        return self.summary

    def _take(self) -> list[Prepared]:
        """All chunks that are ready now; waits a moment for the first."""
        taken: list[Prepared] = []
        try:
            taken.append(self._intake.ready.get(timeout=0.1))
            while True:
                taken.append(self._intake.ready.get_nowait())
        except queue.Empty:
            return taken

    def _recognise(self, group: Sequence[Prepared]) -> None:
        try:
            engine = self.engine(group[0].message.model)
            for prepared in group:
                if not prepared.windows:
                    self._recognised(prepared, engine)
            for batch in self._batches(group, engine.batch or 48):
                self._run_batch(engine, batch)
        except Exception as error:  # noqa: BLE001 - whatever the engine raises, its chunks are not lost
            log.warning("the engine failed on %d chunks: %r", len(group), error)
            for prepared in group:
                if not prepared.recognised:
                    self._intake.failed(prepared.delivery, prepared.message.recording, error)

    def engine(self, model: str) -> Transcriber:
        """The engine for some weights, loaded on first use. Raises ModelUnavailable."""
        if model not in self._engines:
            self._engines[model] = self._load(model)
        return self._engines[model]

    def _batches(self, group: Sequence[Prepared], most: int) -> Iterator[list[tuple[Prepared, int]]]:
        todo = [(prepared, index) for prepared in group for index in range(len(prepared.windows))]
        lengths = [prepared.windows[index].length for prepared, index in todo]
        for batch in batching.pack(lengths, max_windows=most, max_padded=480 * SAMPLE_RATE):
            yield [todo[position] for position in batch]

    def _run_batch(self, engine: Transcriber, batch: Sequence[tuple[Prepared, int]]) -> None:
        waveforms = [prepared.samples(index) for prepared, index in batch]
        started = time.perf_counter()
        heard = engine.transcribe(waveforms)
        spent = time.perf_counter() - started
        seconds = [len(waveform) / SAMPLE_RATE for waveform in waveforms]
        self.summary.batches += 1
        self.summary.busy_seconds += spent
        self.summary.audio_seconds += sum(seconds)
        for (prepared, index), words, length in zip(batch, heard, seconds, strict=True):
            prepared.heard[index] = words
            prepared.busy_seconds += spent * length / sum(seconds)
            self._on_progress(prepared.message.recording, length)
            if len(prepared.heard) == len(prepared.windows):
                self._recognised(prepared, engine)

    def _recognised(self, prepared: Prepared, engine: Transcriber) -> None:
        prepared.recognised = True
        self._keeper.submit(self._keep, prepared, engine)

    def _keep(self, prepared: Prepared, engine: Transcriber) -> None:
        try:
            result = chunk_result(prepared, engine)
            busy = round(prepared.busy_seconds, 6)
            row = LedgerRow(
                recording=result.recording,
                chunk=result.index,
                engine=result.engine,
                attempt=result.attempt,
                audio_seconds=result.decoded,
                busy_seconds=busy,
                usd=cpu_cost(busy, self._ports.settings),
                prices=TABLE.version,
            )
            chunk.keep(result, row, self._ports)
        except Exception as error:  # noqa: BLE001 - an unexpected error must not lose the chunk either
            self._intake.failed(prepared.delivery, prepared.message.recording, error)
        else:
            self.summary.chunks += 1
            self._intake.finished(prepared)


def groups(prepared: Sequence[Prepared]) -> list[list[Prepared]]:
    """What may be recognised together: chunks for the same weights, and each repeated chunk alone."""
    together: dict[str, list[Prepared]] = {}
    alone = []
    for one in prepared:
        if one.alone:
            alone.append([one])
        else:
            together.setdefault(one.message.model, []).append(one)
    return [*together.values(), *alone]


def chunk_result(prepared: Prepared, engine: Transcriber) -> ChunkResult:
    """The result of a chunk from the words of its windows. Pure."""
    pcm, chunk_ = prepared.pcm, prepared.message.chunk
    pieces = []
    for index, window in enumerate(prepared.windows):
        offset, end = pcm.start + window.start / SAMPLE_RATE, pcm.start + window.end / SAMPLE_RATE
        words = tuple(_placed(word, offset, end) for word in prepared.heard[index])
        pieces.append(Piece(start=offset, end=end, words=words))
    return ChunkResult(
        recording=prepared.message.recording,
        index=chunk_.index,
        engine=engine.engine,
        attempt=f"{prepared.delivery.message_id}-{prepared.delivery.attempt}",
        model=engine.model,
        revision=engine.revision,
        words=merge.join(pieces),
        lead=round(max(0.0, -pcm.start), 6),
        owned=pcm.owned,
        decoded=round(pcm.seconds, 6),
        language=engine.language,
        warnings=pcm.warnings,
    )


def _placed(word: Word, offset: float, end: float) -> Word:
    """A word on the chunk's axis; an engine's frames may reach past the end of its window."""
    return Word(
        text=word.text,
        start=round(min(word.start + offset, end), 3),
        end=round(min(word.end + offset, end), 3),
        confidence=round(word.confidence, 3),
    )
