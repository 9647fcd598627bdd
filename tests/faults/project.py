"""The same in a project: kills and clocks among Google's clients, on emulators. Cloud Run starts again what died.

Recordings have the seed in their names, so that a deployment may meet several seeds.
"""

from __future__ import annotations

import os
import random
import time
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

from shared.state import documents
from tests.faults import assertions, scenarios
from tests.faults.media import CHUNKS, NAMES
from tests.google.deployment import deployed

LEASE = 10
"""Seconds of a worker's lease: the shortest that Pub/Sub has."""
STEPS = [3600, -3600, 86_400]
"""Seconds by which the wall clock of all processes is set."""
PLUG = Path(__file__).resolve().parents[1] / "plug"
A_MINUTE = 60.0


class Project:
    """A deployment whose processes are killed and whose clock is set.

    Args:
        deployment: of `tests/google/deployment.py`.
        wall: the file that says by how much the clock is wrong.
    """

    def __init__(self, deployment, wall):
        self.deployment, self.ports, self._wall = deployment, deployment.ports, wall
        self.wrong = 0

    def set_clock(self, seconds):
        self.wrong = seconds
        with self._wall.open("r+b", buffering=0) as file:
            file.write(b"%+012d" % seconds)

    def kill(self, key):
        """Kill a function or a job with all its processes, and let the platform start it again."""
        processes = self.deployment.processes
        processes.kill(key)
        processes.start(key)
        processes.serves(key)

    def recordings(self, names):
        return [one for one in documents.recordings(self.ports.records) if one.source.name in names]

    def progress(self, names):
        """Recordings accepted and parts with a result."""
        mine = self.recordings(names)
        return len(mine) + sum(
            self.ports.records.count(documents.CHUNKS, {"recording": one.id}) for one in mine
        )

    def wait(self, condition, seconds):
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                log = self.deployment.log.read_text(errors="replace")[-6000:]
                raise TimeoutError(f"not within {seconds:.0f} s; the log ends with\n{log}")
            time.sleep(0.1)

    def settle(self, names, seconds):
        """Wait until all have ended and were announced."""
        self.wait(
            lambda: sum(one.ended and one.announced for one in self.recordings(names)) == len(names), seconds
        )


@contextmanager
def project(folder):
    """A deployment on emulators.

    Raises:
        EmulatorMissing: one is not installed.
    """
    wall, trouble = folder / "wall", folder / "trouble"
    wall.write_bytes(b"%+012d" % 0)
    trouble.write_text("slow")
    path = os.pathsep.join([str(PLUG), os.environ.get("PYTHONPATH", "")])
    settings = {
        "CHUNK_DURATION_MINUTES": "0.5",
        "ENABLE_FALLBACK": "false",
        "GPU_BATCH_SIZE": "1",
        "DROPSCRIBE_LEASE_SECONDS": f"{LEASE}",
        "WALL": str(wall),
        "TROUBLE": str(trouble),
    }
    with mock.patch.dict(os.environ, {"PYTHONPATH": path}), deployed(folder, **settings) as deployment:
        yield Project(deployment, wall)


def once(folder, media, expected, seed):
    """One seed in a deployment of its own."""
    with project(folder) as running:
        kills_and_clocks(running, media, expected, seed)


def kills_and_clocks(
    running, media, expected, seed, *, kinds=("worker", "function", "clock", "worker", "function")
):
    """Kill workers and functions, and set the clock, at moments of a seed.

    Args:
        running: a `Project`.
        media: a folder of recordings.
        expected: what comes of them where nothing goes wrong.
        seed: of the moments.
        kinds: what happens, in any order.
    """
    chance, processes = random.Random(seed), running.deployment.processes
    names = {f"{seed}-{name}": name for name in NAMES}
    events = chance.sample(kinds, len(kinds))
    for name, file in names.items():
        running.deployment.upload(name, media / file)
    last = len(names) * (1 + CHUNKS)
    for kind, step in zip(events, sorted(chance.sample(range(last), len(events))), strict=True):
        running.wait(lambda step=step: running.progress(names) >= step, expected.seconds + 2 * A_MINUTE)
        time.sleep(chance.uniform(0.0, 0.5))
        if kind == "clock":
            running.set_clock(chance.choice(STEPS))
        else:
            running.kill(chance.choice(processes.jobs if kind == "worker" else processes.functions))
    running.settle(names, expected.seconds + LEASE + 3 * A_MINUTE)
    running.set_clock(0)
    ports = running.ports
    for one in running.recordings(names):
        assert one.state == "DONE", (one.source.name, one.code, one.reason)
        [subtitles] = [name for name in one.outputs if name.endswith("/transcript.srt")]
        wanted = scenarios.subtitles(expected, names[one.source.name])
        assert ports.store.load(ports.settings.transcripts_bucket, subtitles) == wanted
    assert len(running.recordings(names)) == len(names)
    assertions.one_end_each(ports, {})
    workers = sum(kind == "worker" for kind in events)
    assertions.one_bill(ports, most_repeats=(workers + events.count("clock")) * len(names) * CHUNKS)
