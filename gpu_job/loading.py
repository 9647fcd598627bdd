"""Which engine runs some weights on this machine, and how it is loaded."""

from __future__ import annotations

import importlib.util
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from gpu_job.speech.transcriber import EngineLost, OutOfMemory, Transcriber
from gpu_job.start_up import StartUp
from gpu_job.weights.catalogue import Kind, by_name
from gpu_job.weights.lookup import locate
from shared.engines import PARAKEET_CPU, PARAKEET_GPU
from shared.errors import ConfigurationError, ModelUnavailable
from shared.routing import weights

if TYPE_CHECKING:
    from gpu_job.voices.diarizer import Diarizer
    from shared.model import Engine
    from shared.settings import Settings

NVIDIA = (Path("/dev/nvidia0"), Path("/dev/nvidiactl"), Path("/dev/dxg"))
"""One of these exists if a process may use an NVIDIA GPU; `dxg` under Windows. Asking torch takes seconds."""


def load(
    settings: Settings, model: str, *, warm: bool = True, start_up: StartUp | None = None
) -> Transcriber:
    """The engine for some weights on this machine: NeMo on a GPU, else ONNX on the CPU.

    A `.nemo` file, or a folder with one, goes to NeMo, wherever it runs. A folder with an ONNX export does not, unless
    the deployment has GPUs only. `model` is a name of `weights.catalogue()`, a `.nemo` file, or a folder with one or
    with an ONNX export.

    Raises:
        ConfigurationError: there is a GPU, or should be one, that cannot be used. A CPU fallback on a GPU machine is
            refused: it would cost the GPU's price.
        ModelUnavailable: says what is missing and what to do.
    """
    if settings.image_model and model not in settings.image_model.split() and by_name(model) is not None:
        raise ModelUnavailable(
            f"This image holds the weights {settings.image_model}, and the chunk asks for {model}. If that is not "
            "intended, give all functions and jobs the same PARAKEET_MODEL_NAME."
        )
    start_up = start_up or StartUp()
    if form(settings, model) == "nemo":
        if not _has_nemo():
            if by_name(model) is None:
                locate(model, "nemo")  # a mistyped path should not make a user install gigabytes
            raise ConfigurationError(
                f"Running {model} takes torch and NeMo, which are not installed here. Install them with "
                "`pip install 'dropscribe[nemo]'`, or use the image that Dockerfile.gpu builds."
            )
        with start_up.timed("library"):
            from gpu_job.speech.nemo import nemo_engine  # noqa: PLC0415 - imports torch, for this engine only

        with start_up.timed("weights"):
            engine: Transcriber = nemo_engine.load(
                model,
                device="cuda" if _on_gpu(settings) else "cpu",
                limit_gb=settings.gpu_memory_limit_gb,
            )
    else:
        with start_up.timed("library"):
            from gpu_job.speech.onnx import onnx_engine  # noqa: PLC0415 - imports onnxruntime, for this engine only

        with start_up.timed("weights"):
            engine = onnx_engine.load(model, threads=settings.cpu_threads, callers=settings.cpu_callers)
    if warm:
        with start_up.timed("warm_up"):
            warm_up(engine)
    return engine


def load_diarizer(settings: Settings) -> Diarizer:
    """Who tells the voices of a chunk, on the processor wherever words are recognised.

    Raises:
        ModelUnavailable: says what is missing or damaged, and what to do.
    """
    from gpu_job.voices import onnx_diarizer  # noqa: PLC0415 - imports onnxruntime, for recordings that ask for speakers

    return onnx_diarizer.load(settings.speaker_weights)


def check_image(settings: Settings) -> None:
    """Check that the image of this worker holds the weights of the deployment.

    Raises:
        ConfigurationError: it holds others.
    """
    if not settings.image_model:
        return
    held = settings.image_model.split()
    used = weights.of_deployment(settings)
    for name, model in used.items():
        if model not in held:
            raise ConfigurationError(
                f"This image holds the weights {settings.image_model}, and the deployment uses {model} ({name}). Build "
                f"the image with --build-arg MODEL={shlex.quote(' '.join(used.values()))}, or set {name} "
                "of all functions and jobs to what it holds."
            )


def warm_up(engine: Transcriber) -> None:
    """Warm an engine up.

    Raises:
        ModelUnavailable: there is no memory to work in beside the weights.
        ConfigurationError: the accelerator broke down.
    """
    try:
        engine.warm_up()
    except OutOfMemory as error:
        raise ModelUnavailable(
            f"{engine.model} is loaded, but there is no room to work beside it in the memory of the GPU ({error}). Let "
            "nothing else use the card, raise GPU_MEMORY_LIMIT_GB if it has more, or take another card."
        ) from error
    except EngineLost as error:
        raise ConfigurationError(
            f"The GPU does nothing more for this process ({error}). If that happens to every worker, check the card "
            "and its driver."
        ) from error


def form(settings: Settings, model: str) -> Kind:
    """The form of some weights that `load` takes on this machine."""
    if must_have_gpu(settings) or model.endswith(".nemo"):
        return "nemo"
    folder = Path(model).expanduser()
    if folder.is_dir():
        # A folder with both counts as an export, as elsewhere.
        export = any(folder.glob("*.onnx")) or not any(folder.glob("*.nemo"))
        return "onnx" if export else "nemo"
    return "nemo" if _on_gpu(settings) else "onnx"


def here() -> tuple[Engine, ...]:
    """The engines of ours that this machine can run, the fastest first."""
    gpu = (PARAKEET_GPU.name,) if has_gpu() and _has_nemo() else ()
    return (*gpu, PARAKEET_CPU.name)


def must_have_gpu(settings: Settings) -> bool:
    """Whether the deployment has no other engine of ours than Parakeet on a GPU."""
    named = settings.engine_set
    return settings.enable_gpu and PARAKEET_GPU.name in named and PARAKEET_CPU.name not in named


def _on_gpu(settings: Settings) -> bool:
    return must_have_gpu(settings) or (settings.enable_gpu and PARAKEET_GPU.name in here())


def has_gpu() -> bool:
    """Whether there is an NVIDIA GPU, as far as can be told without torch."""
    return any(path.exists() for path in NVIDIA)


def _has_nemo() -> bool:
    return all(importlib.util.find_spec(name) is not None for name in ("torch", "nemo"))
