"""Words of all transcripts in one file of SQLite."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from local.backend.sqlite.database import Database
from local.backend.sqlite.schema import SEARCH
from shared.ports import Hits, Passage
from shared.search import wanted, words_index
from shared.search.words_index import Entry

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


class SqliteSearch:
    """The full-text index of a machine; safe to use from several threads and processes.

    Implements `shared.ports.Search`, and raises `StoreUnavailable` if the file did not answer in time. The file is opened
    when it is first needed: most commands do not.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._opened: Database | None = None
        self._lock = threading.Lock()

    def put(self, recording: str, at: float, version: int, passages: Sequence[Passage]) -> None:
        """Add the words of a recording, in place of those of an earlier version."""
        entry = Entry(recording=recording, at=at, version=version, passages=tuple(passages))
        with self._database().write() as connection:
            words_index.put(connection, entry)

    def remove(self, recording: str) -> None:
        """Delete the words of a recording, and what the file still holds of them; waits for those who read it."""
        database = self._database()
        with database.write() as connection:
            if words_index.remove(connection, recording):
                words_index.tidy(connection)
        database.scrub()

    def find(self, typed: str, limit: int, cursor: str | None = None) -> Hits:
        """Up to `limit` passages that have all words of a search, the newest first.

        Raises:
            BadRequest: this cannot be searched for, or the cursor is not valid.
        """
        phrases, before = wanted.phrases(typed), words_index.place_of(cursor)
        with self._database().read() as connection:
            rows = words_index.find(connection, phrases, limit, before)
        more = words_index.cursor_of(rows[-1].place) if len(rows) == limit else None
        return Hits(hits=tuple(one.hit for one in rows), cursor=more)

    def close(self) -> None:
        """Close the file."""
        if self._opened is not None:
            self._opened.close()

    def _database(self) -> Database:
        with self._lock:
            if self._opened is None:
                self._opened = Database(self._path, tables=SEARCH)
            return self._opened
