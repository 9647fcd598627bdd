"""Does the host keep up with a fast GPU? The worker with an engine that only sleeps, against that engine alone.

    python -m bench keeps-up [--formats mp3 wav opus] [--speeds 222 1358] [--hours N] [--rounds 2] [--still]

The engine takes as long as an accelerator of that speed would for the padded length of each batch, and gives
two and a half words a second. Alone it is given the same windows, in memory, sorted and packed at once. The
worker pulls, reads, decodes, cuts, packs and keeps results, in a process of its own with a fresh state.

Without `--hours` there is as much sound as the engine takes half a minute for. A worker that is billed never runs
for less, and real weights load while the first chunks are decoded; here nothing hides the time before the first
batch, so it counts.

What a host has to do depends on the format. So each line says the processor time that an hour took, and how many
cores keep up with such an engine. `--still` lets the decoders only sleep as well, as long as they would decode where
each has a core: so a busy machine counts less, and what is left is how well the pipeline overlaps.
"""

from __future__ import annotations

import os
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from bench import command_line
from bench.machine import busy_seconds, core_seconds, described, in_fresh_process

if TYPE_CHECKING:
    from collections.abc import Callable

    from local.backend.embedded_ports import LocalPorts

TARGET = 0.90
"""Share of the engine's own speed that the worker is to reach."""
SECONDS = 30.0
"""Seconds of the engine's time that are measured if no number of hours is given."""
FORMATS: dict[str, dict] = {
    "mp3": {"rate": 44_100, "layout": "stereo", "bit_rate": 128_000, "options": {"write_xing": "0"}},
    "m4a": {"rate": 44_100, "layout": "stereo", "bit_rate": 128_000},
    "flac": {"rate": 44_100, "layout": "stereo"},
    "opus": {"bit_rate": 32_000},
    "wav": {},
}
"""What files are encoded with: music players' stereo at 44.1 kHz, voice in opus, wav at 16 kHz mono."""
DECODING = 3.4
"""Core-seconds to decode an hour of 128 kbit/s stereo mp3, as measured in the decoding process."""
HOUR = 3600
"""Bytes of a file that stands for an hour."""
WORD = 0.4
"""Seconds of each word."""


class Sleeper:
    """An engine of a given speed, in padded seconds of sound a second."""

    engine, model, revision, language, batch = "parakeet-gpu", "sleeper", "1", "en", None

    def __init__(self, speed: float) -> None:
        from shared.results import Word

        self.speed = speed
        self.lengths: list[int] = []
        self.calls = 0
        self.began = 0.0
        self._padded = 0.0
        self._words = [
            Word(text=f"word{n % 50}", start=n * WORD, end=n * WORD + 0.3, confidence=0.9) for n in range(200)
        ]

    def memory(self):
        from gpu_job.speech.transcriber import DeviceMemory

        weights = 1_300_000_000
        return DeviceMemory(total=24 * 10**9, weights=weights, peak=weights + int(5e6 * self._padded))

    def transcribe(self, windows, phrases=(), languages=()):  # noqa: ARG002 - as engines are called
        self.began = self.began or time.perf_counter()
        self._padded = len(windows) * max(map(len, windows)) / 16_000
        until = time.perf_counter() + self._padded / self.speed
        self.calls += 1
        self.lengths += map(len, windows)
        heard = [tuple(self._words[: int(len(one) / 16_000 / WORD)]) for one in windows]
        time.sleep(max(0.0, until - time.perf_counter()))
        return heard


def alone(lengths: list[int], speed: float) -> float:
    """Seconds that the engine takes for windows that lie in memory."""
    import numpy as np

    from gpu_job.speech.packing import pack

    engine = Sleeper(speed)
    longest = np.zeros(max(lengths), np.float32)
    batches = [
        [longest[: lengths[index]] for index in batch] for batch in pack(lengths, max_padded=2000 * 16_000)
    ]
    started = time.perf_counter()
    for batch in batches:
        engine.transcribe(batch)
    return time.perf_counter() - started


