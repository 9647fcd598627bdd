"""Play a model of a port against an implementation: the same calls in any order give the same answers."""

from __future__ import annotations

import itertools
from functools import partial

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

EXAMPLES = {True: (100, 40), False: (20, 30)}
"""Histories and steps of each, here and on an emulator: a few seconds."""

COLUMNS = ["local", pytest.param("google", marks=pytest.mark.slow)]
"""Implementations, as the fixtures name them."""

_numbers = itertools.count()


class Machine(RuleBasedStateMachine):
    """A model with the implementation beside it.

    Args:
        case: the implementation, of `tests/contract/conftest.py`.
    """

    def __init__(self, case):
        super().__init__()
        self.case = case
        self.port = case.port
        self.number = next(_numbers)
        """Different for every history: all of them share the implementation's data."""


def play(machine, case, *, is_here, phases=tuple(Phase), times=1):
    """Play histories, the same ones in every run.

    Args:
        machine: the class of the model.
        case: the implementation.
        is_here: whether it is this machine's own, and not an emulator's.
        phases: of Hypothesis; without `Phase.shrink` a failing history stays as long as it is.
        times: how many times as many histories as usual, at most.
    """
    examples, steps = EXAMPLES[is_here]
    chosen = settings(
        max_examples=times * examples,
        stateful_step_count=steps,
        derandomize=True,
        deadline=None,
        database=None,
        phases=phases,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(partial(machine, case), settings=chosen)
