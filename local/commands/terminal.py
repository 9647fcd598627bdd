"""How the commands speak: standard output, what is beside it, JSON, untrusted text, times, and tables of one style."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE_HEAD
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.table import Table

from shared.in_words import printable, printable_json

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from shared.model import State


WIDTH = 160
"""Columns of a table that is not printed on a terminal."""
COLORS: dict[State, str] = {"DONE": "green", "FAILED": "red", "CANCELLED": "magenta", "DELETED": "dim"}
"""Colours of states of recordings; those in progress are yellow."""


class Terminal(Console):
    """Rich's console, for untrusted text: what could move the cursor or end a line early is shown as an escape.

    Names are made harmless where they are used (`in_words.printable`); this is for those that were forgotten.
    """

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """The segments of what is printed: control sequences are segments of their own, and only Rich makes them."""
        for one in super().render(renderable, options):
            yield one if one.control else Segment(printable(one.text, lines=True), one.style)


def beside(**given: Any) -> Console:
    """Standard error, for what is told beside the output. Arguments: those of `rich.console.Console`."""
    return Terminal(stderr=True, **given)


def output(width: int = WIDTH, **given: Any) -> Console:
    """Standard output, as wide as its terminal; `width` columns if it is not a terminal.

    More arguments: those of `rich.console.Console`.
    """
    return Terminal(width=None if Terminal().is_terminal else width, **given)


def print_text(text: str, end: str = "\n", *, flush: bool = False) -> None:
    """Print text for a program or a person, as it is but for what does harm to a terminal."""
    print(printable(text, lines=True), end=end, flush=flush)  # noqa: T201 - output


def print_json(report: object) -> None:
    """Print JSON for a program; what could do harm to a terminal is escaped, as JSON allows."""
    text = json.dumps(report, ensure_ascii=False, indent=2)
    print(printable_json(text))  # noqa: T201 - output


def print_json_line(report: object) -> None:
    """The same in one line, at once for the reader of a pipe."""
    print(printable_json(json.dumps(report, ensure_ascii=False)), flush=True)  # noqa: T201 - output


def say(text: str, style: str = "") -> None:
    """Tell the person something beside the output; a line is not broken, however long."""
    beside().print(text, style=style, highlight=False, markup=False, soft_wrap=True)


def local_time(seconds: float) -> str:
    """Seconds since 1970 as this computer's clock shows them: `2026-01-31 12:00`."""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))


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
