"""Many recordings at once: how long they take, and how time, memory and reads grow with their number.

    python -m bench load [--sizes 300 1000 3000 10000] [--google 1000]

For each size all recordings, wav files of half a second, are uploaded at one moment into a fresh state: router,
merger, sweeper (every minute) and worker run in one process, with an engine that answers in no time. So what is
measured is everything but recognition and networks. Latency is from the upload to DONE: mostly waiting for the others.
A tenth of the uploads belongs to another owner, mixed with those of the first; in one more run they come after all
others. Afterwards a hundred callers ask for a transcript each at one moment, and wait.

The same for `--google` recordings through Google's clients: emulators, functions and a worker with the demo weights,
as `make demo-gcp-emulators` starts them.

Reads and writes are counted as Firestore bills them: documents, and one read for each thousand that are counted.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import tempfile
import threading
import time
import wave
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from bench.machine import core_seconds, described, largest_child
from gpu_job.peak_memory import peak_memory

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from local.backend.embedded_ports import LocalPorts

ROOT = Path(__file__).resolve().parent.parent
SIZES = (300, 1000, 3000, 10_000)
CALLERS = 100
OTHERS = 10
"""Every so manieth upload belongs to the other owner."""
SECONDS = 0.5
"""Length of each recording."""
LOOK = 0.5
"""Seconds between two polls whether all are done."""
TICK = 60.0
"""Seconds between two ticks of the sweeper."""
PATIENCE = 3600.0
"""Seconds after which a run is given up."""


@dataclass(frozen=True, kw_only=True)
class Figures:
    """One run."""

    count: int
    """Recordings."""
    seconds: float
    """From the first upload to the last DONE."""
    latencies: list[float]
    """Seconds from upload to DONE, of the one owner."""
    others: list[float]
    """The same of the other owner."""
    callers: list[float]
    """Seconds from a request to its answer, of callers at one moment."""
    core: float = 0.0
    """Processor time, decoding processes included."""
    own_mb: float = 0.0
    """Largest memory of the process."""
    child_mb: float = 0.0
    """Largest memory of a decoding process."""
    reads: int = 0
    """Documents read."""
    writes: int = 0
    """Documents written."""


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that at least so many per cent are not above (nearest rank); 0 without values."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(percent / 100 * len(ordered)) - 1)] if ordered else 0.0


def exponent(points: Sequence[tuple[float, float]]) -> float:
    """Slope of a straight line through the logarithms of (n, cost): 1 if cost grows as n does."""
    logs = [(math.log(n), math.log(cost)) for n, cost in points]
    mean_n, mean_cost = (sum(one) / len(logs) for one in zip(*logs, strict=True))
    above = sum((n - mean_n) * (cost - mean_cost) for n, cost in logs)
    return above / sum((n - mean_n) ** 2 for n, _ in logs)


class Counted:
    """Records that count what Firestore would bill. Safe to use from several threads."""

    def __init__(self, records) -> None:
        self._records = records
        self._lock = threading.Lock()
        self.reads = self.writes = 0

    def __getattr__(self, name):
        return getattr(self._records, name)

    def _add(self, reads: int, writes: int = 0) -> None:
        with self._lock:
            self.reads += reads
            self.writes += writes

    def create(self, collection, key, fields):
        created = self._records.create(collection, key, fields)
        self._add(0, created)
        return created

    def get(self, collection, key):
        self._add(1)
        return self._records.get(collection, key)

    def update(self, collection, key, change):
        wrote = False

        def noted(fields):
            nonlocal wrote
            changed = change(fields)
            wrote = changed is not None
            return changed

        fields = self._records.update(collection, key, noted)
        self._add(1, wrote)
        return fields

    def query(self, collection, where=None, **more):
        for one in self._records.query(collection, where, **more):
            self._add(1)
            yield one

    def newest(self, collection, by, limit, where=None, *, before=None):
        found = self._records.newest(collection, by, limit, where, before=before)
        self._add(max(1, len(found)))
        return found

    def count(self, collection, where=None):
        found = self._records.count(collection, where)
        self._add(max(1, math.ceil(found / 1000)))
        return found

    def sum(self, collection, field, where=None):
        self._add(max(1, math.ceil(self._records.count(collection, where) / 1000)))
        return self._records.sum(collection, field, where)


def beep() -> bytes:
    """A wav file of half a second, mono at 16 kHz."""
    with tempfile.NamedTemporaryFile(suffix=".wav") as file:
        with wave.open(file.name, "wb") as wav:
            wav.setparams((1, 2, 16_000, 0, "NONE", ""))
            samples = [int(8000 * math.sin(n * 0.17)) for n in range(int(16_000 * SECONDS))]
            wav.writeframes(b"".join(one.to_bytes(2, "little", signed=True) for one in samples))
        return Path(file.name).read_bytes()


@contextmanager
def running(ports: LocalPorts) -> Iterator[None]:
    """Router, merger, sweeper and worker on these ports, until the end of the block."""
    from bench.flow import Instant
    from gpu_job.pipeline.worker import Worker
    from local.runtime.push import PushLoop
    from local.runtime.subscriptions import in_process
    from shared.sweep import sweep

    stop = threading.Event()

    def tick() -> None:
        while not stop.wait(TICK):
            sweep.on_tick(ports)

    with ExitStack() as stack:
        for subscription, step in in_process(ports).items():
            loop = PushLoop(ports.queue, subscription, step)
            loop.start()
            stack.callback(loop.stop)
        worker = Worker(ports, lambda _model: Instant())
        for target in (lambda: worker.run(stop), tick):
            thread = threading.Thread(target=target)
            thread.start()
            stack.callback(thread.join)
        stack.callback(stop.set)
        yield


def put(ports: LocalPorts, names: Sequence[str], data: bytes) -> list[tuple[bytes, dict[str, str]]]:
    """Put objects into the audio bucket; gives the events of their uploads, as the watcher publishes them."""
    from local.runtime.events import notification_attributes, object_resource

    bucket = ports.settings.audio_bucket
    sources = []
    for one in names:
        path = ports.store.path_of(bucket, one)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        sources.append(ports.store.stat(bucket, one))
    return [(object_resource(one), notification_attributes(one)) for one in sources]


def done(ports, uploaded: dict[str, float]) -> dict[str, float]:
    """Wait until all uploads are done; seconds from upload to DONE by name.

    Raises:
        SystemExit: one failed, or it takes too long.
    """
    from shared.state import documents

    until = time.monotonic() + PATIENCE
    while ports.records.count(documents.RECORDINGS, {"state": "DONE"}) < len(uploaded):
        if failed := ports.records.count(documents.RECORDINGS, {"state": "FAILED"}):
            raise SystemExit(f"{failed} recordings failed")
        if time.monotonic() > until:
            raise SystemExit(f"not all of {len(uploaded)} recordings are done after {PATIENCE:.0f} s")
        time.sleep(LOOK)
    ended = {one.source.name: one.finished for one in documents.recordings(ports.records)}
    return {name: ended[name] - when for name, when in uploaded.items()}


def ask_at_once(ports, names: Sequence[str]) -> list[float]:
    """A caller for each object, all at one moment; seconds until each has its answer."""
    from shared import client

    together = threading.Barrier(len(names))

    def call(name: str) -> float:
        together.wait()
        started = time.perf_counter()
        request_id = client.submit(f"gs://{ports.settings.audio_bucket}/{name}", ports=ports)
        answer = client.wait(request_id, ports=ports, timeout=PATIENCE)
        assert answer.state == "DONE", answer.reason
        return time.perf_counter() - started

    with ThreadPoolExecutor(len(names)) as pool:
        return list(pool.map(call, names))


def embedded(count: int, *, late: bool, callers: int) -> Figures:
    """Recordings on folders and SQLite, in this process.

    Args:
        count: how many.
        late: whether the other owner's uploads come after all others, instead of mixed with them.
        callers: how many ask at one moment afterwards.
    """
    from gpu_job.pipeline.consumer import DECODERS
    from local.backend.embedded_ports import open_ports
    from shared.messages import AUDIO_FINALIZED
    from shared.settings import Settings

    with tempfile.TemporaryDirectory() as folder:
        opened = open_ports(Settings(state_dir=Path(folder), model="instant"))
        records = Counted(opened.records)
        ports = replace(opened, records=records)
        ports.media.warm(DECODERS, wait=True)
        sound = beep()
        numbers = sorted(range(count), key=lambda one: (late and _is_other(one), one))
        events = put(ports, [name(number) for number in numbers], sound)
        core, started = core_seconds(), time.perf_counter()
        with running(ports):
            now = time.time()
            ports.queue.publish_many(AUDIO_FINALIZED, events)
            latencies = done(ports, {name(number): now for number in numbers})
            seconds, reads, writes = time.perf_counter() - started, records.reads, records.writes
            core = core_seconds() - core
            asked = [f"asked-{number}.wav" for number in range(callers)]
            put(ports, asked, sound)
            answered = ask_at_once(ports, asked) if asked else []
        ports.close()
    return Figures(
        count=count,
        seconds=seconds,
        latencies=[latencies[name(one)] for one in numbers if not _is_other(one)],
        others=[latencies[name(one)] for one in numbers if _is_other(one)],
        callers=answered,
        core=core,
        own_mb=peak_memory() / 1e6,
        child_mb=largest_child() / 1e6,
        reads=reads,
        writes=writes,
    )


def google(count: int, callers: int) -> Figures:
    """Recordings through Google's clients, on emulators, with functions and a worker as processes."""
    from google.cloud import storage

    from tests.google.deployment import PROJECT, deployed

    with tempfile.TemporaryDirectory() as folder, deployed(Path(folder)) as deployment:
        ports, sound = deployment.ports, beep()
        bucket = storage.Client(project=PROJECT).bucket(ports.settings.audio_bucket)

        def upload(one: str) -> tuple[str, float]:
            now = time.time()
            bucket.blob(one).upload_from_string(sound, "audio/wav")
            return one, now

        started = time.perf_counter()
        with ThreadPoolExecutor(8) as pool:
            uploaded = dict(pool.map(upload, [name(number) for number in range(count)]))
        latencies = done(ports, uploaded)
        seconds = time.perf_counter() - started
        # These have their transcripts: what is measured is the way of a request and its answer.
        answered = ask_at_once(ports, [name(number) for number in range(min(callers, count))])
    return Figures(
        count=count,
        seconds=seconds,
        latencies=[latencies[name(one)] for one in range(count) if not _is_other(one)],
        others=[latencies[name(one)] for one in range(count) if _is_other(one)],
        callers=answered,
    )


