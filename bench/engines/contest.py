"""Contenders that take turns: each in a process of its own, loaded and warm before the clock starts.

What they are stands in `contenders.py`. Figures of one machine at one time are compared round by round: what else
the machine does then hits all of them alike.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

from bench.engines.contenders import CONTENDERS
from bench.engines.job import Job, MissingError
from bench.machine import core_seconds, fresh_process

if TYPE_CHECKING:
    from collections.abc import Sequence


class Contender:
    """One of them, in its process.

    Args:
        name: which, see `contenders.py`.
        job: what it is to do.
    """

    def __init__(self, name: str, job: Job) -> None:
        self._process = fresh_process(_silence)
        self.name = name
        self.rounds: list[dict] = []
        self.label, self.missing = self._process.submit(_load, name, job).result()

    def run(self) -> None:
        """One round; one that fails was its last, see `missing`."""
        answer = self._process.submit(_round).result()
        self.missing = answer.get("missing")
        if self.missing is None:
            self.rounds.append(answer)

    def close(self) -> None:
        """End it."""
        self._process.shutdown()

    @property
    def seconds(self) -> list[float]:
        """The seconds of each round."""
        return [one["seconds"] for one in self.rounds]


_loaded: dict[str, Any] = {}
"""The job and the function of the contender whose process this is."""


def _silence() -> None:
    """Nobody wants to read what libraries print."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)


def _load(name: str, job: Job) -> tuple[str, str | None]:
    """How the contender does it, and what it lacks."""
    try:
        recognise, label = CONTENDERS[name](job)
    except MissingError as missing:
        return "", str(missing)
    _loaded.update(job=job, recognise=recognise)
    return label, None


def _round() -> dict:
    """What one round took, and its texts."""
    job, recognise = _loaded["job"], _loaded["recognise"]
    files = recognise.prepare(job.files) if hasattr(recognise, "prepare") else job.files
    before, started = core_seconds(), time.perf_counter()
    try:
        texts, spent = recognise(files)
    except Exception as error:  # noqa: BLE001 - whatever it is, the others go on
        return {"missing": f"it failed: {error!r}"[:300]}
    seconds = time.perf_counter() - started
    return {"seconds": seconds, "core": core_seconds() - before, "texts": texts, "spent": spent}


def hold(names: Sequence[str], job: Job, rounds: int) -> list[Contender]:
    """Let them take turns; those that did it, in their order.

    Args:
        names: of the contenders.
        job: what they are to do.
        rounds: how often each does it.
    """
    ready = []
    try:
        for name in names:
            print(f"loading {name} …", flush=True)
            one = Contender(name, job)
            ready.append(one)
            print(f"  {'skipped: ' + one.missing if one.missing else one.label}", flush=True)
        for number in range(rounds):
            for one in ready:
                if not one.missing:
                    one.run()
                    told = one.missing or f"{one.seconds[-1]:.2f} s"
                    print(f"round {number + 1} of {rounds}: {one.name} {told}", flush=True)
    finally:
        for one in ready:
            one.close()
    return [one for one in ready if not one.missing]


def ratios(one: Contender, other: Contender, what: str = "seconds") -> list[float]:
    """How many times as many seconds, or core-seconds (`core`), `other` took, round by round."""
    return [theirs[what] / ours[what] for ours, theirs in zip(one.rounds, other.rounds, strict=True)]
