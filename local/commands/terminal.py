"""How the commands speak: standard output, what is beside it, JSON, untrusted text, and times."""

from __future__ import annotations

import json
import time

from rich.console import Console

WIDTH = 160
"""Columns of a table that is not printed on a terminal."""


def output(width: int = WIDTH) -> Console:
    """Standard output, as wide as its terminal; `width` columns if it is not a terminal."""
    return Console(width=None if Console().is_terminal else width)


def print_json(report: object) -> None:
    """Print JSON for a program, with text as it is."""
    print(json.dumps(report, ensure_ascii=False, indent=2))  # noqa: T201 - output


def say(text: str) -> None:
    """Tell the person something beside the output, in one line however long."""
    Console(stderr=True).print(text, highlight=False, markup=False, soft_wrap=True)


def printable(text: str) -> str:
    """Untrusted text for a terminal: control characters other than the end of a line become spaces."""
    return "".join(one if one.isprintable() or one == "\n" else " " for one in text)


def local_time(seconds: float) -> str:
    """Seconds since 1970 as this computer's clock shows them: `2026-01-31 12:00`."""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))