def name(number: int) -> str:
    """Name of an upload, in the folder of its owner."""
    return f"{'other' if _is_other(number) else 'one'}/{number:06d}.wav"


def _is_other(number: int) -> bool:
    return number % OTHERS == OTHERS - 1


def measured(arguments: Sequence[object]) -> Figures:
    """One run in a process of its own, so that memory and processor time are its own."""
    command = [sys.executable, "-m", "bench.load", "--measure", *map(str, arguments)]
    said = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
    return Figures(**json.loads(said.splitlines()[-1]))


def shown(runs: Sequence[tuple[str, Figures]]) -> Table:
    """The runs as a table."""
    table = Table(
        "column", "recordings", "s", "a second", "p50", "p95", "p99", "other owner p50", "callers p50, p99"
    )
    for more in ("core-s", "MB, decoder", "reads", "writes"):
        table.add_column(more)
    for label, one in runs:
        every = [*one.latencies, *one.others]
        table.add_row(
            label,
            f"{one.count:,}",
            f"{one.seconds:.1f}",
            f"{one.count / one.seconds:.0f}",
            *(f"{percentile(every, percent):.1f}" for percent in (50, 95, 99)),
            f"{percentile(one.others, 50):.1f} ({percentile(one.latencies, 50):.1f})",
            ", ".join(f"{percentile(one.callers, percent):.1f}" for percent in (50, 99))
            if one.callers
            else "",
            f"{one.core:.1f}" if one.core else "",
            f"{one.own_mb:.0f}, {one.child_mb:.0f}" if one.own_mb else "",
            f"{one.reads / one.count:.1f}" if one.reads else "",
            f"{one.writes / one.count:.1f}" if one.writes else "",
        )
    return table


