"""The engines of a worker, loaded on first use, each with what is known of its memory."""

from __future__ import annotations

import gc
from collections import OrderedDict
from typing import TYPE_CHECKING, Generic, TypeVar
from weakref import WeakKeyDictionary

from gpu_job.peak_memory import Peak, peak_memory
from gpu_job.pipeline.memory import MemoryModel
from gpu_job.weights.lookup import identity
from shared import concurrency
from shared.engines import PARAKEET_CPU
from shared.errors import ModelUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from gpu_job.speech.transcriber import Transcriber

Key = TypeVar("Key")
Loaded = TypeVar("Loaded")

MOST = 2
"""Engines that are loaded at one time: one for a GPU and one for the CPU, or two sets of weights."""

LOADING = 3600.0
"""Seconds that no load of weights takes. A download that takes longer goes on where it was, in the next worker."""

RETRY_AFTER = 60.0
"""Seconds before weights that could not be loaded are looked for again."""


class MissingWeights(Generic[Key]):
    """What could not be loaded lately: to look for it may take long, and each chunk would."""

    def __init__(self) -> None:
        self._missing: dict[Key, tuple[float, ModelUnavailable]] = {}

    def load(self, key: Key, how: Callable[[], Loaded]) -> Loaded:
        """What `how` gives, unless it could not a moment ago. Raises ModelUnavailable."""
        now = concurrency.monotonic()
        self._missing = {one: said for one, said in self._missing.items() if now - said[0] < RETRY_AFTER}
        if key in self._missing:
            raise self._missing[key][1]
        try:
            return how()
        except ModelUnavailable as missing:
            self._missing[key] = concurrency.monotonic(), missing
            raise


class LoadedEngines:
    """Engines by what their weights are, however they are spelled; those used last stay loaded.

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
        self._engines: OrderedDict[tuple[str, bool], Transcriber] = OrderedDict()
        self._missing = MissingWeights[tuple[str, bool]]()
        # A batch may still hold an engine that is not kept here any more.
        self._models: WeakKeyDictionary[Transcriber, MemoryModel] = WeakKeyDictionary()
        self._peak = 0

    def get(self, model: str, *, cpu: bool = False) -> Transcriber:
        """The engine for some weights, on the CPU if that is asked for. Raises ModelUnavailable."""
        what = identity(model)
        usual = self._engines.get((what, False))
        if cpu and usual is not None and usual.engine == PARAKEET_CPU.name:
            cpu = False
        key = (what, cpu)
        if key not in self._engines:
            load = self._load_cpu if cpu else self._load
            engine = self._missing.load(key, lambda: self._loaded(load, model))
            self._models[engine] = MemoryModel.of(engine.memory(), self._limit)
            self._engines[key] = engine
        self._engines.move_to_end(key)
        return self._engines[key]

    def _loaded(self, load: Callable[[str], Transcriber], model: str) -> Transcriber:
        self._make_room()
        return load(model)

    def _make_room(self) -> None:
        """Let go of the engine that was not used for longest, so that there is memory for another one."""
        if len(self._engines) >= MOST:
            self._engines.popitem(last=False)
            gc.collect()  # networks are circles of references

    def capacity(self, engine: Transcriber) -> float:
        """Units of `memory.py` that one batch may take."""
        return self._models[engine].capacity

    def fitted(self, engine: Transcriber, units: float) -> None:
        """Learn from a batch that fitted."""
        memory = engine.memory()
        if memory is not None:
            self._models[engine] = self._models[engine].fitted(units, memory)
            self._peak = max(self._peak, memory.peak)

    def did_not_fit(self, engine: Transcriber, units: float) -> None:
        """Learn from a batch that did not."""
        self._models[engine] = self._models[engine].did_not_fit(units)

    def peak(self) -> Peak:
        """The most memory that was taken: of the GPU, or of this process if there is none."""
        return Peak(size=self._peak, memory="GPU") if self._peak else Peak(size=peak_memory())
