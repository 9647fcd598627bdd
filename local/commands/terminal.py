"""How the commands speak: standard output, what is beside it, JSON, untrusted text, and times."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from shared.in_words import printable, printable_json

if TYPE_CHECKING:
    from collections.abc import Iterable


WIDTH = 160
"""Columns of a table that is not printed on a terminal."""


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
