"""What the worker adds to its engine: the same windows through both, in turns.

    python -m bench worker [--model FILE.nemo] [--device cuda] [--hours 10] [--rounds 3] [--onnx]

The engine alone is given windows that lie in memory, packed at once for the room that it has. The worker pulls
chunks, reads and decodes mp3, cuts, packs and keeps results, with a fresh state and decoding processes that are
still to be started. What it does before its first batch is told apart: beside real weights it happens while they
load. `keeps_up.py` asks the same of an engine that sleeps.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path

from bench import command_line, machine
from bench.keeps_up import Passed, make_files, through
from bench.machine import spread
from gpu_job.pipeline.batcher import pack
from gpu_job.pipeline.loaded_engines import LoadedEngines
from gpu_job.pipeline.memory import units
from local.backend.embedded_ports import open_ports
from shared.settings import Settings

TARGET = 0.95
"""Share of the engine's own speed that the worker is to reach on a GPU; on a processor the two share its cores."""


class Watched:
    """An engine that notes when it began, and keeps what it was given where that is wanted."""

    def __init__(self, engine) -> None:
        self._engine = engine
        self.began = 0.0
        self.windows: list | None = None
        self.words = 0

    def __getattr__(self, name):
        return getattr(self._engine, name)

    def transcribe(self, windows, phrases=(), languages=()):
        self.began = self.began or time.perf_counter()
        if self.windows is not None:
            self.windows += windows
        heard = self._engine.transcribe(windows, phrases, languages)
        self.words += sum(map(len, heard))
        return heard


def once(folder: Path, engine: Watched, limit_gb: float) -> Passed:
    """All files of a folder through a worker with a fresh state."""
    with tempfile.TemporaryDirectory() as state:
        settings = Settings(
            state_dir=Path(state), engines=engine.engine, model=engine.model, gpu_memory_limit_gb=limit_gb
        )
        return through(lambda: open_ports(settings), sorted(folder.iterdir()), engine)


def alone(engine, windows, engines: LoadedEngines) -> float:
    """Seconds that the engine takes for windows in memory, packed as the worker packs them."""
    batches = pack([len(one) for one in windows], engine, engines.capacity(engine))
    started = time.perf_counter()
    for batch in batches:
        engine.transcribe([windows[index] for index in batch])
        engines.fitted(engine, len(batch) * units(float(max(len(windows[index]) for index in batch))))
    return time.perf_counter() - started


def measure(engine, folder: Path, rounds: int, limit_gb: float, device: str) -> None:
    """Both in turns; prints a line for each round, and the shares."""
    engines = LoadedEngines(lambda _model: engine, limit_gb)
    engines.get(engine.model)  # what there is of memory before anything else
    watched = Watched(engine)
    watched.windows = []
    once(folder, watched, limit_gb)  # warms everything up, and tells the windows
    windows, watched.windows = watched.windows, None
    seconds = sum(map(len, windows)) / 16_000
    words = watched.words
    for _ in range(2):
        alone(engine, windows, engines)  # learns how much memory there is
    runs, bare = [], []
    for number in range(rounds):
        bare.append(alone(engine, windows, engines))
        runs.append(once(folder, watched, limit_gb))
        print(
            f"round {number + 1} of {rounds}: engine {bare[-1]:.2f} s, worker {runs[-1].seconds:.2f} s",
            flush=True,
        )
    shares = [one / run.seconds for one, run in zip(bare, runs, strict=True)]
    filled = [one / (run.seconds - run.fill) for one, run in zip(bare, runs, strict=True)]
    aim = f"   aim {TARGET}" if device == "cuda" else "   (decoding takes cores from the engine here)"
    print(
        f"\n{engine.engine} ({engine.device.dtype}, {engine.device.graphs}), {seconds / 3600:.2f} h in {len(windows)} "
        f"windows, {words / seconds:.1f} words a second\n"
        f"  engine alone {seconds / statistics.median(bare):.0f}x, worker "
        f"{seconds / statistics.median(one.seconds for one in runs):.0f}x, padding {100 * runs[-1].padding:.1f} %\n"
        f"  worker over engine {spread(shares)}{aim}\n"
        f"  without the {statistics.median(one.fill for one in runs):.2f} s before its first batch {spread(filled)}"
    )
    peak = engines.peak()
    print(f"  peak {peak.size / 1e9:.2f} GB of {peak.memory} memory")


def load(model: str, device: str, *, onnx: bool):
    """The engine, warm."""
    if onnx:
        from gpu_job.speech.onnx import onnx_engine

        engine = onnx_engine.load(model)
    else:
        from gpu_job.speech.nemo import nemo_engine

        engine = nemo_engine.load(model, device=device)
    engine.warm_up()
    return engine


def main() -> int:
    """Measure, and print; 0 when everything ran."""
    parser = command_line("worker", __doc__)
    parser.add_argument("--model", default="tiny", help="weights: tiny, or a .nemo file")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cuda" if machine.has_cuda() else "cpu")
    parser.add_argument("--hours", type=float, help="of mp3 (1; 10 on a GPU)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--onnx", action="store_true", help="the ONNX engine, on a processor")
    parser.add_argument(
        "--memory", type=float, default=Settings().gpu_memory_limit_gb, help="as GPU_MEMORY_LIMIT_GB"
    )
    arguments = parser.parse_args()
    hours = arguments.hours or (10.0 if arguments.device == "cuda" else 1.0)
    for line in machine.described(arguments.device):
        print(line)
    with tempfile.TemporaryDirectory() as name:
        make_files(Path(name), hours)
        engine = load(arguments.model, arguments.device, onnx=arguments.onnx)
        measure(engine, Path(name), arguments.rounds, arguments.memory, arguments.device)
    return 0


if __name__ == "__main__":
    sys.exit(main())
