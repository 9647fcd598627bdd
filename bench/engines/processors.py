"""The real size on a processor: random weights of Parakeet 0.6B, ours against NeMo and onnx-asr in every precision.

    python -m bench real-size --device cpu [--folder WEIGHTS] [--only CONTENDER …] [--seconds 188] [--rounds 3]

Every contender runs alone, in a process of its own, one after the other: the weights of two do not fit most machines.
So core-seconds are the figure; times of a machine that does other work meanwhile say little. Ours are those of the
whole flow, from the file to the last output file; NeMo and onnx-asr are given the windows that our cutting made, and
take the fastest of their batch sizes. First words are those of 8 s of speech in a process that was just started, whose
weights an earlier one has seen. The text means nothing.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench import machine
from bench.engines import random_weights
from gpu_job.cores import cores
from gpu_job.peak_memory import peak_memory
from tests.speech import SAMPLE_RATE, read_media, talk, write_wav

if TYPE_CHECKING:
    import numpy as np

ROOT = Path(__file__).resolve().parent.parent.parent
FIRST_SECONDS = 8.0
"""Seconds of the recording whose first words are waited for."""
BATCHES = (1, 4)
"""Windows in a call of NeMo or onnx-asr."""
WINDOW = 15.0
"""Seconds of theirs, at most."""
GIGABYTES = 4.0
"""Most memory that an engine of ours may take, 10⁹ bytes."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """What a contender took."""

    loading: float
    """Core-seconds from the start of its process until it was loaded and warm."""
    seconds: list[float]
    """The seconds of each round."""
    core: list[float]
    """Core-seconds of each round."""
    peak: int
    """Most memory of its process, bytes."""
    tokens: int
    """That it found in a round: where weights find none, there is nothing to decode."""
    how: str
    """For the table."""


def ours(folder: Path, precision: str):
    """The whole flow with our engine in one precision; a function from a file to the number of tokens."""
    from gpu_job.speech.onnx import onnx_engine, openvino_encoder

    export = folder / "onnx"
    if precision == "bfloat16" and not (openvino_encoder.is_installed() and openvino_encoder.has_bfloat16()):
        raise LookupError("this CPU has no bfloat16, or OpenVINO is not installed")
    if precision == "fp32":
        openvino_encoder.suits = lambda _: False
    engine = onnx_engine.load(str(_int8(export) if precision == "int8" else export))
    return _whole_flow(engine)


def ours_nemo(folder: Path, precision: str):
    """The whole flow with the engine that runs on GPUs, on the processor."""
    import torch

    from gpu_job.speech.nemo import nemo_engine
    from gpu_job.speech.nemo.archive import opened
    from gpu_job.speech.nemo.networks import Networks
    from gpu_job.weights.lookup import locate

    torch.set_num_threads(cores())
    located = locate(str(folder / "random.nemo"), "nemo")
    with opened(located.path) as archive:
        networks = Networks.of(archive, torch.device("cpu"), getattr(torch, precision))
    engine = nemo_engine.Parakeet("random", located, networks)
    return _whole_flow(engine)


def _whole_flow(engine):
    from bench.flow import WholeFlow

    engine.warm_up()
    how = f"the whole flow, {engine.device.dtype}"
    return WholeFlow(engine, lambda run: sum(map(random_weights.tokens, run.texts))), how


def nemo(folder: Path, precision: str):
    """NeMo's `transcribe()` on our windows."""
    import torch

    from bench.engines.contenders import nemo_model
    from bench.engines.job import Job

    model = nemo_model(Job(kind="hours", model=str(folder / "random.nemo"), device="cpu", files=(), trial=()))
    model.to(getattr(torch, precision))

    def recognise(windows, size):
        heard = model.transcribe(windows, batch_size=size, num_workers=0, verbose=False)
        return sum(random_weights.tokens(one.text) for one in heard)

    return _OnWindows(recognise), f"transcribe(our windows), {precision}"


