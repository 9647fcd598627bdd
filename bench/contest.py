"""Contenders that take turns: each in a process of its own, loaded and warm before the clock starts.

What they are stands in `contenders.py`. Figures of one machine at one time are compared round by round: what else
the machine does then hits all of them alike.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).resolve().parent.parent


class MissingError(Exception):
    """What a contender needs is not installed, or it does not do this job; says why."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """What all contenders are to do."""

    kind: str
    """`hours` or `bag`: some long files, or many short ones."""
    model: str
    """Name of weights, or path of a `.nemo` file."""
    device: str
    """`cpu` or `cuda`."""
    files: tuple[str, ...]
    """Wav files, mono, 16 kHz."""
    trial: tuple[str, ...]
    """Shorter ones, or fewer, on which a contender tries its options."""


class Contender:
    """The parent's side of one.

    Args:
        name: which, see `contenders.py`.
        job: what it is to do.
    """

    def __init__(self, name: str, job: Job) -> None:
        pipe = subprocess.PIPE
        self._child = subprocess.Popen(
            [sys.executable, "-m", "bench.contenders", name],
            stdin=pipe,
            stdout=pipe,
            stderr=subprocess.DEVNULL,
            text=True,
            cwd=ROOT,
        )
        self.name = name
        self.rounds: list[dict] = []
        self._say(json.dumps(asdict(job)))
        ready = self._answer()
        self.label, self.missing = ready.get("label", ""), ready.get("missing")

    def run(self) -> None:
        """One round; one that fails was its last, see `missing`."""
        self._say("go")
        answer = self._answer()
        self.missing = answer.get("missing")
        if self.missing is None:
            self.rounds.append(answer)

    def close(self) -> None:
        """End it."""
        self._child.stdin.close()
        self._child.wait()
        self._child.stdout.close()

    def _say(self, line: str) -> None:
        self._child.stdin.write(line + "\n")
        self._child.stdin.flush()

    def _answer(self) -> dict:
        line = self._child.stdout.readline()
        if not line:
            raise SystemExit(f"{self.name} ended without an answer; it is {' '.join(self._child.args)}")
        return json.loads(line)

    @property
    def seconds(self) -> list[float]:
        """Of each round."""
        return [one["seconds"] for one in self.rounds]


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


def spread(values: list[float], form: str = ".2f") -> str:
    """`1.52 (1.40 to 1.71)`: the median, the least and the most."""
    return f"{statistics.median(values):{form}} ({min(values):{form}} to {max(values):{form}})"


def ratios(one: Contender, other: Contender, what: str = "seconds") -> list[float]:
    """How many times as many seconds, or core-seconds (`core`), `other` took, round by round."""
    return [theirs[what] / ours[what] for ours, theirs in zip(one.rounds, other.rounds, strict=True)]
