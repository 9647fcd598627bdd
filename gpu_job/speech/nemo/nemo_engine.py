"""Parakeet with NVIDIA NeMo, on a GPU or a CPU.

NeMo's own `transcribe()` writes a manifest and builds a data loader for every call. Here its encoder and its
label-looping decoder are called on tensors:

    windows ─▶ log-mel features ─▶ encoder ─▶ greedy search, and the    ─▶ words
               (networks.py)                  probability of each token    (gpu_job/speech/words.py)
                                              (search.py)
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from pickle import UnpicklingError
from typing import TYPE_CHECKING

import numpy as np
import torch

from gpu_job.speech import words
from gpu_job.speech.nemo import cuda
from gpu_job.speech.nemo.archive import opened
from gpu_job.speech.nemo.networks import Networks
from gpu_job.speech.nemo.search import Search
from gpu_job.speech.onnx.mel import ANALYSIS
from gpu_job.speech.transcriber import SAMPLE_RATE, Device, DeviceMemory, EngineLost, OutOfMemory
from gpu_job.weights.lookup import locate, verify
from shared.engines import PARAKEET_CPU, PARAKEET_GPU
from shared.errors import ModelUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from gpu_job.weights.located import Located
    from shared.model import Engine
    from shared.results import Word

GRAPH_WINDOWS, GRAPH_FRAMES = 64, 376
"""Windows and encoder frames (30 s) for which the decoder's CUDA graphs are captured at the start. A larger batch
captures them anew, which takes about a second."""


def load(name: str, *, device: str | None = None, limit_gb: float | None = None) -> Parakeet:
    """Load weights, downloading them where that is needed.

    Args:
        name: a name of `catalogue()`, or the path of a `.nemo` file.
        device: `cuda` or `cpu`; None for the GPU if there is one.
        limit_gb: what may be taken of the GPU's memory, weights included, 10⁹ bytes; None for all of it.

    Raises:
        ConfigurationError: torch cannot use the GPU.
        ModelUnavailable: says what is missing and what to do.
    """
    target = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    dtype = torch.float32
    if target.type == "cuda":
        cuda.check(target)
        dtype = cuda.precision()
        if limit_gb is not None:
            cuda.limit(limit_gb)
    located = locate(name, "nemo")
    verify(name, "nemo")
    with opened(located.path) as archive:
        try:
            networks = Networks.of(archive, target, dtype)
        except (RuntimeError, TypeError, ValueError, KeyError, EOFError, UnpicklingError) as error:
            raise _not_loaded(located, error) from error
    return Parakeet(name, located, networks)


def _not_loaded(located: Located, error: Exception) -> ModelUnavailable:
    """The error for a checkpoint that torch and NeMo cannot load."""
    if short := cuda.shortage(error):
        return ModelUnavailable(
            f"The weights in {located.path} do not fit the memory of the GPU ({short}). Let nothing else use the "
            "card, raise GPU_MEMORY_LIMIT_GB if it has more, or take another card."
        )
    return ModelUnavailable(
        f"The weights in {located.path} cannot be loaded: {str(error).strip() or type(error).__name__}. "
        f"They may be damaged: {located.remedy}."
    )


class Parakeet:
    """Loaded weights; a `Transcriber`. May be called from several threads, which take turns."""

    batch: int | None = None
    hears_phrases = True

    def __init__(self, name: str, located: Located, networks: Networks) -> None:
        self.model = name
        self.revision = located.revision
        self.language = located.language
        self._networks = networks
        self._search = Search(networks)
        self._gpu = networks.device.type == "cuda"
        self.engine: Engine = (PARAKEET_GPU if self._gpu else PARAKEET_CPU).name
        self._lock = threading.Lock()

    @property
    def device(self) -> Device:
        """What it runs on, for logs, `--check` and benchmarks."""
        dtype = str(self._networks.dtype).removeprefix("torch.")
        if self._gpu:
            return cuda.described(dtype, self._search.graphs())
        return Device(name="processor", memory=0, driver="", dtype=dtype, graphs="no CUDA graphs: no GPU")

    def memory(self) -> DeviceMemory | None:
        """Memory of the GPU; the peak is counted anew from here. None on a CPU."""
        return cuda.memory() if self._gpu else None

    def warm_up(self) -> None:
        """Compile, capture and allocate what the first windows would otherwise wait for."""
        if self._gpu:
            with self._lock, self._errors_told_apart(), torch.inference_mode():
                self._search.capture(GRAPH_WINDOWS, GRAPH_FRAMES)
        noise = np.random.default_rng(0).standard_normal(10 * SAMPLE_RATE, dtype=np.float32) * 0.01
        self.transcribe([noise, noise])

    def transcribe(
        self,
        windows: Sequence[NDArray[np.float32]],
        phrases: Sequence[tuple[str, ...]] = (),
        languages: Sequence[str | None] = (),
    ) -> list[tuple[Word, ...]]:
        """Recognise windows of audio, see `Transcriber`. Windows shorter than 25 ms hold no word."""
        heard: list[tuple[Word, ...]] = [()] * len(windows)
        usable = [index for index, window in enumerate(windows) if len(window) >= ANALYSIS]
        if not usable:
            return heard
        network = self._networks.network
        with self._lock, self._errors_told_apart():
            lists = self._search.trees.numbers(phrases or [()] * len(windows))
            with torch.inference_mode():
                encoded, frames = self._networks.encode([windows[index] for index in usable])
                tokens = self._search.tokens(
                    encoded,
                    frames,
                    [lists[index] for index in usable],
                    [languages[index] if languages else None for index in usable],
                )
        for index, one in zip(usable, tokens, strict=True):
            heard[index] = words.words(one, network.pieces, network.frame_seconds)
        return heard

    @contextmanager
    def _errors_told_apart(self) -> Iterator[None]:
        """Tell windows that do not fit, and a GPU that is lost to this process, from other errors."""
        try:
            yield
        except Exception as error:
            short = cuda.shortage(error)
            if not short:
                # After a failed kernel or an uncorrectable memory error, every later call fails as well.
                if self._gpu and (reason := cuda.loss()):
                    raise EngineLost(reason) from error
                raise
            self._search.forget_graphs()
        else:
            return
        # Out here the error no longer holds the stack frames of the failed call, and with them its tensors.
        torch.cuda.empty_cache()
        raise OutOfMemory(short)
