"""The one style of all tables: a line below the headings, figures to the right, texts that wrap."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.table import Table

from local.commands.terminal import local_time

if TYPE_CHECKING:
    from collections.abc import Collection

    from shared.model import State

COLORS: dict[State, str] = {"DONE": "green", "FAILED": "red", "CANCELLED": "magenta", "DELETED": "dim"}
"""Colours of states of recordings; those in progress are yellow."""


def table(
    *names: str, figures: Collection[str] = (), whole: Collection[str] = (), title: str | None = None
) -> Table:
    """An empty table; `add_row` takes a text for each column, `add_section` draws no line but leaves one free.

    `figures` are columns of numbers: to the right, never wrapped; `whole` those of texts that are never wrapped, as
    states.
    """
    # Without edges: no empty lines around it, and every column of a narrow terminal is used.
    made = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, title=title, title_justify="left")
    for name in names:
        made.add_column(
            name,
            justify="right" if name in figures else "left",
            no_wrap=name in figures or name in whole,
            overflow="fold",
        )
    return made


def pairs(*, figures: bool = False) -> Table:
    """An empty table of names and what belongs to them, without headings."""
    made = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    made.add_column(no_wrap=True)
    made.add_column(overflow="fold", justify="right" if figures else "left", no_wrap=figures)
    return made


def color_of(state: State) -> str:
    """The colour in which a state is shown."""
    return COLORS.get(state, "yellow")


def short_time(seconds: float, now: float) -> str:
    """A time without what it has in common with now: `12:00`, `01-31 12:00`, or with the year."""
    shown, today = local_time(seconds), local_time(now)
    if shown[:10] == today[:10]:
        return shown[11:]
    return shown[5:] if shown[:4] == today[:4] else shown
