"""A copy of the state folder on a disk that outlasts the machine, where that disk cannot hold the state itself.

SQLite's log needs a local disk (https://sqlite.org/wal.html), so a network drive gets copies of it, each consistent. A run on
the next machine goes on from the last copy.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from local.backend.files.atomic_write import remove_empty, unfinished
from local.backend.files.beneath import make_private
from local.backend.files.names import TEMPORARY
from local.backend.incoming import scratch
from shared import concurrency
from shared.errors import CannotWrite
from shared.telemetry import log

if TYPE_CHECKING:
    from collections.abc import Iterator

DATABASES = ("search.sqlite", "dropscribe.sqlite")
"""The one that refers to files is copied last."""
FILES = "buckets"
TIMES = "times.json"
"""When each file was changed, nanoseconds since 1970, which is part of what it is; not every disk keeps that."""
EVERY = 60.0
"""Seconds between two copies."""


class StateCopy:
    """A state folder and its copy."""

    def __init__(self, state: Path, copy: Path) -> None:
        self._state = state
        self._copy = copy

    def restore(self) -> bool:
        """Fill a state folder that has no database from the copy; False if there is nothing to do, or no copy.

        Raises:
            CannotWrite: the copy cannot be read, or the state folder cannot be written.
        """
        if (self._state / DATABASES[-1]).exists() or not (self._copy / DATABASES[-1]).exists():
            return False
        try:
            times = msgspec.json.decode((self._copy / TIMES).read_bytes(), type=dict[str, int])
            make_private(self._state)
            for name, time in times.items():
                # A file that is gone from the copy belonged to what the database does not know any more.
                with contextlib.suppress(FileNotFoundError):
                    _put(self._copy / name, self._state / name)
                    os.utime(self._state / name, ns=(time, time))
            for name in DATABASES:
                if (self._copy / name).exists():
                    _put(self._copy / name, self._state / name)
        except (OSError, msgspec.MsgspecError) as error:
            raise CannotWrite(
                f"The state in {self._copy} cannot be restored ({error}). Mount that disk again, or move the folder away "
                "to start over."
            ) from error
        return True

    def save(self) -> None:
        """Bring the copy up to date. Whatever interrupts it, the copy is that of one moment, before or now.

        Raises:
            OSError, sqlite3.Error: it could not be done; the copy is as it was.
        """
        with scratch(self._state) as kept:
            for name in DATABASES:
                if (self._state / name).exists():
                    _snapshot(self._state / name, kept / name)
            # What the databases name is written before they name it, so it is there by now.
            times = {
                path.relative_to(self._state).as_posix(): path.stat().st_mtime_ns
                for path in _files(self._state)
            }
            before = self._times()
            for name, time in times.items():
                if before.get(name) != time or not (self._copy / name).exists():
                    with contextlib.suppress(FileNotFoundError):
                        _put(self._state / name, self._copy / name)
            (kept / TIMES).write_bytes(msgspec.json.encode({**before, **times}))
            _put(kept / TIMES, self._copy / TIMES)
            for name in DATABASES:
                if (kept / name).exists():
                    _put(kept / name, self._copy / name)
            for path in list(_files(self._copy)):
                if path.relative_to(self._copy).as_posix() not in times:
                    path.unlink(missing_ok=True)
            # Folders are called after recordings.
            remove_empty(self._copy / FILES)
            (kept / TIMES).write_bytes(msgspec.json.encode(times))
            _put(kept / TIMES, self._copy / TIMES)

    @contextlib.contextmanager
    def saving(self, every: float = EVERY) -> Iterator[None]:
        """Save again and again, and at the end; what goes wrong is logged, and tried again."""
        stop = concurrency.Event()

        def work() -> None:
            while not stop.wait(every):
                self._try()

        thread = concurrency.Thread(target=work, name="state copy", daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()
            self._try()

    def _try(self) -> None:
        try:
            self.save()
        except (OSError, sqlite3.Error) as error:
            log.warning("the state cannot be copied to %s: %s", self._copy, error)

    def _times(self) -> dict[str, int]:
        try:
            return msgspec.json.decode((self._copy / TIMES).read_bytes(), type=dict[str, int])
        except (OSError, msgspec.MsgspecError):
            return {}


def _files(folder: Path) -> Iterator[Path]:
    """The objects below a folder, without what is being written."""
    for parent, _, names in os.walk(folder / FILES):
        for name in names:
            if not name.startswith(TEMPORARY):
                yield Path(parent, name)


def _snapshot(database: Path, target: Path) -> None:
    """A database as it is now, in one file (https://sqlite.org/backup.html)."""
    with (
        contextlib.closing(sqlite3.connect(database)) as source,
        contextlib.closing(sqlite3.connect(target)) as copy,
    ):
        source.backup(copy)
        copy.execute("PRAGMA journal_mode = DELETE")


def _put(source: Path, target: Path) -> None:
    """Copy a file; readers see the old one or all of the new one."""
    target.parent.mkdir(parents=True, exist_ok=True)
    hidden = unfinished(target)
    shutil.copyfile(source, hidden)
    hidden.replace(target)
