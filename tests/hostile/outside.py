"""What can be seen of the decoder from outside while a job is at work in it; gives what it found open, as `survey.py`."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from shared.errors import BadMedia
from tests.audio.media import Memory
from tests.hostile.survey import SOMEBODY
from tests.hostile.taken_over import EVIL, decoder


@dataclass
class Held(Memory):
    """A recording of which a job asks for a byte, and gets it when it may go on."""

    asked: threading.Event = field(default_factory=threading.Event)
    go_on: threading.Event = field(default_factory=threading.Event)

    def read(self, start, length):
        self.asked.set()
        self.go_on.wait(10)
        return super().read(start, length)


@contextlib.contextmanager
def at_work(sandbox):
    """The process ids of the decoder and of a job in it that has given up everything."""
    source = Held(b"x" * 1000)

    def probe():
        with contextlib.suppress(BadMedia):
            sandbox.probe(source, name=f"{EVIL}.mp3")

    caller = threading.Thread(target=probe)
    caller.start()
    try:
        assert source.asked.wait(20)
        zygote = sandbox._process.pid
        [job] = Path(f"/proc/{zygote}/task/{zygote}/children").read_text().split()
        yield zygote, int(job)
    finally:
        source.go_on.set()
        caller.join()


WAITS = "reader.at(0, 1)\nsay(remote, 'done')"
LIMITS = ("core file size", "file size", "processes", "open files", "address space", "cpu time")
NOTHING_OF = LIMITS[:4]
"""Of which a job gets nothing; of the others it gets some."""


def processes(monkeypatch, folder, hole=""):
    """What the system says of both processes."""
    found = []
    with (
        decoder(monkeypatch, WAITS, user=SOMEBODY, hole=hole) as sandbox,
        at_work(sandbox) as (zygote, job),
    ):
        for who, process in (("zygote", zygote), ("job", job)):
            status = dict(line.split(":\t", 1) for line in _of(process, "status") if ":\t" in line)
            if (status["NoNewPrivs"], status["Seccomp"]) != ("1", "2"):
                found.append(f"the {who} is not in a sandbox")
            # Files in /proc of a process that others may not read belong to root.
            if Path(f"/proc/{process}/mem").stat().st_uid != 0:
                found.append(f"the {who} can be read")
        most = {
            name: line.rsplit(None, 2)
            for name in LIMITS
            for line in _of(job, "limits")
            if f"Max {name} " in line
        }
        for name in LIMITS:
            # The line ends with a unit, but for those that have none.
            hard = next(one for one in reversed(most[name]) if one == "unlimited" or one.isdigit())
            if hard == "unlimited" or (name in NOTHING_OF and hard != "0"):
                found.append(f"limit of {name}")
    return ", ".join(found) or "nothing"


def _of(process, file):
    return Path(f"/proc/{process}/{file}").read_text().splitlines()


def survivors(monkeypatch, folder, hole=""):
    """A job whose decoder is killed, and that ignores that its caller is gone."""
    code = "reader.at(0, 1)\nwhile True: time.sleep(1)"
    with decoder(monkeypatch, code, hole=hole) as sandbox, at_work(sandbox) as (zygote, job):
        os.kill(zygote, signal.SIGKILL)
        until = time.monotonic() + (1.0 if hole else 10.0)
        while (alive := _is_alive(job)) and time.monotonic() < until:
            time.sleep(0.02)
        if alive:
            os.kill(job, signal.SIGKILL)
    return "outlive its decoder" if alive else "nothing"


def _is_alive(process):
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return any(line.startswith("State:") and "Z" not in line for line in _of(process, "status"))
    return False
