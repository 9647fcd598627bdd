"""Standard output of the commands, and how they write a time."""

from __future__ import annotations

import time

from rich.console import Console

WIDTH = 160
"""Columns of a table that is not printed on a terminal."""


def output(width: int = WIDTH) -> Console:
    """Standard output, as wide as its terminal; `width` columns if it is not a terminal."""
    return Console(width=None if Console().is_terminal else width)


def local_time(seconds: float) -> str:
    """Seconds since 1970 as this computer's clock shows them: `2026-01-31 12:00`."""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))
