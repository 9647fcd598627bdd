"""The embedded column for the contract tests: folders, one SQLite file and a clock in a file."""

from __future__ import annotations

import contextlib
from functools import partial
from typing import TYPE_CHECKING

from local.backend.files.store import FileStore
from local.backend.sqlite.database import Database
from local.backend.sqlite.queue import SqliteQueue
from local.backend.sqlite.records import SqliteRecords
from local.backend.sqlite.search import SqliteSearch

if TYPE_CHECKING:
    from pathlib import Path

START = 1_700_000_000.0


class FileClock:
    """A settable clock that several processes share."""

    boot = "only"

    def __init__(self, folder: Path) -> None:
        self._path = folder / "clock"

    def now(self) -> float:
        return float(self._path.read_text()) if self._path.exists() else START

    def uptime(self) -> float:
        return self.now() - START

    def advance(self, seconds: float) -> None:
        self._path.write_text(repr(self.now() + seconds))


def column(port, _request, folder):
    """How to open a port on this folder, and how to let time pass there."""
    return partial(reopen, port, folder), partial(elapse, folder)


def elapse(folder: Path, seconds: float) -> None:
    """Let time pass for every queue that is open on this folder."""
    FileClock(folder).advance(seconds)


@contextlib.contextmanager
def reopen(port: str, folder: Path):
    """Open a port on what the folder holds."""
    if port == "store":
        opened = FileStore({bucket: folder / bucket for bucket in ("audio", "transcripts", "work")})
    elif port == "records":
        opened = SqliteRecords(Database(folder / "state.sqlite"))
    elif port == "search":
        opened = SqliteSearch(folder / "search.sqlite")
    else:
        opened = SqliteQueue(Database(folder / "state.sqlite"), FileClock(folder))
    try:
        yield opened
    finally:
        opened.close()