def onnx_asr(folder: Path, precision: str):
    """onnx-asr's `recognize` on our windows."""
    import onnx_asr as library

    export = folder / "onnx"
    model = library.load_model("nemo-conformer-tdt", _int8(export) if precision == "int8" else export)

    def recognise(windows, size):
        parts = [windows[first : first + size] for first in range(0, len(windows), size)]
        return sum(random_weights.tokens(text) for part in parts for text in model.recognize(part))

    return _OnWindows(recognise), f"recognize(our windows), {precision}"


class _OnWindows:
    """What is given the windows that our cutting makes, those of like length in one call, as ours are.

    Args:
        recognise: windows and how many in a call → the number of tokens.
    """

    def __init__(self, recognise):
        self._recognise = recognise
        self._size = 1

    def choose(self, path: Path) -> None:
        """Take the batch size that took the fewest core-seconds for the first windows of a file."""
        part, taken = self._windows(path)[: max(BATCHES)], {}
        for size in BATCHES:
            before = machine.core_seconds()
            self._recognise(sorted(part, key=len), size)
            taken[size] = machine.core_seconds() - before
        self._size = min(taken, key=taken.__getitem__)

    def prepare(self, paths: list[Path]) -> list[Path]:
        """Nothing is to be prepared."""
        return paths

    def __call__(self, paths: list[Path]) -> int:
        return sum(self._recognise(sorted(self._windows(path), key=len), self._size) for path in paths)

    @staticmethod
    def _windows(path: Path) -> list[np.ndarray]:
        from gpu_job.speech.windowing import cut, floats

        samples = read_media(path)
        return [floats(samples[one.start : one.end]) for one in cut(samples, target=WINDOW)]


def _int8(export: Path) -> Path:
    from gpu_job.weights.int8 import located_int8
    from gpu_job.weights.lookup import locate

    return located_int8(locate(str(export))).path


CONTENDERS = {
    "ours, bfloat16": (ours, "bfloat16"),
    "NeMo, bfloat16": (nemo, "bfloat16"),
    "onnx-asr, fp32": (onnx_asr, "fp32"),
    "ours, int8": (ours, "int8"),
    "onnx-asr, int8": (onnx_asr, "int8"),
    "ours, fp32": (ours, "fp32"),
    "our NeMo engine, bfloat16": (ours_nemo, "bfloat16"),
    "NeMo, fp32": (nemo, "float32"),
}
BARS = (
    ("ours, bfloat16", "NeMo, bfloat16", 1.3),
    ("ours, bfloat16", "onnx-asr, fp32", 1.8),
    ("ours, int8", "onnx-asr, int8", 1.2),
)
"""Times the core-seconds of ours that theirs takes, as promised."""
FIRST_WORDS = 4.0
"""Seconds until the first words of ours, as promised."""


def measure(name: str, folder: Path, file: Path, short: Path, rounds: int) -> Found:
    """One contender; in a process of its own. It is warm, and has chosen its batch size, before the first round."""
    make, precision = CONTENDERS[name]
    work, how = make(folder, precision)
    loading, tokens = machine.core_seconds(), 0
    work(work.prepare([short]))
    if isinstance(work, _OnWindows):
        work.choose(file)
    seconds, core = [], []
    for _ in range(rounds):
        prepared = work.prepare([file])
        before, started = machine.core_seconds(), time.perf_counter()
        tokens = work(prepared)
        seconds.append(time.perf_counter() - started)
        core.append(machine.core_seconds() - before)
    return Found(loading=loading, seconds=seconds, core=core, peak=peak_memory(), tokens=tokens, how=how)


def first_words(name: str, folder: Path, file: Path) -> tuple[float, float]:
    """Seconds and core-seconds from the start of a process to the words of a short file."""
    command = [
        sys.executable,
        "-m",
        "bench.engines.processors",
        "--folder",
        str(folder),
        "--first",
        name,
        str(file),
    ]
    started, before = time.perf_counter(), machine.core_seconds()
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as child:
        line = child.stdout.readline()
        seconds = time.perf_counter() - started
    if not line:
        raise LookupError(f"{name} heard nothing")
    return seconds, machine.core_seconds() - before


