"""Start the functions of `dropscribe up` as forks of one process that has loaded them: `python -m local.runtime.fork_server`.

Loading takes most of a function's start, and most of its memory, which forks share. The server is told over a socket what to
start, a line of JSON each, and answers with a process id; it ends when the socket closes. It needs Linux 5.3 (`works`).
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from local.runtime.exit_with_parent import end_with

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ROOT = Path(__file__).resolve().parents[2]
SERVE = "local.runtime.serve"
"""The module that forks run."""
LOADING, ANSWERING = 60.0, 5.0
"""Seconds until the first answer, which waits until all is loaded, and until any other: `up` waits as well."""
ROOM = "." * 1000
"""The last argument of the server: `ps` shows in its place what a fork does."""


def works() -> bool:
    """Whether this system has what it needs."""
    # Python has them only where it was compiled with headers of Linux 5.3, whatever it runs on.
    if sys.platform != "linux" or not (hasattr(os, "pidfd_open") and hasattr(signal, "pidfd_send_signal")):
        return False
    try:
        os.close(os.pidfd_open(os.getpid()))
    except OSError:
        return False
    return True


class Forked:
    """A process of the server, with what is needed of `subprocess.Popen`."""

    def __init__(self, pid: int, channel: socket.socket) -> None:
        self.pid = pid
        self.returncode: int | None = None
        """As that of `Popen`; None as long as it runs."""
        self._channel = channel
        self._process = os.pidfd_open(pid)

    def poll(self) -> int | None:
        """The exit code, as `Popen.poll` gives it."""
        with suppress(subprocess.TimeoutExpired):
            self.wait(0.0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """The exit code; that of SIGTERM for one that ended after its server.

        Raises:
            subprocess.TimeoutExpired: it still runs after so many seconds.
        """
        if self.returncode is None:
            end = select.poll()
            end.register(self._process, select.POLLIN)
            if not end.poll(None if timeout is None else timeout * 1000):
                raise subprocess.TimeoutExpired(SERVE, timeout or 0.0)
            try:
                self.returncode = _asked(self._channel, {"ended": self.pid})
            except OSError:
                self.returncode = -signal.SIGTERM
            os.close(self._process)
        return self.returncode

    def terminate(self) -> None:
        """Ask it to end."""
        self._send(signal.SIGTERM)

    def kill(self) -> None:
        """End it."""
        self._send(signal.SIGKILL)

    def _send(self, number: signal.Signals) -> None:
        if self.poll() is None:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._process, number)


class ForkServer:
    """The server, as `up` sees it. It is started with the first function, and again once it has died."""

    def __init__(self, sources: Sequence[str], environment: Mapping[str, str]) -> None:
        self._sources = sources
        """Files of the functions."""
        self._environment = environment
        self._channel: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, arguments: Sequence[str]) -> Forked:
        """Start `python -m local.runtime.serve ARGUMENTS`.

        Raises:
            OSError: no process can be started now.
        """
        channel, process = self._channel, self._process
        if channel is None or channel.fileno() < 0 or process is None or process.poll() is not None:
            self.end()
            channel, its = socket.socketpair()
            channel.settimeout(LOADING)
            self._channel = channel
            own = [str(os.getpid()), str(its.fileno()), *self._sources, ROOM]
            command = [sys.executable, "-m", __name__, *own]
            with its:
                # Its own session: Ctrl-C reaches `up` only, which then ends the functions in order.
                self._process = subprocess.Popen(
                    command,
                    cwd=ROOT,
                    env={**os.environ, **self._environment},
                    start_new_session=True,
                    pass_fds=[its.fileno()],
                )
        return Forked(_asked(channel, {"start": list(arguments)}), channel)

    def end(self) -> None:
        """End the server, after its functions."""
        if self._channel is not None:
            self._channel.close()
        if self._process is not None:
            self._process.kill()
            self._process.wait()


def _asked(channel: socket.socket, question: dict[str, Any]) -> int:
    """What the server answers.

    Raises:
        OSError: it answers nothing, and the channel is closed; or it could not do it.
    """
    answer = b""
    try:
        channel.sendall(json.dumps(question).encode() + b"\n")
        while not answer.endswith(b"\n"):
            if not (part := channel.recv(1000)):
                raise ConnectionError("the process that starts functions has ended")
            answer += part
    except OSError:
        # What comes later would answer another question.
        channel.close()
        raise
    channel.settimeout(ANSWERING)
    answered = json.loads(answer)
    if "errno" in answered:
        raise OSError(answered["errno"], os.strerror(answered["errno"]))
    return int(answered["is"])


def main() -> None:
    """Serve until the socket closes."""
    parent, number, *sources, _ = sys.argv[1:]
    end_with(int(parent))
    _show([sys.executable, "-m", "local.runtime.fork_server"])
    serve = importlib.import_module(SERVE)
    importlib.import_module("functions_framework")
    for source in sources:
        # A function that cannot start says why, in a process of its own as well.
        with suppress(SystemExit):
            importlib.import_module(source.removesuffix(".py").replace("/", "."))
    gc.collect()
    gc.freeze()
    arguments = _forked(socket.socket(fileno=int(number)))
    if arguments is not None:
        sys.argv[1:] = arguments
        serve.main()


def _forked(channel: socket.socket) -> list[str] | None:
    """The arguments of a function, in a fork that is to become it; None in the server, at its end."""
    server = os.getpid()
    with channel, channel.makefile("rw") as lines:
        for line in lines:
            question = json.loads(line)
            answer: dict[str, Any] = {}
            try:
                if "ended" in question:
                    answer["is"] = os.waitstatus_to_exitcode(os.waitpid(question["ended"], 0)[1])
                elif pid := os.fork():
                    answer["is"] = pid
                else:
                    break
            except OSError as error:
                answer["errno"] = error.errno
            lines.write(json.dumps(answer) + "\n")
            lines.flush()
        else:
            return None
    os.setsid()
    end_with(server)
    arguments: list[str] = question["start"]
    _show([sys.executable, "-m", SERVE, *arguments])
    return arguments


def _show(command: Sequence[str]) -> None:
    """Let `ps` show a command as that of this process, in place of its arguments (proc(5), arg_start and arg_end)."""
    start, end = map(int, Path("/proc/self/stat").read_text("ascii").rpartition(")")[2].split()[45:47])
    if start:
        text = b"\0".join(map(os.fsencode, command))[: end - start - 1]
        ctypes.memset(start, 0, end - start)
        ctypes.memmove(start, text, len(text))


if __name__ == "__main__":
    main()
