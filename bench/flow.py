"""The whole flow on some files, timed: what `dropscribe transcribe` does, from submit to the last output file.

python -m bench flow [host] [overhead] [memory]
"""

from __future__ import annotations

import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench import command_line
from bench.machine import core_seconds, in_fresh_process, largest_child
from dropscribe.progress import Told
from gpu_job.peak_memory import peak_memory
from gpu_job.pipeline.consumer import DECODERS
from gpu_job.speech.onnx import onnx_engine
from local.backend.embedded_ports import open_ports
from local.commands.audio import inputs
from local.runtime import one_shot, submission
from shared.flow.reading import peaks
from shared.model import Options
from shared.results import Word
from shared.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, kw_only=True)
class Run:
    """What some recordings took."""

    seconds: float
    """From submit to the last output file."""
    inference: float
    """Those seconds that were spent in the engine."""
    texts: list[str]
    """The words of each."""


class Timed:
    """An engine, and the wall time spent in it."""

    def __init__(self, engine):
        self._engine = engine
        self.seconds = 0.0

    def __getattr__(self, name):
        return getattr(self._engine, name)

    def transcribe(self, windows, *_):
        started = time.perf_counter()
        heard = self._engine.transcribe(windows)
        self.seconds += time.perf_counter() - started
        return heard


class Instant:
    """An engine that hears two and a half words a second in no time: what is left is the host's work."""

    engine, model, revision, language = "parakeet-cpu", "instant", "1", "en"
    batch, hears_phrases = 64, False

    def memory(self):
        return None

    def transcribe(self, windows, *_):
        return [
            tuple(
                Word(text=f"word{n % 50}", start=n * 0.4, end=n * 0.4 + 0.3, confidence=0.9)
                for n in range(int(len(one) / 16_000 / 0.4))
            )
            for one in windows
        ]


class WholeFlow:
    """Files through the whole flow, in this process, a state of their own for each call of `prepare`.

    States stay until `close`: a file system that has just deleted thousands of files takes several times as long to
    make new ones.

    Args:
        engine: loaded, as decoding processes are by `prepare`.
        answer: what to make of a run.
    """

    def __init__(self, engine, answer=lambda run: run):
        self._engine = engine
        self._answer = answer
        self._opened = ExitStack()
        self._states = ExitStack()

    def prepare(self, paths: Sequence[Path]):
        """What is not the files' cost: an empty state is opened, and the one before is closed."""
        self._opened.close()
        state = self._states.enter_context(tempfile.TemporaryDirectory())
        settings = Settings(state_dir=Path(state), engines=self._engine.engine, model=self._engine.model)
        ports = open_ports(settings)
        self._opened.callback(ports.close)
        ports.media.warm(DECODERS, wait=True)
        return [Path(path) for path in paths], ports

    def __call__(self, prepared):
        paths, ports = prepared
        timed, started = Timed(self._engine), time.perf_counter()
        found = submission.look(inputs.collect(paths).files, Options(), ports)
        submission.submit(found, ports)
        ended = {
            one.file.path: recording
            for one, recording in one_shot.follow(found, ports, lambda _name: timed, progress=Told(None))
        }
        seconds = time.perf_counter() - started
        texts = [_text(ended[path], ports) for path in paths]
        return self._answer(Run(seconds=seconds, inference=timed.seconds, texts=texts))

    def close(self) -> None:
        """Delete the states."""
        self._opened.close()
        self._states.close()


def transcribe(paths: Sequence[Path], engine) -> Run:
    """Files through the whole flow, once."""
    flow = WholeFlow(engine)
    try:
        return flow(flow.prepare(paths))
    finally:
        flow.close()


def _text(recording, ports) -> str:
    assert recording.state == "DONE", recording.reason
    name = next(name for name in recording.outputs if name.endswith("transcript.txt"))
    return " ".join(ports.store.load(ports.settings.transcripts_bucket, name).decode().split())


