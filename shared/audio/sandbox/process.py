"""Starts and ends the decoding process, and sends and receives frames within a time limit."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys

from shared.audio.sandbox import linux, wire
from shared.audio.sandbox.linux import SandboxError
from shared.errors import ConfigurationError

START_TIMEOUT = 60.0
"""Seconds the process may take to load FFmpeg: a cold disk is slow."""
INHERITED = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT", "LANG", "LC_ALL", "TZ")
"""Environment variables that the child inherits: what the loader and the C library need, and no secrets."""
ALLOCATOR = {"MALLOC_TRIM_THRESHOLD_": str(64 * 1024 * 1024), "MALLOC_MMAP_THRESHOLD_": str(16 * 1024 * 1024)}
"""For glibc: without them, giving the memory of each frame back takes a twentieth of the work."""


class TimeUpError(Exception):
    """The job has used up its time."""


class ProcessLostError(Exception):
    """The other side has closed its end of the socket."""


class UnfitError(Exception):
    """The process cannot work here; says why."""


def start() -> tuple[subprocess.Popen[bytes], socket.socket]:
    """A decoding process that is ready, and our end of its socket.

    From then on this process's own memory is out of reach for others of its user.

    Raises:
        ConfigurationError: it does not start, or cannot be confined here.
    """
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    process = None
    try:
        try:
            linux.shield()
        except SandboxError as error:
            raise unfit(str(error)) from None
        with theirs:
            process = subprocess.Popen(
                [sys.executable, "-I", "-m", "shared.audio.sandbox.child", str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                env=ALLOCATOR | {name: os.environ[name] for name in INHERITED if name in os.environ},
                cwd="/",
                start_new_session=True,
            )
        ours.settimeout(START_TIMEOUT)
        _wait(ours)
    except BaseException:
        stop(process, ours)
        raise
    return process, ours


def _wait(connection: socket.socket) -> None:
    """Return when the process is ready."""
    try:
        frame = connection.recv(wire.RECEIVE)
    except (TimeoutError, ConnectionError):
        frame = b""
    if frame[:1] == wire.UNFIT:
        raise unfit(wire.printable(frame[1:].decode("utf-8", "replace")))
    if frame[:1] == wire.WRONG:
        raise ConfigurationError(wire.printable(frame[1:].decode("utf-8", "replace")))
    if frame != wire.HELLO:
        raise ConfigurationError(
            "The decoding process does not start. Run "
            f"`{sys.executable} -I -m shared.audio.sandbox.child` to see why: it needs the package `av`, and "
            "Dropscribe installed in this environment."
        )


def unfit(why: str) -> ConfigurationError:
    """The error for a machine on which the process cannot be confined."""
    return ConfigurationError(
        f"The decoder cannot be confined on this machine ({why}). Recordings are untrusted, so Dropscribe "
        "decodes nothing without it. It needs Linux with seccomp filters on x86-64 or arm64, in 64 bits; a container "
        "must allow the system calls prctl and seccomp, as Docker's own profile does."
    )


def stop(process: subprocess.Popen[bytes] | None, connection: socket.socket | None) -> None:
    """Close the socket and end the process with its job."""
    if connection is not None:
        connection.close()
    if process is None:
        return
    # On SIGTERM the process kills and reaps its job before it ends itself, so that no zombie is left to an init
    # process that may not exist.
    process.terminate()
    try:
        process.wait(timeout=5)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def send(connection: socket.socket, kind: bytes, payload: bytes | memoryview = b"") -> None:
    """Send a frame.

    Raises:
        TimeUpError: the process has not taken it in time.
        ProcessLostError: it is gone.
    """
    try:
        connection.sendmsg((kind, payload))
    except TimeoutError:
        raise TimeUpError from None
    except ConnectionError:
        raise ProcessLostError from None


def receive(connection: socket.socket, buffer: memoryview) -> int:
    """Receive a frame into a buffer; returns its length, 0 at the end.

    Raises:
        TimeUpError: none has come in time.
        ProcessLostError: the process is gone.
    """
    try:
        return connection.recv_into(buffer)
    except TimeoutError:
        raise TimeUpError from None
    except ConnectionError:
        raise ProcessLostError from None