@dataclass(frozen=True, kw_only=True)
class Passed:
    """One run of a worker over some files."""

    seconds: float
    """From its start to the last kept result."""
    fill: float
    """Those seconds that passed before the first batch."""
    core: float
    """Processor time, its decoding processes included."""
    others: float
    """Processor time that all else on the machine took meanwhile."""
    audio: float
    """Seconds of sound."""
    padding: float
    """Share of the batches that is no sound."""


def work_off(ports, engine, chunks: int):
    """Run a worker until so many chunks are kept; when it started, seconds from then to the last, and its summary."""
    from gpu_job.pipeline.worker import Worker
    from shared.state import documents

    stop = threading.Event()
    worker = Worker(ports, lambda _model: engine)
    thread = threading.Thread(target=worker.run, args=(stop,))
    started = time.perf_counter()
    thread.start()
    while ports.records.count(documents.CHUNKS) < chunks and thread.is_alive():
        time.sleep(0.02)
    seconds = time.perf_counter() - started
    stop.set()
    thread.join()
    kept = ports.records.count(documents.CHUNKS)
    if kept < chunks:
        raise SystemExit(f"the worker kept {kept} of {chunks} chunks")
    return started, seconds, worker.summary


def through(open_state: Callable[[], LocalPorts], paths: list[Path], engine) -> Passed:
    """All files through a worker; planning them is not timed.

    Args:
        open_state: opens a fresh state: once to plan, and once more for the worker, which starts its own decoding
            processes, as on another machine.
        paths: of the files.
        engine: the worker's; notes in `began` when it began.
    """
    from shared.flow import upload

    ports = open_state()
    planned = [upload.on_object(ports.file(path), ports) for path in paths]
    ports.close()
    chunks = sum(len(one.chunks) for one in planned)
    ports = open_state()
    engine.began = 0.0
    before, all_before = core_seconds(), busy_seconds()
    started, seconds, summary = work_off(ports, engine, chunks)
    ports.close()
    core = core_seconds() - before
    others = max(0.0, busy_seconds() - all_before - core)
    return Passed(
        seconds=seconds,
        fill=engine.began - started,
        core=core,
        others=others,
        audio=sum(one.audio.duration for one in planned),
        padding=summary.padding,
    )


def measured(folder: Path, speed: float) -> tuple[Passed, Sleeper]:
    """In a process of its own: one run at one speed, and what its engine was given."""
    from local.backend.embedded_ports import open_ports
    from shared.settings import Settings

    engine = Sleeper(speed)
    with tempfile.TemporaryDirectory() as state:
        settings = Settings(state_dir=Path(state), engines="parakeet-gpu", model="sleeper")
        sound = folder / "sound"

        def open_state() -> LocalPorts:
            ports = open_ports(settings)
            return replace(ports, media=Still(sound)) if sound.exists() else ports

        paths = sorted(path for path in folder.iterdir() if path != sound)
        return through(open_state, paths, engine), engine


class Still:
    """Decoders that give the same speech for every chunk, after as long as decoding it takes a core."""

    def __init__(self, file: Path) -> None:
        self._samples = file.read_bytes()

    def probe(self, source, *, name, track, both="no"):  # noqa: ARG002 - the port's signature
        from shared.model import AudioInfo

        hours = source.size / HOUR
        return AudioInfo(
            format="wav", codec="pcm_s16le", sample_rate=16_000, channels=1, duration=3600.0 * hours,
            exact=True, splittable_by="time",
        )  # fmt: skip

    def decode(self, source, audio, chunk, *, track, both=False):  # noqa: ARG002 - the port's signature
        from shared.audio import Pcm

        time.sleep((chunk.lead + chunk.end - chunk.start + chunk.tail) / 3600 * DECODING)
        end = min(chunk.end + chunk.tail, audio.duration)
        samples = self._samples[: 2 * round((end - chunk.start + chunk.lead) * 16_000)]
        return Pcm(samples=samples, start=-chunk.lead, owned=chunk.end - chunk.start)

    def close(self) -> None:
        """Nothing."""


