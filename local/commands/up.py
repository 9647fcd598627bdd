"""`dropscribe up`: the deployed system on one machine, until Ctrl-C.

    inbox folder ──watcher──▶ queue ──push over HTTP──▶ functions (functions-framework, one process each)
                                    a timer ──HTTP──▶ the sweeper, every minute
                              queue ◀──pull──── worker (`python -m gpu_job --stay`, its own process)

Children that die are started again; children of a killed `up` end with it. All state is in the queue
and the records, so a stop at any moment loses nothing and repeats nothing that was finished.
"""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from local.backend.embedded_ports import EXPORTER
from local.commands import downloads
from local.inbox import folders, wishes
from local.inbox.watcher import Inbox
from local.runtime import export
from local.runtime.addresses import free_port
from local.runtime.push import HttpSender, PushLoop
from local.runtime.steps import exporter
from local.runtime.ticker import Ticker
from shared.engines import AUTO, able, hosted_specs
from shared.errors import BadRequest, ConfigurationError
from shared.messages import metadata_of
from shared.model import Options, recording_id
from shared.planning.worker_pools import calls_of
from shared.routing import flags, pick
from shared.state import documents
from shared.telemetry import log, show_logs
from shared.topology import DEAD_LETTERS, MERGER, REQUESTS, ROUTER

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from local.backend.embedded_ports import LocalPorts
    from shared.model import StoredObject

ROOT = Path(__file__).resolve().parents[2]
FUNCTIONS = {
    ROUTER: ("functions/router/main.py", "on_upload"),
    REQUESTS: ("functions/router/main.py", "on_request"),
    MERGER: ("functions/merger/main.py", "on_chunk_done"),
    DEAD_LETTERS: ("functions/sweeper/main.py", "on_dead_letter"),
}
"""Which function each push subscription delivers to: source file and target."""

HOSTED = ("functions/hosted/main.py", "on_chunk")
"""The function that the subscriptions of hosted engines deliver to, where there is a key for one."""

SWEEPER = ("functions/sweeper/main.py", "on_tick")
"""The function that is called every minute."""

PATIENCE = 10.0
"""Seconds a child may take to end by itself, as Cloud Run gives."""

LONGEST_WAIT = 30.0
"""Seconds between two starts of a child that keeps dying, at most."""


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


def run(ports: LocalPorts, options: Options) -> int:
    """Serve until a signal asks for the end; 0 then.

    Args:
        ports: the adapters to use.
        options: of every file in the inbox; method and weights are the deployment's.

    Raises:
        BadRequest: these options cannot be had here.
        ConfigurationError: another `dropscribe up` has this state directory.
        ModelUnavailable: the default weights cannot be loaded.
    """
    show_logs()
    settings = ports.settings
    pick.check_speakers(options, settings)
    if options.diarize and not any(one.name in ports.engines for one in able("speakers")):
        raise BadRequest(pick.no_speakers())
    if said := overruled(options, ports):
        log.warning("%s", said)
    stop = threading.Event()
    with ExitStack() as stack:
        stack.enter_context(_only_one(settings.state_dir / "up.lock"))
        folders.remember(ports.inbox, ports.out, ports.records)
        export.check(ports.out)
        if settings.method not in {one.method for one in hosted_specs()}:
            # A download or an error now, not behind a restarting worker.
            downloads.locate_or_do_without(settings.model, options, ports, Console(stderr=True))
        options = replace(options, method=AUTO, model=None)
        known = partial(is_known, ports, wishes.remember(options, ports.records))
        for number in (signal.SIGINT, signal.SIGTERM):
            stack.callback(signal.signal, number, signal.signal(number, lambda *_: stop.set()))
        ports.queue.reclaim()
        children, endpoints, sweeper = _children(
            FUNCTIONS | {one.subscription: HOSTED for one in hosted_specs(ports.hosted)}
        )
        stack.callback(_end, children)
        for subscription, url in endpoints.items():
            calls = {one.subscription: calls_of(one.name, settings) for one in hosted_specs()}
            loop = PushLoop(
                ports.queue, subscription, HttpSender(url), concurrency=calls.get(subscription, 4)
            )
            loop.start()
            stack.callback(loop.stop)
        loop = PushLoop(ports.queue, EXPORTER, exporter(ports), concurrency=1)
        loop.start()
        stack.callback(loop.stop)
        ticker = Ticker(sweeper)
        ticker.start()
        stack.callback(ticker.stop)
        watcher = Inbox(ports.store, ports.queue, settings.audio_bucket, known, metadata=metadata_of(options))
        watcher.start()
        stack.callback(watcher.stop)
        log.info("drop audio into       %s", ports.inbox)
        log.info("transcripts appear in %s", ports.out)
        log.info("weights: %s. Stop with Ctrl-C.", settings.model)
        while not stop.wait(0.2):
            died = [child for child in children if _keep_running(child)]
            if died:
                ports.queue.reclaim()
    log.info("stopped; `dropscribe up` goes on from here")
    return 0


