"""The processes that `dropscribe up` keeps running: the functions behind HTTP, and a worker.

A process that dies is restarted. All of them end with `up`, even if it is killed.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from shared import concurrency
from shared.telemetry import log
from shared.topology import DEAD_LETTERS, MERGER, REQUESTS, ROUTER

HOST = "127.0.0.1"
ROOT = Path(__file__).resolve().parents[2]
FUNCTIONS = {
    ROUTER: ("functions/router/main.py", "on_upload"),
    REQUESTS: ("functions/router/main.py", "on_request"),
    MERGER: ("functions/merger/main.py", "on_chunk_done"),
    DEAD_LETTERS: ("functions/sweeper/main.py", "on_dead_letter"),
}
"""Which function each push subscription delivers to: source file and target."""

HOSTED = ("functions/hosted/main.py", "on_chunk")
"""The function that the subscriptions of hosted engines deliver to."""

SWEEPER = ("functions/sweeper/main.py", "on_tick")
"""The function that is called every minute."""

PATIENCE = 10.0
"""Seconds a process may take to end by itself, as Cloud Run gives."""

LONGEST_WAIT = 30.0
"""Seconds between two starts of a process that keeps dying, at most."""


def free_port() -> int:
    """A port that is free now; another process may take it before it is used."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


@dataclass(kw_only=True, slots=True)
class Child:
    """A process that should be running."""

    name: str
    """For the log."""
    command: list[str]
    """What to run."""
    process: subprocess.Popen[bytes] | None = None
    """None before the first start."""
    starts: int = 0
    """How often it was started."""
    next_start: float = 0.0
    """Not before this, on the monotonic clock."""

    def keep_running(self) -> bool:
        """Start it if it is not running; True if it has died since the last call."""
        died = False
        if self.process is not None:
            code = self.process.poll()
            if code is None:
                return False
            died = True
            log.warning("%s ended with code %d; it will be started again", self.name, code)
            self.process = None
            self.next_start = concurrency.monotonic() + min(LONGEST_WAIT, 2.0 ** min(self.starts, 10) / 4)
        if concurrency.monotonic() >= self.next_start:
            command = [
                sys.executable,
                "-m",
                "local.runtime.exit_with_parent",
                str(os.getpid()),
                *self.command,
            ]
            # Its own session: Ctrl-C reaches this process only, which then ends its children in order.
            self.process = subprocess.Popen(command, cwd=ROOT, start_new_session=True)
            self.starts += 1
        return died


@dataclass(frozen=True, kw_only=True, slots=True)
class Processes:
    """All processes of a deployment on one machine."""

    children: Sequence[Child]
    """The functions, the sweeper and a worker."""
    endpoints: Mapping[str, str]
    """Address of the function of each push subscription."""
    sweeper: str
    """Address of the sweeper."""

    def keep_running(self) -> bool:
        """Start those that are not running; True if one has died since the last call."""
        return sum(child.keep_running() for child in self.children) > 0

    def end(self) -> None:
        """Ask them to end, then kill those that do not."""
        running = [child.process for child in self.children if child.process is not None]
        for process in running:
            process.terminate()
        deadline = concurrency.monotonic() + PATIENCE
        for process in running:
            try:
                process.wait(max(0.0, deadline - concurrency.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def planned(hosted: Iterable[str]) -> Processes:
    """The processes of a deployment, not started yet.

    Args:
        hosted: subscriptions of the hosted engines that have a key.
    """
    children, endpoints = [], {}
    for subscription, function in (FUNCTIONS | dict.fromkeys(hosted, HOSTED)).items():
        child, endpoints[subscription] = _served(*function)
        children.append(child)
    sweeper, url = _served(*SWEEPER)
    worker = Child(name="worker", command=[sys.executable, "-m", "gpu_job", "--stay"])
    return Processes(children=(*children, sweeper, worker), endpoints=endpoints, sweeper=url)


def _served(source: str, target: str) -> tuple[Child, str]:
    port = free_port()
    served = ["functions_framework", "--source", str(ROOT / source), "--target", target]
    served += ["--host", HOST, "--port", str(port)]
    child = Child(name=f"{source} {target}", command=[sys.executable, "-m", *served])
    return child, f"http://{HOST}:{port}/"
