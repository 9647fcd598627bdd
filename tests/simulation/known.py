"""What the simulation finds and nobody has mended yet.

A history that fails in no other way is not counted as a failure. Each entry is strict: `test_histories.py` fails if it
is not found any more, so that it is taken out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.simulation.history import Outcome


@dataclass(frozen=True, kw_only=True)
class Known:
    """One fault of the product."""

    about: str
    """What is wrong, in words."""
    problem: str
    """How the checks put it, as a regular expression."""
    scenario: str
    """Where it is found."""
    within: int
    """Seeds among which it is found."""
    where: str = ".*"
    """Scenarios in which it is forgiven, as a regular expression."""


KNOWN: tuple[Known, ...] = ()


def unknown(outcome: Outcome) -> list[str]:
    """The problems of a history that are not known."""
    forgiven = [one.problem for one in KNOWN if re.fullmatch(one.where, outcome.scenario)]
    return [one for one in outcome.problems if not any(re.search(pattern, one) for pattern in forgiven)]