def weights(folder: Path, layers: int, vocabulary: int) -> None:
    """Make the random weights, and their export, unless they are there."""
    from gpu_job.speech.nemo import nemo_export

    archive, export = folder / "random.nemo", folder / "onnx"
    if not archive.exists():
        print("making random weights …", flush=True)
        size, rate = random_weights.write(archive, layers=layers, vocabulary=vocabulary)
        print(f"{size / 1e6:.0f} million random parameters, {rate:.1f} tokens a second found in speech")
    if not (export / "config.json").exists():
        print("exporting them to ONNX (some minutes, 11 GB of memory) …", flush=True)
        export.mkdir(exist_ok=True)
        nemo_export.export(archive, export)


def forms(folder: Path) -> None:
    """Make the other forms of the export, as a first start does: what that takes is not a later start's."""
    from gpu_job.speech.onnx import openvino_encoder
    from gpu_job.weights.lookup import locate

    if openvino_encoder.is_installed() and openvino_encoder.has_bfloat16():
        openvino_encoder.compiled(locate(str(folder / "onnx")))
    _int8(folder / "onnx")


def run(arguments) -> int:
    """Measure, print the table; 0 when one contender ran."""
    for line in machine.described("cpu"):
        print(line)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) if arguments.folder is None else arguments.folder.absolute()
        folder.mkdir(parents=True, exist_ok=True)
        # In a process of their own: what made them takes memory.
        machine.in_fresh_process(weights, folder, arguments.layers, arguments.vocabulary)
        machine.in_fresh_process(forms, folder)
        long, short = Path(name, "long.wav"), Path(name, "short.wav")
        # The speech on which blank's bias was set: in other speech random weights find more tokens, or none.
        speech = talk(arguments.seconds, seed=random_weights.SEED)[0]
        write_wav(long, speech)
        write_wav(short, talk(FIRST_SECONDS, seed=6)[0])
        length = len(speech) / SAMPLE_RATE
        print(f"\n{length:.0f} s of speech, {arguments.rounds} rounds; least (most) of them\n")
        print(
            f"{'':27}{'RTFx':>15}{'core-s/h':>17}{'peak GB':>9}{'tokens/s':>10}{'first words s (core-s)':>24}   how"
        )
        found: dict[str, tuple[Found, float | None]] = {}
        for one in arguments.only or CONTENDERS:
            try:
                taken = machine.in_fresh_process(measure, one, folder, long, short, arguments.rounds)
                first, first_core = (
                    first_words(one, folder, short) if one.startswith("ours") else (None, None)
                )
            except Exception as error:  # noqa: BLE001 - whatever it is, the others go on
                print(
                    f"{one:27}skipped: {str(error).splitlines()[0][:90] if str(error) else error!r}",
                    flush=True,
                )
                continue
            found[one] = taken, first
            hours = length / 3600
            speed = f"{length / min(taken.seconds):.1f} ({length / max(taken.seconds):.1f})"
            cores = f"{min(taken.core) / hours:.0f} ({max(taken.core) / hours:.0f})"
            print(
                f"{one:27}{speed:>15}{cores:>17}{taken.peak / 1e9:9.1f}{taken.tokens / length:10.2f}"
                f"{f'{first:.1f} ({first_core:.1f})' if first else '':>24}   {taken.how}",
                flush=True,
            )
    _compare(found)
    return 0 if found else 1


def _compare(found: dict[str, tuple[Found, float | None]]) -> None:
    print()
    for mine, other, bar in BARS:
        if mine in found and other in found:
            ratio = min(found[other][0].core) / min(found[mine][0].core)
            print(f"{other} takes {ratio:.2f} times the core-seconds of {mine}; promised: {bar}")
    for name, (taken, first) in found.items():
        if first:
            print(
                f"{name}: {taken.peak / 1e9:.1f} GB at most, promised {GIGABYTES:g}; "
                f"first words after {first:.1f} s, promised {FIRST_WORDS:g}"
            )


def _first() -> int:
    """A process that says its first words and ends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--first")
    parser.add_argument("file", type=Path)
    given = parser.parse_args()
    make, precision = CONTENDERS[given.first]
    answers = sys.stdout
    sys.stdout = sys.stderr
    work, _ = make(given.folder, precision)
    print(work(work.prepare([given.file])), file=answers, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(_first())
