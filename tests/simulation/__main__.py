"""python -m tests.simulation: run many histories, replay one, or make a failing one short.

seeds     histories from seeds, in as many processes as there are cores
faults    one fault at each call of a scenario
replay    one history, from a seed or from its choices, with everything that happens in it
minimise  the shortest history that fails as a seed does
mutants   how many seeds it takes to catch each planted bug
"""

from __future__ import annotations

import argparse
import itertools
import os
import re
import signal
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from tests.simulation import history, minimiser, mutants
from tests.simulation.known import unknown
from tests.simulation.scenarios import SCENARIOS
from tests.simulation.scheduler import Killed

if TYPE_CHECKING:
    from tests.simulation.history import Outcome

PAGE = Path(__file__).parent.parent.parent / "docs" / "simulation.md"

BLOCK = 25
"""Seeds that a process runs at one time."""

PROGRESS = 30.0
"""Seconds between two lines that say how far it is."""


def main() -> int:
    """Run a command; 1 if a history failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    seeds = commands.add_parser("seeds")
    seeds.add_argument("--from", dest="first", type=int, default=0, help="the first seed")
    seeds.add_argument("--count", type=int, default=2000, help="how many seeds")
    seeds.add_argument("--scenario", choices=[*SCENARIOS, "all"], default="all")
    seeds.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes that share them")
    seeds.add_argument("--unknown", action="store_true", help="leave out what is known and not mended yet")
    one = commands.add_parser("faults")
    one.add_argument("--scenario", choices=[*SCENARIOS], default="one")
    for name in ("replay", "minimise"):
        which = commands.add_parser(name)
        which.add_argument("scenario", choices=[*SCENARIOS])
        which.add_argument("--seed", type=int)
        which.add_argument("--choices", default="")
        which.add_argument("--mutant", choices=[*mutants.MUTANTS])
        which.add_argument("--quiet", action="store_true", help="say only what went wrong")
    planted = commands.add_parser("mutants")
    planted.add_argument("--most", type=int, default=300)
    planted.add_argument("--write", action="store_true", help="renew the table in docs/simulation.md")
    asked = parser.parse_args()
    if asked.command == "seeds":
        names = list(SCENARIOS) if asked.scenario == "all" else [asked.scenario]
        return run_seeds(names, asked.first, asked.count, asked.jobs, leave_out=asked.unknown)
    if asked.command == "faults":
        return show(asked.scenario)
    if asked.command == "mutants":
        return show_mutants(asked.most, write=asked.write)
    with mutants.planted(asked.mutant):
        return look_at_one(asked)


def run_seeds(names: list[str], first: int, count: int, jobs: int, *, leave_out: bool) -> int:
    """Histories from seeds, the scenarios in turn; each failure is said at once. If it is stopped, it says how to go on."""
    began, failed, done = time.monotonic(), Counter[str](), 0
    examples: dict[str, Outcome] = {}
    said = began
    starts = range(first, first + count, BLOCK)
    with ProcessPoolExecutor(jobs, initializer=be_quiet) as pool:
        try:
            for bad in pool.map(block, itertools.repeat(names), starts, itertools.repeat(first + count)):
                done = min(count, done + BLOCK)
                for outcome in bad:
                    for problem in unknown(outcome) if leave_out else outcome.problems:
                        kind = f"{outcome.scenario}: {minimiser.kind_of(problem)}"
                        failed[kind] += 1
                        examples.setdefault(kind, outcome)
                        print(f"WRONG: {problem}\n       {replay_of(outcome)}", flush=True)
                if (now := time.monotonic()) >= said + PROGRESS:
                    said = now
                    wrong = failed.total()
                    print(
                        f"{done} of {count} histories, {done / (now - began):.1f} a second, {wrong} failures",
                        flush=True,
                    )
        except KeyboardInterrupt:
            pool.shutdown(wait=False, cancel_futures=True)
            print(f"stopped; the rest: --from {first + done} --count {count - done}")
    took = time.monotonic() - began
    print(f"{done} histories in {took:.0f} s, {done / took:.1f} a second; {len(failed)} kinds of failures")
    for kind, times in failed.most_common():
        example = examples[kind]
        print(
            f"{times:5}  {kind}\n       python -m tests.simulation minimise {example.scenario} --seed {example.seed}"
        )
    return int(bool(failed) or done < count)


def be_quiet() -> None:
    """What a process does that runs histories for another: Ctrl-C is the other one's business."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    told = sys.unraisablehook

    def hook(unraisable: sys.UnraisableHookArgs) -> None:
        # A generator of a killed process ends when it is collected, and the end of it calls a port once more.
        if not isinstance(unraisable.exc_value, Killed):
            told(unraisable)

    sys.unraisablehook = hook


def block(names: list[str], start: int, end: int) -> list[Outcome]:
    """The failing histories among some seeds."""
    found = []
    for seed in range(start, min(start + BLOCK, end)):
        outcome = history.run(names[seed % len(names)], seed)
        if outcome.problems:
            found.append(outcome)
    return found


def show(scenario: str) -> int:
    """One fault at each call."""
    pairs, failed = history.single_faults(scenario), 0
    for number, mode in pairs:
        outcome = history.run(scenario, None, {("fault", number): mode})
        if outcome.problems:
            failed += 1
            print(
                f"{outcome.faults[0]}: {'; '.join(outcome.problems)}\n       {replay_of(outcome)}", flush=True
            )
    print(f"{len(pairs)} histories, {failed} failed")
    return int(bool(failed))


def replay_of(outcome: Outcome, mutant: str | None = None) -> str:
    """The command that repeats a history."""
    more = f" --mutant {mutant}" if mutant else ""
    if outcome.seed is not None:
        return f"python -m tests.simulation replay {outcome.scenario} --seed {outcome.seed}{more}"
    choices = minimiser.as_text(outcome.choices)
    return f"python -m tests.simulation replay {outcome.scenario} --choices '{choices}'{more}"


def look_at_one(asked: argparse.Namespace) -> int:
    """Replay or shorten one history."""
    fixed = minimiser.from_text(asked.choices)
    outcome = history.run(asked.scenario, asked.seed, fixed or None, trace=not asked.quiet)
    if asked.command == "minimise" and outcome.problems:
        outcome = minimiser.minimise(outcome)
        if not asked.quiet:
            outcome = history.run(asked.scenario, None, outcome.choices, trace=True)
    print("\n".join(outcome.trace))
    for fault in outcome.faults:
        print(fault)
    for problem in outcome.problems:
        print(f"WRONG: {problem}")
    print(f"{outcome.took:.0f} s, digest {outcome.digest}\n{replay_of(outcome, asked.mutant)}")
    return int(bool(outcome.problems))


def show_mutants(most: int, *, write: bool) -> int:
    """The table of the planted bugs."""
    missed, rows = 0, ["| planted bug | scenario | histories | found as |", "|---|---|---|---|"]
    for name, mutant in mutants.MUTANTS.items():
        tries, found = mutants.hunt(name, most)
        missed += found is None
        said = minimiser.kind_of(found.problems[0]) if found else "**not caught**"
        rows.append(f"| {mutant.about} | `{mutant.scenario}` | {tries} | {said} |")
    table = "\n".join(rows)
    print(table)
    if write:
        page = PAGE.read_text("utf-8")
        PAGE.write_text(
            re.sub(r"^\| planted bug .*?(?=\n\n)", lambda _: table, page, flags=re.MULTILINE | re.DOTALL),
            "utf-8",
        )
    return int(bool(missed))


if __name__ == "__main__":
    sys.exit(main())
