"""The processes of a deployment as Linux shows them: who descends from whom, who is gone, whom to kill."""

from __future__ import annotations

import contextlib
import os
import signal
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Process:
    """One process; a later one with the same number is another."""

    pid: int
    started: str
    command: str

    def is_gone(self):
        """Whether it has ended; one that nobody has waited for has."""
        now = _stat(self.pid)
        return now is None or now[1] != self.started or now[0] in "ZX"

    def send(self, number):
        with contextlib.suppress(ProcessLookupError):
            if not self.is_gone():
                os.kill(self.pid, number)

    def is_worker(self):
        return "-m gpu_job" in self.command

    def is_function(self):
        return "functions_framework" in self.command or "-m local.runtime.serve" in self.command


def tree(pid):
    """A process and all that descend from it, itself first."""
    found, waiting = [], [pid]
    while waiting:
        pid = waiting.pop()
        stat = _stat(pid)
        if stat is None:
            continue
        with contextlib.suppress(OSError):
            command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
            found.append(Process(pid=pid, started=stat[1], command=command))
            for task in Path(f"/proc/{pid}/task").iterdir():
                waiting += map(int, (task / "children").read_text().split())
    return found


def kill(processes):
    """End some processes at once, without a chance to do anything."""
    # Stopped first: none of them sees another one die before it dies itself.
    for number in (signal.SIGSTOP, signal.SIGKILL):
        for one in processes:
            one.send(number)


def _stat(pid):
    """State and start of a process; None if there is none."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()
    return fields[0], fields[19]
