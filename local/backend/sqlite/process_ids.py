"""Ids and locks of processes, which tell what a dead process held from what a live one holds."""

from __future__ import annotations

import fcntl
import functools
import os
import socket
from pathlib import Path


def own_id() -> str:
    """The id of this process: `host:pid:start`, never reused by another one."""
    return _name(os.getpid())


def is_gone(owner: str) -> bool:
    """True only if the process is certainly no longer running.

    False for processes of another host (or container), which cannot be seen from here: their leases
    run out. Where the system does not tell when a process started, one that reuses the
    number counts as running.
    """
    host, pid, started = owner.rsplit(":", 2)
    if host != socket.gethostname():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return _state(int(pid)) == "Z" or started != _started(int(pid))


def is_unlocked(path: Path) -> bool:
    """True only if certainly no process holds the lock of a file, in whichever container, or there is no such file."""
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


@functools.lru_cache(maxsize=4)
def _name(pid: int) -> str:
    return f"{socket.gethostname()}:{pid}:{_started(pid)}"


def _started(pid: int) -> str:
    """Clock ticks from boot to the start of a process, empty where the system does not tell."""
    fields = _stat(pid)
    return fields[19] if len(fields) > 19 else ""


def _state(pid: int) -> str:
    fields = _stat(pid)
    return fields[0] if fields else ""


def _stat(pid: int) -> list[str]:
    """Fields 3 and up of /proc/PID/stat (man 5 proc); none on systems without it."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    # The second field is the program's name in parentheses, and may itself hold any of them.
    return text.rpartition(")")[2].split()
