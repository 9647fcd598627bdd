"""How fast the real size is: random weights of Parakeet 0.6B, which windows and batches suit it, and the worker.

    python -m bench real-size                               on a GPU; needs no network
    python -m bench real-size --device cpu                  ours against others on a processor (`processors.py`)
    python -m bench real-size --device cpu --layers 2 --quick    the code for a GPU on a processor, for a trial

In one run: encoder and decoder on windows of several lengths in batches of several sizes, until memory ends; then
the worker over the engine alone (`bench/worker.py`); then the product against NeMo's own ways with the same weights
(`speed.py`), long files and a bag of short ones. The text means nothing, and no word error rate does.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from bench import command_line, machine, worker
from bench.engines import processors, random_weights
from bench.keeps_up import make_files
from gpu_job.speech.transcriber import OutOfMemory
from gpu_job.speech.windowing import floats
from shared.settings import Settings
from tests.speech import SAMPLE_RATE, talk

ROOT = Path(__file__).resolve().parent.parent.parent
LENGTHS = (10.0, 20.0, 30.0, 40.0)
"""Seconds of a window."""
TOGETHER = (80, 160, 320, 640, 1280, 2560, 5120, 10240)
"""Seconds of sound in a batch."""
LEAST = 2.0
"""Seconds that each cell is measured for, or once."""


def sweep(engine, lengths, together) -> None:
    """A row for each length of windows, a column for each size of batches; RTFx, and the memory of it."""
    sound = floats(talk(60 * 20.0, seed=7)[0])
    random = np.random.default_rng(0)
    best = (0.0, 0.0, 0)
    print(
        f"{'windows':>9}"
        + "".join(f"{f'{size} s':>12}" for size in together)
        + "   RTFx by seconds in a batch"
    )
    for seconds in lengths:
        length, line = round(seconds * SAMPLE_RATE), f"{seconds:7g} s"
        for size in together:
            count = max(1, round(size / seconds))
            at = random.integers(0, len(sound) - length, count)
            try:
                speed = _speed(engine, [sound[start : start + length] for start in at])
            except OutOfMemory:
                line += f"{'no room':>12}"
                break
            except RuntimeError as error:  # what libraries raise where an index passes 32 bits
                line += f"   {str(error).splitlines()[0][:60]}"
                break
            best = max(best, (speed, seconds, count))
            memory = engine.memory()
            line += f"{speed:>12.0f}" if memory is None else f"{f'{speed:.0f} {memory.peak / 1e9:.1f}G':>12}"
        print(line, flush=True)
    print(f"best: {best[0]:.0f}x with {best[2]} windows of {best[1]:g} s\n", flush=True)


def _speed(engine, windows) -> float:
    """Seconds of sound a second, after a warm-up."""
    engine.transcribe(windows)
    engine.memory()
    rounds, started = 0, time.perf_counter()
    while rounds == 0 or time.perf_counter() - started < LEAST:
        engine.transcribe(windows)
        rounds += 1
    return rounds * sum(map(len, windows)) / SAMPLE_RATE / (time.perf_counter() - started)


def main() -> int:
    """Measure all of it; 0 when everything ran."""
    arguments = parse()
    if arguments.device is None and not machine.has_cuda():
        print(
            "left out: there is no GPU. --device cpu compares on the processor (half an hour, 11 GB of memory)"
        )
        return 0
    if arguments.device == "cpu" and not arguments.quick:
        return processors.run(arguments)
    for line in machine.described(arguments.device):
        print(line)
    with tempfile.TemporaryDirectory() as name:
        path, sound = Path(name, "random.nemo"), Path(name, "sound")
        sound.mkdir()
        started = time.perf_counter()
        size, rate = random_weights.write(path, layers=arguments.layers, vocabulary=arguments.vocabulary)
        print(
            f"{size / 1e6:.0f} million random parameters, {rate:.1f} tokens a second found in speech, "
            f"written in {time.perf_counter() - started:.0f} s"
        )
        started = time.perf_counter()
        engine = worker.load(str(path), arguments.device, onnx=False)
        device = engine.device
        print(
            f"loaded and warm after {time.perf_counter() - started:.1f} s: {device.name}, {device.driver or 'no driver'}, "
            f"{device.dtype}, CUDA graphs: {device.graphs}\n"
        )
        quick = arguments.quick
        sweep(engine, LENGTHS[:2] if quick else LENGTHS, TOGETHER[:2] if quick else TOGETHER)
        make_files(sound, arguments.hours)
        worker.measure(engine, sound, arguments.rounds, arguments.memory, arguments.device)
        del engine
        again = ["--model", str(path), "--device", arguments.device, "--rounds", str(arguments.rounds)]
        parts = (
            (["--hours", "0.02"], ["--bag", "10"])
            if quick
            else (["--hours", str(arguments.hours)], ["--bag", "1000"])
        )
        worst = 0
        for part in parts:
            print(flush=True)
            command = [sys.executable, "-m", "bench.engines.speed", *again, *part]
            worst = max(worst, subprocess.run(command, cwd=ROOT, check=False).returncode)
    return worst


def parse():
    """The command line."""
    parser = command_line("real-size", __doc__)
    parser.add_argument("--device", choices=("cpu", "cuda"), help="the GPU, if there is one")
    parser.add_argument("--layers", type=int, default=24, help="of the encoder; the real one has 24")
    parser.add_argument("--vocabulary", type=int, default=8192, help="tokens: 8192 as v3, 1024 as v2")
    parser.add_argument("--hours", type=float, default=8.0, help="of speech")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--memory",
        type=float,
        default=Settings().gpu_memory_limit_gb,
        help="as GPU_MEMORY_LIMIT_GB, for the worker",
    )
    parser.add_argument("--quick", action="store_true", help="little of everything")
    on_cpu = parser.add_argument_group("on a processor")
    on_cpu.add_argument("--folder", type=Path, help="keep the weights there, or take them from there (7 GB)")
    on_cpu.add_argument("--seconds", type=float, default=188.0, help="of speech")
    names = tuple(processors.CONTENDERS)
    on_cpu.add_argument(
        "--only", nargs="+", choices=names, metavar="CONTENDER", help=f"some of: {'; '.join(names)}"
    )
    found = parser.parse_args()
    if found.device is None and machine.has_cuda():
        found.device = "cuda"
    if found.quick:
        found.hours, found.rounds = 0.02, 2
    return found


if __name__ == "__main__":
    sys.exit(main())