def _children(functions: dict[str, tuple[str, str]]) -> tuple[list[Child], dict[str, str], str]:
    """The processes to run, the address of the function of each push subscription, and the sweeper's."""
    children, endpoints = [], {}
    for subscription, function in functions.items():
        child, endpoints[subscription] = _served(*function)
        children.append(child)
    sweeper, url = _served(*SWEEPER)
    worker = Child(name="worker", command=[sys.executable, "-m", "gpu_job", "--stay"])
    return [*children, sweeper, worker], endpoints, url


def _served(source: str, target: str) -> tuple[Child, str]:
    port = free_port()
    served = ["functions_framework", "--source", str(ROOT / source), "--target", target]
    served += ["--host", "127.0.0.1", "--port", str(port)]
    return Child(
        name=f"{source} {target}", command=[sys.executable, "-m", *served]
    ), f"http://127.0.0.1:{port}/"


def _keep_running(child: Child) -> bool:
    """Start a child that is not running; True where it has died since the last look."""
    died = False
    if child.process is not None:
        code = child.process.poll()
        if code is None:
            return False
        died = True
        log.warning("%s ended with code %d; it will be started again", child.name, code)
        child.process = None
        child.next_start = time.monotonic() + min(LONGEST_WAIT, 2.0 ** min(child.starts, 10) / 4)
    if time.monotonic() >= child.next_start:
        tethered = [sys.executable, "-m", "local.runtime.exit_with_parent", str(os.getpid()), *child.command]
        # Its own session: Ctrl-C reaches this process only, which then ends its children in order.
        child.process = subprocess.Popen(tethered, cwd=ROOT, start_new_session=True)
        child.starts += 1
    return died


def _end(children: list[Child]) -> None:
    running = [child.process for child in children if child.process is not None]
    for process in running:
        process.terminate()
    deadline = time.monotonic() + PATIENCE
    for process in running:
        try:
            process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def _only_one(path: Path) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise ConfigurationError(
                f"Another `dropscribe up` runs on {path.parent}. Stop it, or choose another --state-dir."
            ) from None
        yield


def overruled(options: Options, ports: LocalPorts) -> str:
    """What to tell where a flag comes before the method that was asked for here; empty where none does."""
    method = flags.read(ports).applied(ports.settings).method
    if options.method in {"auto", method}:
        return ""
    return (
        f"The flag TRANSCRIPTION_METHOD={method} comes before --method {options.method}. Take it away with "
        "`dropscribe flags TRANSCRIPTION_METHOD=`."
    )


def is_known(ports: LocalPorts, ever: Sequence[Options], source: StoredObject) -> bool:
    """Whether a file of the inbox has a recording, with any of the options that were ever asked for."""
    keys = (recording_id(source, options) for options in ever)
    return any(documents.get_recording(ports.records, key) is not None for key in keys)