def make_still(folder: Path, hours: float) -> None:
    """Files that stand for hours of sound, and the sound that `Still` gives for each chunk of them."""
    from tests.speech import talk

    samples, _ = talk(700, seed=20)
    (folder / "sound").write_bytes(samples.tobytes())
    for number in range(max(1, round(hours))):
        (folder / f"{number}.still").write_bytes(bytes(round(HOUR * min(1.0, hours))))


def make_file(path: Path, hours: float, form: str) -> Path:
    """An hour of speech, or less, in one of `FORMATS`."""
    from tests.speech import talk, write_media

    write_media(path, talk(3600 * min(1.0, hours), seed=20)[0], **FORMATS[form])
    return path


def make_files(folder: Path, hours: float) -> None:
    """Whole hours of speech as mp3, or one file of less: one is encoded, the others are links to it."""
    repeat(make_file(folder / "0.mp3", hours, "mp3"), folder, hours)


def repeat(file: Path, folder: Path, hours: float) -> None:
    """Have a folder hold a file under as many names as there are whole hours."""
    for number in range(max(1, round(hours))):
        link = folder / f"{number}{file.suffix}"
        if not link.exists():
            os.link(file, link)


def main() -> int:
    """Measure, print a line for each speed; 0 when everything ran."""
    parser = command_line("keeps-up", __doc__)
    parser.add_argument("--formats", nargs="+", choices=FORMATS, default=["mp3", "wav", "opus"])
    parser.add_argument("--speeds", type=float, nargs="+", default=[222.0, 1358.0])
    parser.add_argument(
        "--hours", type=float, help=f"of sound (as many as the engine takes {SECONDS:g} s for)"
    )
    parser.add_argument("--rounds", type=int, default=2, help="the best one counts")
    parser.add_argument(
        "--still", action="store_true", help="decoders that sleep as well, as those of mp3 work"
    )
    arguments = parser.parse_args()
    for line in described("cpu"):
        print(line)
    hours = {speed: arguments.hours or SECONDS * speed / 3600 for speed in arguments.speeds}
    for form in ["still"] if arguments.still else arguments.formats:
        with tempfile.TemporaryDirectory() as name:
            file = Path(name) / f"hour.{form}"
            if not arguments.still:
                make_file(file, max(hours.values()), form)
            for speed in arguments.speeds:
                folder = Path(name) / f"{speed:g}"
                folder.mkdir()
                if arguments.still:
                    make_still(folder, hours[speed])
                else:
                    repeat(file, folder, hours[speed])
                runs = [in_fresh_process(measured, folder, speed) for _ in range(arguments.rounds)]
                print(_line(*min(runs, key=lambda one: one[0].seconds), form), flush=True)
    return 0


def _line(run: Passed, engine: Sleeper, label: str) -> str:
    hours, bare = run.audio / 3600, alone(engine.lengths, engine.speed)
    return (
        f"{label}, engine at {engine.speed:.0f}x, {hours:.1f} h: worker {run.audio / run.seconds:.0f}x, engine "
        f"alone {run.audio / bare:.0f}x: {bare / run.seconds:.2f}   aim {TARGET}\n"
        f"  {run.seconds:.1f} s, of them {run.fill:.1f} s before the first batch (without: "
        f"{bare / (run.seconds - run.fill):.2f}); {engine.calls} calls, padding {100 * run.padding:.1f} %; "
        f"{run.core / hours:.2f} core-s an hour, {run.core / run.seconds:.2f} of {os.cpu_count()} cores (to keep up "
        f"with this engine it needs {run.core / bare:.2f}; other work took {run.others / run.seconds:.2f})"
    )


if __name__ == "__main__":
    sys.exit(main())
