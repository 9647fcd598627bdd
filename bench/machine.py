"""What a figure was measured on, for the head of a table."""

from __future__ import annotations

import contextlib
import importlib.metadata
import importlib.util
import multiprocessing
import os
import platform
import resource
import shutil
import statistics
import subprocess
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from gpu_job.peak_memory import UNIT

ASKED = (
    ("name", "driver_version", "memory.total", "memory.used", "power.limit", "temperature.gpu"),
    (
        "clocks.sm",
        "clocks.max.sm",
        "clocks.mem",
        "clocks.max.mem",
        "clocks_event_reasons.active",
        "mig.mode.current",
    ),
)
"""What `nvidia-smi --query-gpu` is asked for, a line each."""


def has_cuda() -> bool:
    """Whether torch is there and can use a GPU."""
    if importlib.util.find_spec("torch") is None:
        return False
    from gpu_job.loading import has_gpu

    if not has_gpu():
        return False  # to ask torch takes seconds
    import torch

    return torch.cuda.is_available()


def fresh_process(initializer=None) -> ProcessPoolExecutor:
    """A process of its own, which inherits nothing that was loaded here."""
    method = multiprocessing.get_start_method()
    return ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), _begin, (method, initializer))


def _begin(method: str, initializer) -> None:
    """What a process started here begins itself is begun as usual: otherwise it would be spawned, as this one was."""
    multiprocessing.set_start_method(method, force=True)
    if initializer is not None:
        initializer()


def in_fresh_process(work, *arguments):
    """What a function answers in a process of its own."""
    with fresh_process() as process:
        return process.submit(work, *arguments).result()


def core_seconds() -> float:
    """Processor time of this process and its children, ended ones and, where Linux tells it, those that live."""
    return sum(os.times()[:4]) + sum(map(_seconds_of, _children("self")))


def _children(process: str) -> list[str]:
    """Ids of the processes that a process has started, itself or by one of these."""
    found = []
    for listed in Path(f"/proc/{process}/task").glob("*/children"):
        with contextlib.suppress(OSError):  # the thread, or the process, has just ended
            for child in listed.read_text(encoding="ascii").split():
                found += [child, *_children(child)]
    return found


def _seconds_of(process: str) -> float:
    """Processor time of a process and of its ended children; 0 if it has just ended, as its parent's has it then."""
    try:
        stat = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return 0.0
    return sum(map(int, stat.rpartition(")")[2].split()[11:15])) / os.sysconf("SC_CLK_TCK")


def busy_seconds() -> float:
    """Processor time of the whole machine since it started; 0 where it does not tell."""
    try:
        first, *_ = Path("/proc/stat").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0.0
    user, nice, system, _idle, _waiting, interrupts, *rest = map(int, first.split()[1:])
    return (user + nice + system + interrupts + rest[0]) / os.sysconf("SC_CLK_TCK")


def spread(values: list[float], form: str = ".2f") -> str:
    """`1.52 (1.40 to 1.71)`: the median, the least and the most."""
    return f"{statistics.median(values):{form}} ({min(values):{form}} to {max(values):{form}})"


def described(device: str) -> list[str]:
    """Lines for people: processor, libraries and, for `cuda`, the GPU, its driver and its clocks now."""
    lines = [
        f"{time.strftime('%Y-%m-%d')}, {platform.platform()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, "
        f"Python {platform.python_version()}" + "".join(f", {one}" for one in _libraries())
    ]
    return lines + (_gpu() if device == "cuda" else ["no GPU"])


def _libraries() -> list[str]:
    found = []
    for name in ("torch", "nemo-toolkit", "onnxruntime"):
        try:
            found.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _gpu() -> list[str]:
    import torch

    known = torch.cuda.get_device_properties(0)
    built = f"built for CUDA {torch.version.cuda}, cuDNN {torch.backends.cudnn.version()}"
    lines = [
        f"{known.name}, {known.total_memory / 1e9:.1f} GB, {known.multi_processor_count} multiprocessors, {built}"
    ]
    if shutil.which("nvidia-smi") is None:
        return [*lines, "nvidia-smi is not there: no driver version, no clocks"]
    for names in ASKED:
        command = ["nvidia-smi", f"--query-gpu={','.join(names)}", "--format=csv,noheader", "--id=0"]
        answer = subprocess.run(command, capture_output=True, text=True, check=False)
        values = answer.stdout.strip().split(", ") if answer.returncode == 0 else []
        if len(values) == len(names):
            lines.append(", ".join(f"{name} {value}" for name, value in zip(names, values, strict=True)))
        else:
            lines.append(
                f"nvidia-smi did not tell {', '.join(names)}: {(answer.stdout + answer.stderr).strip()}"
            )
    return lines


def largest_child() -> int:
    """Peak resident set of the largest child that has ended, bytes; at least what it shared with its parent at first."""
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * UNIT