def growth(runs: Sequence[Figures]) -> list[str]:
    """How time, memory and reads grow with the number of recordings, a line each."""
    if len(runs) < 2:
        return []
    costs = {
        "processor time": [(one.count, one.core) for one in runs],
        "time to the last": [(one.count, one.seconds) for one in runs],
        "documents read": [(one.count, one.reads) for one in runs],
        "documents written": [(one.count, one.writes) for one in runs],
        "memory": [(one.count, one.own_mb) for one in runs],
    }
    return [f"{what} grows as n to the power of {exponent(points):.2f}" for what, points in costs.items()]


def main() -> int:
    """Measure, and print the table."""
    if sys.argv[1:2] == ["--measure"]:
        kind, count, late, callers = sys.argv[2:]
        run = embedded(int(count), late=late == "True", callers=int(callers)) if kind == "embedded" else None
        print(json.dumps(asdict(run or google(int(count), int(callers)))))
        return 0
    parser = argparse.ArgumentParser(
        prog="python -m bench load", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument(
        "--sizes", nargs="*", type=int, default=SIZES, metavar="N", help="recordings on one machine"
    )
    parser.add_argument(
        "--google", type=int, default=1000, metavar="N", help="recordings through Google's clients; 0: none"
    )
    arguments = parser.parse_args()
    for line in described("cpu"):
        print(line)
    runs: list[tuple[str, Figures]] = []
    for count in arguments.sizes:
        runs.append(("one machine", measured(["embedded", count, False, CALLERS])))
        print(f"{count:,} recordings: {runs[-1][1].seconds:.1f} s", flush=True)
    fits = growth([one for _, one in runs])
    if arguments.sizes:
        count = sorted(arguments.sizes)[len(arguments.sizes) // 2]
        runs.append(("the other owner later", measured(["embedded", count, True, 0])))
    if arguments.google:
        try:
            runs.append(("emulators", measured(["google", arguments.google, False, CALLERS])))
        except subprocess.CalledProcessError:
            print("The run through Google's clients did not end; its last words are above.")
    Console(width=170).print(shown(runs))
    for line in fits:
        print(line)
    return 0


if __name__ == "__main__":
    sys.exit(main())
