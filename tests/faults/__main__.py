"""`make faults`: faults at the moments of many seeds, one after the other, until the time is up.

A failure ends it, and says with which seed it comes again (mostly: the machine's load moves the moments as well) and
where its log and state are.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
import traceback
from functools import partial
from pathlib import Path

from tests.deepgram_server import KEY, deepgram_server
from tests.emulators import EmulatorMissing
from tests.faults import project, scenarios

EVERY = 10
"""Calls of a hosted engine are cut off at every tenth seed: each takes ten minutes to be repeated."""
PROJECT_EVERY = 3
"""A project on emulators takes a quarter of a minute to start: every third seed has one."""


def main():
    """Run; 0 if all held."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description="Real faults, many seeds.")
    parser.add_argument("--seed", type=int, default=1, help="the first seed (1)")
    parser.add_argument("--minutes", type=float, default=30.0, help="begin no more scenarios after this (30)")
    parser.add_argument(
        "--only",
        choices=["kills", "duplicates", "files", "pauses", "clocks", "hosted", "project"],
        help="one kind",
    )
    asked = parser.parse_args()
    until = time.monotonic() + asked.minutes * 60
    root = Path(tempfile.mkdtemp(prefix="dropscribe-faults-"))
    (root / "undisturbed").mkdir()
    recordings, seed = scenarios.made(root / "undisturbed"), asked.seed
    while time.monotonic() < until:
        with deepgram_server() as server:
            for name, scenario in _of(seed, recordings, server).items():
                if asked.only in {None, name} and not _held(name, scenario, seed, root):
                    return 1
        seed += 1
    shutil.rmtree(root)
    return 0


def _of(seed, recordings, server):
    found = {
        "kills": partial(scenarios.kills, media=recordings[0], expected=recordings[1], seed=seed),
        "files": partial(scenarios.files, media=recordings[0], expected=recordings[1], seed=seed),
        "pauses": partial(scenarios.pauses, media=recordings[0], expected=recordings[1], seed=seed),
        "duplicates": partial(
            scenarios.duplicates,
            media=recordings[0],
            expected=recordings[1],
            seed=seed,
            server=server,
            key=KEY,
        ),
        "clocks": partial(
            scenarios.clocks,
            media=recordings[0],
            expected=recordings[1],
            seed=seed,
            server=server,
            key=KEY,
            kills=seed % 2 == 0,
        ),
    }
    if seed % PROJECT_EVERY == 1:
        found["project"] = partial(project.once, media=recordings[0], expected=recordings[1], seed=seed)
    if seed % EVERY == 0:
        found["hosted"] = partial(
            scenarios.hosted, media=recordings[0], expected=recordings[1], seed=seed, server=server, key=KEY
        )
    return found


def _held(name, scenario, seed, root):
    folder, began = root / f"{name}-{seed}", time.monotonic()
    folder.mkdir()
    try:
        scenario(folder)
    except EmulatorMissing as missing:
        print(f"{name}, seed {seed}: left out: {missing}", flush=True)
        return True
    except (AssertionError, TimeoutError):
        traceback.print_exc()
        print(f"{name}, seed {seed}: FAILED; {folder} has its log and its state", file=sys.stderr)
        return False
    print(f"{name}, seed {seed}: held, {time.monotonic() - began:.0f} s", flush=True)
    shutil.rmtree(folder)
    return True


if __name__ == "__main__":
    sys.exit(main())
