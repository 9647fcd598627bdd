"""Whoever changes much at once is told first what that means, and asked."""

from __future__ import annotations

import sys

import typer

from local.commands.terminal import say
from shared.errors import BadRequest

MANY = 1
"""Items that are changed without asking."""


def at_terminal() -> bool:
    """Whether there is a person to ask."""
    return sys.stdin.isatty()


def settled(told: str, count: int, *, yes: bool) -> bool:
    """Whether to go on: print what will be done, and ask if it is much.

    Args:
        told: what will be done, in sentences.
        count: number of items.
        yes: do not ask.

    Raises:
        BadRequest: there is nobody to ask.
    """
    say(told)
    if yes or count <= MANY:
        return True
    if not at_terminal():
        raise BadRequest(
            "Nothing was done: this asks first, and there is no terminal to ask at. Add --yes to go ahead."
        )
    return typer.confirm("Go ahead?", err=True)
