"""The processes that `dropscribe up` keeps running: the functions behind HTTP, and a worker.

A process that dies is restarted. All of them end with `up`, even if it is killed.

Functions listen on this machine only, and answer only to the token of this `up` (`functions/caller.py`). Their ports stay
reserved while `up` runs: another account that took one between two starts would get messages, and the token.
"""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from local.runtime import fork_server
from local.runtime.fork_server import SERVE, ForkServer
from shared import concurrency
from shared.settings import variable
from shared.telemetry import log
from shared.topology import DEAD_LETTERS, MERGER, REQUESTS, ROUTER

HOST = "127.0.0.1"
ROOT = fork_server.ROOT
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
"""Seconds a process may take to end once it is asked to, as on Cloud Run."""

LONGEST_WAIT = 30.0
"""Seconds between two starts of a process that keeps dying, at most."""


CALLS = 4
"""Messages that a function takes at one time, unless it calls a hosted engine."""


def reserved(port: int = 0) -> socket.socket:
    """A socket that has a port of this machine, and does not listen; 0 for one that is free.

    Other sockets of this account, made in the same way, can have the port as well and listen; those of other accounts
    cannot (man 7 socket, SO_REUSEPORT).
    """
    one = socket.socket()
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    one.bind((HOST, port))
    return one


def port_of(one: socket.socket) -> int:
    """The port that a socket has."""
    return int(one.getsockname()[1])


@dataclass(kw_only=True, slots=True)
class Child:
    """A process that should be running."""

    name: str
    """For the log."""
    command: list[str]
    """What to run."""
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Variables for it, beside those of this process."""
    server: ForkServer | None = None
    """Runs the command by a fork; None: it is run as it is."""
    process: subprocess.Popen[bytes] | fork_server.Forked | None = None
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
            self.process = self._started()
            self.starts += 1
        return died

    def _started(self) -> subprocess.Popen[bytes] | fork_server.Forked:
        if self.server is not None:
            return self.server.start(self.command[3:])
        command = [sys.executable, "-m", "local.runtime.exit_with_parent", str(os.getpid()), *self.command]
        # Its own session: Ctrl-C reaches this process only, which then ends its children in order.
        environment = {**os.environ, **self.environment}
        return subprocess.Popen(command, cwd=ROOT, env=environment, start_new_session=True)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Served:
    """The process of one function."""

    child: Child
    url: str
    port: socket.socket
    """Reserves its port."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Processes:
    """All processes of a deployment on one machine."""

    children: Sequence[Child]
    """A worker, the server of the page, the functions and the sweeper."""
    endpoints: Mapping[str, str]
    """Address of the function of each push subscription."""
    sweeper: str
    """Address of the sweeper."""
    token: str = field(default="", repr=False)
    """What every call of a function must carry."""
    ports: Sequence[socket.socket] = ()
    """Reserve the ports of the functions."""
    server: ForkServer | None = None
    """Starts the functions; None where it cannot."""

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
        if self.server is not None:
            self.server.end()
        for port in self.ports:
            port.close()


def planned(hosted: Mapping[str, int], console: Child | None = None) -> Processes:
    """The processes of a deployment, not started yet. `Processes.end` gives their ports back.

    Args:
        hosted: subscriptions of the hosted engines that have a key, with the calls that may be open at one time.
        console: the server of the page; None: there is none.
    """
    token = secrets.token_urlsafe(32)
    environment = {variable("function_token"): token}
    sources = sorted({source for source, _ in (*FUNCTIONS.values(), SWEEPER, *([HOSTED] if hosted else []))})
    server = ForkServer(sources, environment) if fork_server.works() else None
    functions = {
        subscription: _served(*function, hosted.get(subscription, CALLS), environment, server)
        for subscription, function in (FUNCTIONS | dict.fromkeys(hosted, HOSTED)).items()
    }
    sweeper = _served(*SWEEPER, CALLS, environment, server)
    served = (*functions.values(), sweeper)
    worker = Child(name="worker", command=[sys.executable, "-m", "gpu_job", "--stay"])
    return Processes(
        # The functions last: the first one waits until what they share is loaded.
        children=(worker, *([] if console is None else [console]), *(one.child for one in served)),
        endpoints={subscription: one.url for subscription, one in functions.items()},
        sweeper=sweeper.url,
        token=token,
        ports=tuple(one.port for one in served),
        server=server,
    )


def console(port: int, token: str) -> Child:
    """The server of the page, at a port of this machine."""
    environment = {variable("console_port"): str(port), variable("console_token"): token}
    return Child(name="console", command=[sys.executable, "-m", "console"], environment=environment)


def _served(
    source: str, target: str, calls: int, environment: Mapping[str, str], server: ForkServer | None
) -> _Served:
    port = reserved()
    number = port_of(port)
    command = [sys.executable, "-m", SERVE, str(ROOT / source), target, str(number), str(calls)]
    child = Child(name=f"{source} {target}", command=command, environment=environment, server=server)
    return _Served(child=child, url=f"http://{HOST}:{number}/", port=port)
