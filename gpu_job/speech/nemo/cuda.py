"""What the engine asks of CUDA: whether it can be used, how much memory is taken, what has gone wrong."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import torch

from gpu_job.speech.transcriber import Device, DeviceMemory
from shared.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator

SHORT = ("out of memory", "alloc_failed")
"""What CUDA, cuBLAS and cuDNN call a shortage of memory outside torch's allocator."""


def check(device: torch.device) -> None:
    """Raise ConfigurationError with torch's reason if it cannot use the GPU."""
    try:
        torch.cuda.init()
        torch.zeros(1, device=device)  # a card that is there may still be in use, or not answer
    except (RuntimeError, AssertionError) as error:
        built = f"CUDA {torch.version.cuda}" if torch.version.cuda else "no CUDA"
        raise ConfigurationError(
            f"torch {torch.__version__} is built for {built} and cannot use the GPU: {first_line(error)}. Check that "
            "the task has a GPU to itself and that its driver is new enough for this build (docs/gpu-image.md)."
        ) from error


def precision() -> torch.dtype:
    """Precision of weights: bfloat16 if the GPU computes in it (compute capability 8.0 and later), else single."""
    return torch.bfloat16 if torch.cuda.get_device_capability()[0] >= 8 else torch.float32


def limit(limit_gb: float) -> None:
    """Let torch take at most `limit_gb` 10⁹ bytes of the GPU; beyond that it is out of memory."""
    torch.cuda.set_per_process_memory_fraction(min(1.0, limit_gb * 1e9 / _total()))


def memory() -> DeviceMemory:
    """Memory of the GPU between two calls of the engine; the peak is counted anew from here.

    That of tensors, not all that torch's allocator keeps for the next ones: this stays as large as the largest batch
    has made it, so every small batch after that one would seem to take as much.
    """
    taken, peak = torch.cuda.memory_allocated(), torch.cuda.max_memory_allocated()
    torch.cuda.reset_peak_memory_stats()
    return DeviceMemory(total=_total(), weights=taken, peak=peak)


def described(dtype: str, graphs: str) -> Device:
    """The GPU, for logs, `--check` and benchmarks."""
    name = torch.cuda.get_device_name()
    return Device(name=name, memory=_total(), driver=_driver(), dtype=dtype, graphs=graphs)


def shortage(error: BaseException) -> str:
    """What an error says if it comes from too little memory, else empty.

    A shortage while a graph is captured may be hidden behind the error that ends the capture.
    """
    for one in _behind(error):
        text = str(one)
        if isinstance(one, torch.OutOfMemoryError) or any(word in text.lower() for word in SHORT):
            return text.split(". ", 1)[0].splitlines()[0]
    return ""


def loss() -> str:
    """What the GPU says if it does nothing more for this process; empty if it works."""
    try:
        torch.cuda.synchronize()
    except RuntimeError as error:
        return first_line(error)
    return ""


def first_line(error: BaseException) -> str:
    """The first line of what an error says: those of CUDA go on with advice for programmers."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _behind(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _total() -> int:
    total: int = torch.cuda.get_device_properties(torch.cuda.current_device()).total_memory
    return total


def _driver() -> str:
    """`CUDA 12.2, 535.216.03`; the second part if the system tells."""
    version = torch._C._cuda_getDriverVersion()  # noqa: SLF001 - torch has no public way to it
    told = Path("/proc/driver/nvidia/version")
    kernel = told.read_text(encoding="utf-8").split("Kernel Module", 1)[-1].split() if told.is_file() else []
    number = next((part for part in kernel if part[0].isdigit() and "." in part), "")
    return f"CUDA {version // 1000}.{version % 1000 // 10}" + (f", {number}" if number else "")
