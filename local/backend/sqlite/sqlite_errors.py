"""Errors of SQLite as errors of ours: what passes if one waits, and what a person must repair."""

from __future__ import annotations

import contextlib
import sqlite3
from typing import TYPE_CHECKING

from shared.errors import ConfigurationError, StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_NOT_NOW = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_NOMEM}
_NEVER = {
    sqlite3.SQLITE_NOTADB: "it is not a Dropscribe database",
    sqlite3.SQLITE_CORRUPT: "it is damaged",
    sqlite3.SQLITE_READONLY: "it is read-only",
    sqlite3.SQLITE_PERM: "it is not allowed to be opened",
}


@contextlib.contextmanager
def translated(path: Path, busy_seconds: float) -> Iterator[None]:
    """Translate what is raised inside.

    Raises:
        StoreUnavailable: others hold the file, or the disk does not take it now.
        ConfigurationError: it cannot be used at all.
    """
    try:
        yield
    except sqlite3.DatabaseError as error:
        if told := as_ours(error, path, busy_seconds):
            raise told from error
        raise


def as_ours(error: sqlite3.DatabaseError, path: Path, busy_seconds: float) -> Exception | None:
    """What callers are told of an error of a file; None: the error itself."""
    code = _code(error)
    if code in _BUSY:
        return StoreUnavailable(
            f"Other processes kept {path} locked for {busy_seconds:g} s. "
            "Check which Dropscribe processes are still running, and try again."
        )
    if code in _NOT_NOW:
        return StoreUnavailable(
            f"{path} cannot be read or written now ({error}). Check the disk and its free space."
        )
    if code in _NEVER:
        return ConfigurationError(
            f"{path} cannot be used: {_NEVER[code]} ({error}). "
            "Repair its permissions, or move it away and start again."
        )
    return None


def is_busy(error: sqlite3.Error) -> bool:
    """Whether another process holds what was wanted."""
    return _code(error) in _BUSY


def _code(error: sqlite3.Error) -> int:
    # Extended codes carry the primary one in the low byte.
    return int(getattr(error, "sqlite_errorcode", 0) or 0) & 0xFF
