"""Make a failing history short: leave out choices for as long as it still fails in the same way."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.simulation import history
from tests.simulation.choices import SCHEDULE

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.simulation.history import Outcome

Choice = tuple[tuple[str, int], int]


def kind_of(problem: str) -> str:
    """A problem without its numbers and names: what two histories have in common that fail for one reason."""
    return re.sub(r"\b\w*\d[\w.]*|\w+\.wav\S*", "#", problem)


def minimise(outcome: Outcome, *, most: int = 400) -> Outcome:
    """A history with as few choices as can be found that has one of the same problems.

    Args:
        outcome: one that failed.
        most: histories to try.
    """
    wanted = {kind_of(one) for one in outcome.problems}
    best, tries = outcome, 0

    def fails(choices: list[Choice]) -> bool:
        nonlocal best, tries
        tries += 1
        found = history.run(outcome.scenario, None, dict(choices))
        if not wanted & {kind_of(one) for one in found.problems}:
            return False
        best = found
        return True

    def spent() -> bool:
        return tries >= most

    # First everything but the order of threads: those choices are few, and say what happened.
    order = [one for one in outcome.choices.items() if one[0][0] == SCHEDULE]
    rest = [one for one in outcome.choices.items() if one[0][0] != SCHEDULE]
    order = [] if fails(rest) else halved(order, lambda some: fails(rest + some), spent)
    rest = halved(rest, lambda some: fails(some + order), spent)
    halved(order, lambda some: fails(rest + some), spent)
    return best


def halved(
    items: list[Choice], fails: Callable[[list[Choice]], bool], spent: Callable[[], bool]
) -> list[Choice]:
    """A part of some choices that still fails, from which no further stretch of them can be left out."""
    size = max(1, len(items) // 2)
    while items and not spent():
        start, smaller = 0, False
        while start < len(items) and not spent():
            without = items[:start] + items[start + size :]
            if fails(without):
                items, smaller = without, True
            else:
                start += size
        if size == 1 and not smaller:
            break
        size = max(1, size // 2)
    return items


def as_text(choices: dict[tuple[str, int], int]) -> str:
    """Choices for a command line."""
    return ",".join(f"{stream}.{position}={value}" for (stream, position), value in sorted(choices.items()))


def from_text(text: str) -> dict[tuple[str, int], int]:
    """The same back."""
    found = {}
    for one in filter(None, text.split(",")):
        name, _, value = one.partition("=")
        stream, _, position = name.rpartition(".")
        found[stream, int(position)] = int(value)
    return found
