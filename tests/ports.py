"""Ports for servers that tests start: no two processes that ask here get the same one."""

from __future__ import annotations

import fcntl
import os
import random
import socket
import tempfile
from functools import cache
from pathlib import Path

HOST = "127.0.0.1"
PORTS = range(20_000, 30_000)
"""Below those that systems give to outgoing connections: none of these takes a port before its server does."""
TRIES = 1000

_given: set[int] = set()


def free_port() -> int:
    """A port that nobody listens at, and that nobody else gets here for as long as this process lives.

    Raises:
        RuntimeError: almost all are taken.
    """
    for port in (random.choice(PORTS) for _ in range(TRIES)):
        if port not in _given and _locked(port) and _bindable(port):
            _given.add(port)
            return port
    raise RuntimeError(f"no port from {PORTS.start} to {PORTS.stop} was free in {TRIES} tries")


def _locked(port: int) -> bool:
    """Lock the byte at a port's number; the system unlocks it when this process ends, however it does."""
    try:
        fcntl.lockf(_locks(), fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
    except OSError:
        return False
    return True


def _bindable(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


@cache
def _locks() -> int:
    path = Path(tempfile.gettempdir(), f"dropscribe-test-ports-{os.getuid()}")
    return os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
