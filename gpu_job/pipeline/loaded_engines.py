"""The engines of a worker, loaded on first use, each with what is known of its memory."""

from __future__ import annotations

import math
import resource
import sys
from typing import TYPE_CHECKING

from gpu_job.pipeline.memory import MemoryModel
from shared import concurrency
from shared.engines import PARAKEET_CPU
from shared.errors import ModelUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from gpu_job.speech.transcriber import Transcriber

RETRY_AFTER = 60.0
"""Seconds before weights that could not be loaded are looked for again."""


class LoadedEngines:
    """Engines by the names of their weights.

    Args:
        load: gives the engine for the name of some weights; may raise ModelUnavailable.
        limit_gb: what may be taken of an accelerator's memory, weights included, 10⁹ bytes.
        load_cpu: gives the engine that runs them on the CPU, whatever else there is; None: `load` does.
    """

    def __init__(
        self,
        load: Callable[[str], Transcriber],
        limit_gb: float,
        load_cpu: Callable[[str], Transcriber] | None = None,
    ) -> None:
        self._load, self._load_cpu = load, load_cpu or load
        self._limit = limit_gb
        self._engines: dict[tuple[str, bool], Transcriber] = {}
        self._missing: dict[tuple[str, bool], tuple[float, ModelUnavailable]] = {}
        self._models: dict[int, MemoryModel] = {}
        self._peak = 0

    def get(self, model: str, *, cpu: bool = False) -> Transcriber:
        """The engine for some weights, on the CPU if that is asked for. Raises ModelUnavailable."""
        usual = self._engines.get((model, False))
        if cpu and usual is not None and usual.engine == PARAKEET_CPU.name:
            return usual
        key = (model, cpu)
        since, error = self._missing.get(key, (-math.inf, None))
        if error is not None and concurrency.monotonic() - since < RETRY_AFTER:
            raise error
        if key not in self._engines:
            try:
                engine = (self._load_cpu if cpu else self._load)(model)
            except ModelUnavailable as missing:
                self._missing[key] = concurrency.monotonic(), missing
                raise
            self._models[id(engine)] = MemoryModel.of(engine.memory(), self._limit)
            self._engines[key] = engine
        return self._engines[key]

    def capacity(self, engine: Transcriber) -> float:
        """Units of `memory.py` that one batch may take."""
        return self._models[id(engine)].capacity

    def fitted(self, engine: Transcriber, units: float) -> None:
        """Learn from a batch that fitted."""
        memory = engine.memory()
        if memory is not None:
            self._models[id(engine)] = self._models[id(engine)].fitted(units, memory)
            self._peak = max(self._peak, memory.peak)

    def did_not_fit(self, engine: Transcriber, units: float) -> None:
        """Learn from a batch that did not."""
        self._models[id(engine)] = self._models[id(engine)].did_not_fit(units)

    def peak(self) -> tuple[int, str]:
        """Most memory that was taken, bytes, and which: `GPU` or `main`."""
        if self._peak:
            return self._peak, "GPU"
        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit, "main"
