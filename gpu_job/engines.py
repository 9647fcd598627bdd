"""The engines of a worker: loaded on first use, each with what is known of its memory."""

from __future__ import annotations

import resource
import sys
from typing import TYPE_CHECKING

from gpu_job.memory import MemoryModel

if TYPE_CHECKING:
    from collections.abc import Callable

    from gpu_job.engine import Transcriber


class Engines:
    """Engines by the names of their weights.

    Args:
        load: gives the engine for the name of some weights; may raise ModelUnavailable.
        limit_gb: what may be taken of an accelerator's memory, weights included, 10⁹ bytes.
    """

    def __init__(self, load: Callable[[str], Transcriber], limit_gb: float) -> None:
        self._load = load
        self._limit = limit_gb
        self._engines: dict[str, Transcriber] = {}
        self._models: dict[int, MemoryModel] = {}
        self._peak = 0

    def get(self, model: str) -> Transcriber:
        """The engine for some weights. Raises ModelUnavailable."""
        if model not in self._engines:
            engine = self._load(model)
            self._models[id(engine)] = MemoryModel.of(engine.memory(), self._limit)
            self._engines[model] = engine
        return self._engines[model]

    def room(self, engine: Transcriber) -> float:
        """Units of `memory.py` that one batch may take."""
        return self._models[id(engine)].room

    def fitted(self, engine: Transcriber, units: float) -> None:
        """Learn from a batch that fitted."""
        memory = engine.memory()
        if memory is not None:
            self._models[id(engine)] = self._models[id(engine)].seen(units, memory)
            self._peak = max(self._peak, memory.peak)

    def did_not_fit(self, engine: Transcriber, units: float) -> None:
        """Learn from a batch that did not."""
        self._models[id(engine)] = self._models[id(engine)].failed(units)

    def peak(self) -> tuple[int, str]:
        """Most memory that was taken, bytes, and whose it is."""
        if self._peak:
            return self._peak, "GPU"
        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit, "main"
