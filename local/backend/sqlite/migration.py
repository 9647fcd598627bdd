"""Which schema a database file has: made in a new one, and that of an older Dropscribe brought to this version."""

from __future__ import annotations

import random
import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from local.backend.sqlite.schema import Tables
from local.backend.sqlite.sqlite_errors import is_busy
from shared.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, kw_only=True, slots=True)
class Migration:
    """A file and the schema that it is to have."""

    path: Path
    """The file."""
    tables: Tables
    """The schema."""
    busy_seconds: float
    """How long to wait for other processes."""

    def is_due(self, connection: sqlite3.Connection) -> bool:
        """Whether the file is new or of an older version.

        Raises:
            ConfigurationError: it is of a newer one.
        """
        return self._version(connection) != self.tables.version

    def create(self, connection: sqlite3.Connection) -> None:
        """Make the tables of a new file, inside a transaction."""
        # Another process may have been first.
        if self._version(connection) == 0:
            for statement in self.tables.create:
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {self.tables.version}")

    def run(self, connect: Callable[[], sqlite3.Connection]) -> None:
        """Bring the file of an older Dropscribe to this version.

        Only while no other process has the file open: an older one would go on by the old schema.
        """
        deadline = time.monotonic() + self.busy_seconds
        while True:
            connection = connect()
            try:
                self._change(connection)
            except sqlite3.OperationalError as error:
                if not is_busy(error) or time.monotonic() > deadline:
                    raise
            else:
                return
            finally:
                connection.close()
            # Others may be about to do the same, and each needs to be alone.
            time.sleep(random.uniform(0.01, 0.1))  # noqa: S311 - no secret

    def use_write_ahead_log(self, connection: sqlite3.Connection) -> None:
        """Write to a log from now on, in every process that opens the file."""
        # Changing the journal mode does not wait for other openers, so the waiting is done here.
        deadline = time.monotonic() + self.busy_seconds
        while True:
            try:
                connection.execute("PRAGMA journal_mode = WAL")
            except sqlite3.OperationalError as error:
                if not is_busy(error) or time.monotonic() > deadline:
                    raise
                time.sleep(0.01)
            else:
                return

    def _change(self, connection: sqlite3.Connection) -> None:
        version = self._version(connection)
        if version == self.tables.version:
            return
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        # Fails while another process has the file open, and then keeps it for this connection.
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("BEGIN EXCLUSIVE")
        for statement in (
            one for number in range(version, self.tables.version) for one in self.tables.changes[number + 1]
        ):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {self.tables.version}")
        connection.execute("COMMIT")

    def _version(self, connection: sqlite3.Connection) -> int:
        version = int(connection.execute("PRAGMA user_version").fetchone()[0])
        if version > self.tables.version:
            raise ConfigurationError(
                f"{self.path} was written by a newer Dropscribe (its schema is {version}, this one knows "
                f"{self.tables.version}). Upgrade Dropscribe, or set DROPSCRIBE_STATE_DIR to another folder."
            )
        return version
