"""Run one history and judge it."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from tests.simulation import checks, primitives
from tests.simulation.choices import Choices
from tests.simulation.faults import Fault, Met
from tests.simulation.scenarios import SCENARIOS
from tests.simulation.scheduler import Scheduler, Stalled
from tests.simulation.world import deployed

if TYPE_CHECKING:
    from collections.abc import Iterator

SWEEP = 65.0
"""Seconds in which there is a sweep for certain."""

LIMIT = 3 * 3600.0
"""Virtual seconds after which a history is given up: whatever ends by itself has ended by then."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of one history."""

    scenario: str
    seed: int | None
    problems: tuple[str, ...]
    """What is wrong with it; empty if nothing is."""
    faults: tuple[Fault, ...]
    choices: dict[tuple[str, int], int]
    """All that were not the default: with them it happens again."""
    took: float
    """Virtual seconds until everything had ended."""
    met: tuple[Met, ...]
    """All calls that might have gone wrong."""
    trace: tuple[str, ...] = ()
    work: checks.Undisturbed | None = None
    """What came of it, if nothing was to go wrong."""
    told: Choices
    """What they were asked for, and all that happened."""

    @property
    def digest(self) -> str:
        """The same for equal histories."""
        return self.told.digest


def run(
    scenario: str,
    seed: int | None = None,
    fixed: dict[tuple[str, int], int] | None = None,
    *,
    trace: bool = False,
) -> Outcome:
    """Run one history: from a seed, or with some choices fixed and all others at their defaults."""
    judged_by = None if seed is None and fixed is None else undisturbed(scenario)
    with without_collector():
        return _run(scenario, Choices(seed, fixed), seed, judged_by, trace=trace)


def single_faults(scenario: str, *, every: bool = True) -> list[tuple[int, int]]:
    """Each thing that may go wrong at each call of the undisturbed history, until the first sweep after its end.

    As the number of the call and that of what goes wrong.

    Args:
        scenario: which one.
        every: False: of the calls that one place of the source makes, only at the first and at the last, because those
            between are like them, for another chunk or at another sweep.
    """
    undisturbed = run(scenario)
    end = undisturbed.took + SWEEP
    calls = [(number, one) for number, one in enumerate(undisturbed.met) if one.time <= end]
    if not every:
        first, last = (
            {one.point: number for number, one in reversed(calls)},
            {one.point: number for number, one in calls},
        )
        calls = [(number, one) for number, one in calls if number in {first[one.point], last[one.point]}]
    return [(number, mode) for number, one in calls for mode in range(1, len(one.modes))]


@cache
def undisturbed(scenario: str) -> checks.Undisturbed:
    """The history in which nothing goes wrong, by which all others of its scenario are judged."""
    outcome = run(scenario)
    assert not outcome.problems, f"{scenario}, undisturbed: {outcome.problems}"
    assert outcome.work is not None
    return outcome.work


def _run(
    scenario: str, choices: Choices, seed: int | None, judged_by: checks.Undisturbed | None, *, trace: bool
) -> Outcome:
    with primitives.in_place():
        scheduler = Scheduler(choices)
        with scheduler.history(), deployed(scheduler, SCENARIOS[scenario]) as world:
            world.calls.trace = [] if trace else None
            stalled = ""
            try:
                ended = world.run(LIMIT)
            except Stalled as error:
                ended, stalled = False, str(error)
            for collection, several in world.records.documents.items():
                choices.note(collection, sorted(several.items()))
            choices.note(sorted((name, data) for name, (_, data) in world.store.objects.items()))
            problems = [f"stalled: {stalled}"] if stalled else checks.problems(world, judged_by, ended=ended)
            return Outcome(
                scenario=scenario,
                seed=seed,
                problems=tuple(problems),
                faults=tuple(world.calls.faults),
                choices=dict(choices.taken),
                told=choices,
                took=world.took,
                met=tuple(world.calls.met),
                trace=tuple(world.calls.trace or ()),
                work=checks.Undisturbed.of(world) if judged_by is None else None,
            )


@contextmanager
def without_collector() -> Iterator[None]:
    """Cycles are looked for once, after the history, when all of them are garbage: else that takes a quarter of the time."""
    before = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.collect(0)
        if before:
            gc.enable()
