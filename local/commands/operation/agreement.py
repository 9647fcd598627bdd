"""Say what a command is about to change, and ask whether to go on."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, TypeVar

import typer

from local.commands.terminal import say
from shared.errors import BadRequest, StoreUnavailable
from shared.in_words import broken_off

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Item = TypeVar("Item")
Result = TypeVar("Result")

MANY = 1
"""Items that are changed without asking."""


def at_terminal() -> bool:
    """Whether there is a person to ask."""
    return sys.stdin.isatty()


def settled(told: str, count: int, *, yes: bool, for_good: bool = False) -> bool:
    """Whether to go on: print what will be done, and ask if it is much, or cannot be undone.

    Raises:
        BadRequest: there is no terminal to ask.
    """
    say(told)
    if yes or (count <= MANY and not for_good):
        return True
    if not at_terminal():
        raise BadRequest(
            "Nothing was done: this asks first, and there is no terminal to ask at. Add --yes to go ahead."
        )
    return typer.confirm("Go ahead?", err=True)


def each(items: Sequence[Item], change: Callable[[Item], Result], noun: str, verb: str) -> list[Result]:
    """Change one item after the other.

    Raises:
        StoreUnavailable: that of `change`, with how many were changed before, and what to do.
    """
    done: list[Result] = []
    for one in items:
        try:
            done.append(change(one))
        except StoreUnavailable as error:
            raise StoreUnavailable(broken_off(str(error), len(done), len(items), noun, verb)) from error
    return done
