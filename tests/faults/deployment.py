"""`dropscribe up` with all its processes, which a test kills, stops and starts again.

The engine of its worker takes its time (tests/plug), so that faults meet work in progress.
"""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path

from local.backend.embedded_ports import open_ports
from shared.settings import Settings, variable
from shared.state import documents
from tests.faults import proc
from tests.faults.media import dated

ROOT = Path(__file__).resolve().parents[2]
LEASE = 6.0
"""Seconds of a worker's lease on a message."""
PATIENCE = 120.0
"""Seconds for anything that takes some on a quiet machine."""


class Deployment:
    """One state directory with its inbox and output folder, and the processes on it.

    Args:
        folder: for all of it.
        page: whether the page is served, by one more process.
        settings: variables of its processes.
    """

    def __init__(self, folder, *, page=False, **settings):
        self.page = page
        self.folder = folder
        self.inbox, self.out, self.state = folder / "inbox", folder / "out", folder / "state"
        self.inbox.mkdir()
        self.said = folder / "log"
        self.calls = folder / "calls"
        self.calls.touch()
        self.wall = folder / "wall"
        self.wall.touch()
        self.wrong = 0
        """Seconds by which the wall clock is wrong."""
        self.step_clock(0)
        (folder / "trouble").write_text("slow")
        self.ports = open_ports(Settings(state_dir=self.state, inbox=self.inbox, transcripts=self.out))
        self.process = None
        self.seen = set()
        self.environment = os.environ | {
            "CHUNK_DURATION_MINUTES": "0.5",
            "DROPSCRIBE_CPU_USD_PER_HOUR": "1",
            "DROPSCRIBE_INBOX": str(self.inbox),
            "DROPSCRIBE_LEASE_SECONDS": str(LEASE),
            "DROPSCRIBE_STATE_DIR": str(self.state),
            "DROPSCRIBE_TRANSCRIPTS": str(self.out),
            "ENABLE_FALLBACK": "false",
            "GPU_BATCH_SIZE": "1",
            "PARAKEET_MODEL_NAME": "tiny",
            "PYTHONPATH": os.pathsep.join([str(ROOT / "tests" / "plug"), str(ROOT)]),
            "TRANSCRIPTION_METHOD": "parakeet",
            "TROUBLE": str(folder / "trouble"),
            "TROUBLE_CALLS": str(self.calls),
            "WALL": str(self.wall),
            **settings,
        }

    def close(self):
        """End whatever still runs."""
        self.note()
        proc.kill([one for one in self.seen if not one.is_gone()])
        if self.process is not None:
            self.process.wait()
        self.ports.close()

    def drop(self, path, name=None, seconds=0):
        """Put a copy into the inbox, whole at once."""
        name = name or path.name
        hidden = self.inbox / f".{name}"
        shutil.copy(path, hidden)
        dated(hidden, seconds)
        hidden.rename(self.inbox / name)

    def start(self):
        """Begin; returns when all processes have been started."""
        before = self.said.stat().st_size if self.said.exists() else 0
        self.process = self._run("local.cli", "up", "--console" if self.page else "--no-console")
        self.wait(lambda: b"Stop with Ctrl-C" in self.said.read_bytes()[before:])

    def step_clock(self, seconds):
        """Set the wall clock of all processes."""
        self.wrong += seconds
        with self.wall.open("r+b", buffering=0) as file:
            file.write(b"%+012d" % self.wrong)

    def stop(self):
        """End as a person does."""
        self.note()
        self.process.send_signal(signal.SIGINT)
        assert self.process.wait(60) == 0
        self.process = None

    def kill(self, *, all_of_it):
        """Kill `up`, with all its processes or without; then they have to end by themselves. Start it again."""
        self.note()
        proc.kill(self.tree() if all_of_it else self.tree()[:1])
        self.process.wait()
        self.process = None
        self.start()

    @contextmanager
    def another_worker(self):
        """A second worker for a while."""
        process = self._run("gpu_job", "--stay")
        try:
            yield
        finally:
            self.seen.update(proc.tree(process.pid))
            process.send_signal(signal.SIGINT)
            assert process.wait(60) == 0

    def tree(self):
        return [] if self.process is None else proc.tree(self.process.pid)

    def note(self):
        """Remember the processes of this moment."""
        self.seen.update(self.tree())

    def worker(self):
        """The worker's process, once it runs."""
        found = []

        def runs():
            found[:] = [one for one in self.tree() if one.is_worker()]
            return found

        self.wait(runs)
        return found[0]

    def functions(self):
        return [one for one in self.tree() if one.is_function()]

    def addresses(self):
        """The address of the function of each push subscription."""
        found = {}
        for one in self.functions():
            *_, target, port, _calls = one.command.split()  # of local/runtime/serve.py
            found[target] = f"http://127.0.0.1:{port}/"
        return found

    def token(self):
        """What calls of functions must carry; empty before they run. Only what never decodes shows its environment."""
        for one in self.functions():
            if "functions/merger" in one.command:
                with suppress(OSError):
                    words = Path(f"/proc/{one.pid}/environ").read_bytes().split(b"\0")
                    name = variable("function_token").encode() + b"="
                    return next(
                        (word.removeprefix(name).decode() for word in words if word.startswith(name)), ""
                    )
        return ""

    def leased(self):
        """How many parts the workers have in their hands."""
        with sqlite3.connect(self.state / "dropscribe.sqlite", timeout=30) as database:
            row = database.execute(
                "SELECT count(*) FROM messages WHERE subscription = 'cpu-worker' AND lease IS NOT NULL"
            ).fetchone()
        database.close()
        return row[0]

    def pending(self):
        """Messages that nobody has acknowledged, by their subscription."""
        queue = self.ports.queue
        counts = {one.name: queue.pending(one.name) for one in queue.topology.subscriptions}
        return {name: count for name, count in counts.items() if count}

    def recordings(self):
        return list(documents.recordings(self.ports.records))

    def progress(self):
        """Steps done so far: recordings accepted and parts with a result."""
        return len(self.recordings()) + self.ports.records.count(documents.CHUNKS)

    def wait(self, condition, seconds=PATIENCE):
        """Wait for something; gives how many seconds it took."""
        began = time.monotonic()
        while not condition():
            self.note()
            if time.monotonic() > began + seconds:
                raise TimeoutError(f"not within {seconds:.0f} s: {self.state_of_things()}")
            assert self.process is None or self.process.poll() is None, f"up has ended: {self.tail()}"
            time.sleep(0.05)
        return time.monotonic() - began

    def settle(self, count, seconds=PATIENCE):
        """Wait until so many recordings have ended and nothing is left to do; gives how many seconds it took."""

        def settled():
            ended = [one for one in self.recordings() if one.ended and one.announced]
            return len(ended) >= count and not self.pending()

        return self.wait(settled, seconds)

    def state_of_things(self):
        states = [(one.source.name, one.state, one.code, one.announced) for one in self.recordings()]
        return f"{states}, in the queue {self.pending()}; the log ends with\n{self.tail()}"

    def tail(self):
        return self.said.read_text(errors="replace")[-6000:]

    def _run(self, *module):
        with self.said.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", *module],
                cwd=ROOT, env=self.environment, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
