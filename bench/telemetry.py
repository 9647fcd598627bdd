"""What measurements and traces cost: the same recordings through a worker with telemetry on and off, in turns.

    python -m bench telemetry [--hours N] [--speed 222] [--rounds 5]

On, the worker sends measurements and spans to a collector in another process and writes its log as JSON, as it does in
a project; the sleeping engine and decoders of `keeps_up.py` stand for a GPU beside it. So what differs is telemetry
alone. Wall time says what it does to throughput, processor time what it takes of a core; the latter varies less on
a machine that does other work.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
from contextlib import contextmanager, redirect_stderr
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing import get_context
from pathlib import Path

from bench import command_line
from bench.keeps_up import Passed, make_still, measured
from bench.machine import described, in_fresh_process

TARGET = 0.02
"""Most of the throughput that telemetry may cost."""


class _Collector(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_arguments) -> None:
        pass


def _collect(port) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Collector) as server:
        port.put(server.server_port)
        server.serve_forever()


@contextmanager
def _collector():
    context = get_context("spawn")
    port = context.Queue()
    process = context.Process(target=_collect, args=(port,), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{port.get(timeout=30)}"
    finally:
        process.terminate()
        process.join()


def _run(folder: Path, speed: float, collector: str) -> Passed:
    """In a process of its own: one run, with telemetry if there is a collector."""
    from shared.telemetry import flush, logs, metrics, show_logs

    with Path(os.devnull).open("w", encoding="utf-8") as nowhere, redirect_stderr(nowhere):
        show_logs(as_json=bool(collector))
        if collector:
            from shared.adapters import cloud_telemetry
            from shared.settings import Settings

            os.environ[cloud_telemetry.COLLECTOR] = collector
            metrics.add_sink(logs.log_measurement)
            cloud_telemetry.start(Settings(platform="google", project="my-project", metrics_interval=5.0))
        passed, _ = measured(folder, speed)
        flush(5.0)
    return passed


def compared(on: list[Passed], off: list[Passed]) -> tuple[float, float]:
    """What telemetry adds, by the medians of the rounds: share of wall time, and share of processor time."""

    def median(runs: list[Passed], what: str) -> float:
        return statistics.median(getattr(one, what) for one in runs)

    wall, core = (median(on, what) / median(off, what) - 1 for what in ("seconds", "core"))
    return wall, core


def main() -> int:
    """Measure, and print each round and the sums; 0 when everything ran."""
    parser = command_line("telemetry", __doc__)
    parser.add_argument("--hours", type=float, default=0.6, help="of sound (0.6)")
    parser.add_argument("--speed", type=float, default=222.0, help="times real time, of the engine (222)")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    for line in described("cpu"):
        print(line)
    on: list[Passed] = []
    off: list[Passed] = []
    with tempfile.TemporaryDirectory() as name, _collector() as collector:
        folder = Path(name)
        make_still(folder, arguments.hours)
        for number in range(arguments.rounds):
            for runs, where in ((off, ""), (on, collector))[:: 1 if number % 2 else -1]:
                runs.append(in_fresh_process(_run, folder, arguments.speed, where))
            print(
                f"round {number + 1}: off {off[-1].seconds:.2f} s, {off[-1].core:.2f} core-s; "
                f"on {on[-1].seconds:.2f} s, {on[-1].core:.2f} core-s",
                flush=True,
            )
    wall, core = compared(on, off)
    print(
        f"telemetry on against off: {100 * wall:+.1f} % wall time (aim {100 * TARGET:g} % at most), "
        f"{100 * core:+.1f} % processor time"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