def _measure(case: str, path: Path) -> dict:
    """In a process of its own: one case, one file."""
    if case == "host":
        before, spent = core_seconds(), []
        peaks.of_chunk = _counted(peaks.of_chunk, spent)
        run = transcribe([path], Instant())
        return {"core": core_seconds() - before, "seconds": run.seconds, "peaks": sum(spent)}
    engine = onnx_engine.load("tiny")
    if case == "overhead":
        transcribe([path], engine)  # once to warm up
        return asdict(transcribe([path], engine))
    run = transcribe([path], engine)
    return {"own": peak_memory() / 1e6, "child": largest_child() / 1e6, "seconds": run.seconds}


def _counted(work, spent: list[float]):
    """A function that notes the processor time of each call."""

    def counted(*given):
        started = time.thread_time()
        found = work(*given)
        spent.append(time.thread_time() - started)
        return found

    return counted


def make_mp3(
    path: Path, hours: float, *, rate: int = 44_100, layout: str = "stereo", bit_rate: int = 128_000
) -> None:
    """Hours of speech as mp3: one hour, or less, is encoded, then its frames are repeated."""
    from tests.speech import talk, write_media

    samples, _ = talk(3600 * min(1.0, hours), seed=20)
    write_media(path, samples, rate=rate, layout=layout, bit_rate=bit_rate, options={"write_xing": "0"})
    hour = path.read_bytes()
    with path.open("ab") as file:
        for _ in range(int(hours) - 1):
            file.write(hour[hour.index(b"\xff", 10) if hour.startswith(b"ID3") else 0 :])


def host(folder: Path) -> str:
    """Core-seconds for an hour of mp3 without inference."""
    path = folder / "hour.mp3"
    make_mp3(path, 1)
    best = min((in_fresh_process(_measure, "host", path) for _ in range(3)), key=lambda one: one["core"])
    return (
        f"host work on an hour of 128 kbit/s stereo mp3, without inference: {best['core']:.2f} core-seconds "
        f"({best['seconds']:.2f} s)   aim 5 or less\n"
        f"of it, the peaks of the waveform: {best['peaks']:.3f} s, {100 * best['peaks'] / best['core']:.2f} %   aim 1 % "
        "or less, inference included"
    )


def overhead(folder: Path) -> str:
    """End to end minus inference, for ten minutes of wav."""
    from tests.speech import talk, write_wav

    path = folder / "ten-minutes.wav"
    write_wav(path, talk(600, seed=20)[0])
    best = min(
        (in_fresh_process(_measure, "overhead", path) for _ in range(3)),
        key=lambda one: one["seconds"] - one["inference"],
    )
    return (
        f"overhead on ten minutes of wav: {best['seconds'] - best['inference']:.2f} s "
        f"({best['seconds']:.2f} s end to end, {best['inference']:.2f} s of it inference)   aim under 1"
    )


def memory(folder: Path) -> str:
    """Peak memory for one hour and for twelve."""
    peaks = {}
    for hours in (1, 12):
        path = folder / f"{hours}h.mp3"
        make_mp3(path, hours, rate=16_000, layout="mono", bit_rate=32_000)
        peaks[hours] = in_fresh_process(_measure, "memory", path)
        path.unlink()
    one, twelve = peaks[1], peaks[12]
    lines = [
        f"peak memory, {hours:2d} h of mp3: {peak['own']:.0f} MB, and {peak['child']:.0f} MB in the largest decoding "
        f"process ({peak['seconds']:.0f} s)"
        for hours, peak in peaks.items()
    ]
    lines.append(
        f"12 h over 1 h: {(twelve['own'] + twelve['child']) / (one['own'] + one['child']):.2f} times   aim 1"
    )
    return "\n".join(lines)


def main() -> int:
    """Measure, and print a line for each figure."""
    cases = {"host": host, "overhead": overhead, "memory": memory}
    parser = command_line("flow", __doc__)
    parser.add_argument(
        "cases", nargs="*", default=list(cases), metavar="case", help=f"{', '.join(cases)}; all"
    )
    arguments = parser.parse_args()
    if unknown := set(arguments.cases) - set(cases):
        parser.error(f"there is no {', '.join(sorted(unknown))}; there are {', '.join(cases)}")
    with tempfile.TemporaryDirectory() as folder:
        for case in arguments.cases:
            print(cases[case](Path(folder)), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
