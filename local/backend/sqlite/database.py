"""One SQLite file for records and queue, used by several processes and threads at the same time.

What survives what: a committed transaction survives `kill -9` of any process at any point, because the
write-ahead log is in the operating system's hands by then. It also survives a power loss: `write` returns
after the log was flushed. SQLite would flush while it holds the lock (`synchronous=FULL`); here the lock is
given up first, and threads that wait for the disk at the same time share one flush. Others may see a
transaction that a power loss would still undo, but what they commit comes later in the same log, so it is
never there without it. Leases and acknowledgements go without a flush: a power loss may undo the last ones,
which only means that a message is redelivered. A step of the flow flushes once, when it hands over (`together`).

Each process has one connection that writes and, unless a write takes long, reads: it alone keeps its pages in
memory when something is written. The file must lie on a local disk: the write-ahead log does not
work over network file systems (https://sqlite.org/wal.html).
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
from collections import deque
from functools import partial
from typing import TYPE_CHECKING

from local.backend.files.atomic_write import OWNERS
from local.backend.files.beneath import make_private
from local.backend.sqlite.migration import Migration
from local.backend.sqlite.schema import STATE, Tables
from local.backend.sqlite.sqlite_errors import as_ours, translated
from shared.errors import ConfigurationError, StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_WRITER_SECONDS = 0.05
"""How long a reader waits for the connection that writes, before it takes another one."""

# Connections of a parent process must be neither used nor closed after a fork (sqlite.org/howtocorrupt.html),
# so the child keeps them alive here until it ends.
_inherited: list[sqlite3.Connection] = []


class Database:
    """The file, its schema and the connections of this process.

    Args:
        path: the file; it and its folder are created where missing.
        busy_seconds: how long a write waits for other writers before it raises StoreUnavailable.
        tables: what is in it.

    Raises:
        ConfigurationError: the file is of a newer Dropscribe, or cannot be used at all.
        StoreUnavailable: the disk is full, or other processes hold the file too long.
    """

    def __init__(self, path: Path, *, busy_seconds: float = 30.0, tables: Tables = STATE) -> None:
        self._path = path
        self._tables = tables
        self._busy_seconds = busy_seconds
        self._closed = False
        self._process = os.getpid()
        self._idle: deque[sqlite3.Connection] = deque()
        self._watching: deque[sqlite3.Connection] = deque()
        self._main: sqlite3.Connection | None = None
        self._uses = 0
        self._counting = threading.Lock()
        self._using = threading.RLock()
        self._of_thread = threading.local()
        self._flushing = threading.Lock()
        self._written = 0
        self._flushed = 0
        try:
            make_private(path.parent)
        except OSError as error:
            raise ConfigurationError(
                f"The folder {path.parent} cannot be made ({error.strerror}). "
                "Choose another --state-dir or DROPSCRIBE_STATE_DIR: a folder that you may write to."
            ) from error
        # SQLite makes it readable for all; its log gets the same mode. Only a new one is opened here: closing a second
        # descriptor of a file would drop the locks of this process (sqlite.org/howtocorrupt.html).
        with contextlib.suppress(OSError):
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, OWNERS))
        self._prepare()

    @property
    def folder(self) -> Path:
        """The folder of the file."""
        return self._path.parent

    def read(self) -> contextlib.AbstractContextManager[sqlite3.Connection]:
        """A connection for reading; each statement sees one committed state."""
        return _Block(self._begin_read, self._as_ours)

    @contextlib.contextmanager
    def write(self, *, durable: bool = True, hand_over: bool = False) -> Iterator[sqlite3.Connection]:
        """A transaction that no other writer interleaves; committed at the end, undone by an exception.

        Args:
            durable: False saves a flush where a power loss may undo the transaction (never a crash of
                processes); a later durable one makes it durable as well.
            hand_over: it is durable at once, also within `together`.

        Raises:
            StoreUnavailable: other writers held the file too long, or the disk is full.
        """
        with _Block(self._begin, self._as_ours) as connection:
            # Threads of one process queue here: SQLite's own waiting is sleeping and trying again.
            with self._using:
                connection.execute("BEGIN IMMEDIATE")
                try:
                    yield connection
                    connection.execute("COMMIT")
                finally:
                    if connection.in_transaction:
                        connection.execute("ROLLBACK")
                self._written += 1
                written = self._written
            if hand_over or (durable and not getattr(self._of_thread, "together", False)):
                self._flush(written)

    @contextlib.contextmanager
    def together(self) -> Iterator[None]:
        """Let the transactions of this thread become durable together: with the next one that hands something over.

        For a step that is repeated if it was not complete. What it wrote is in one log, in order, before whatever says
        that the step is done; so a power loss that takes the one takes the other.
        """
        before = getattr(self._of_thread, "together", False)
        self._of_thread.together = True
        try:
            yield
        finally:
            self._of_thread.together = before

    @contextlib.contextmanager
    def changes(self) -> Iterator[Changes]:
        """A watcher that tells, cheaply, whether any process has written since it last looked."""
        # A connection of the pool would do, but for its own writes: those it does not count as changes.
        with self._translated_errors():
            connection = self._take(self._watching)
            try:
                yield Changes(connection)
            finally:
                self._give(connection, self._watching)

    def scrub(self, *, rewrite: bool = False) -> None:
        """Leave nothing of what was deleted in the file or its log. Waits for those who read.

        Args:
            rewrite: write the whole file anew, for what was deleted before deletions overwrote anything.

        Raises:
            StoreUnavailable: others hold the file too long, or the disk is full.
        """
        with _Block(self._begin, self._as_ours) as connection, self._using:
            if rewrite:
                connection.execute("VACUUM")
            if connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
                raise StoreUnavailable(
                    f"{self._path}-wal is in use, so what was deleted is still in it. Run it again."
                )

    def close(self) -> None:
        """Close the idle connections, and the busy ones as they come back."""
        self._closed = True
        self._close_main_unless_used()
        for pool in (self._idle, self._watching):
            while pool:
                pool.pop().close()

    def _begin(self) -> tuple[sqlite3.Connection, Callable[[], None]]:
        """The connection that writes, open until what else is given is called; its user holds `_using`."""
        self._check_process()
        with self._counting:
            if self._main is None:
                self._main = self._connect()
            self._uses += 1
            return self._main, self._end

    def _end(self) -> None:
        with self._counting:
            self._uses -= 1
        if self._closed:
            self._close_main_unless_used()

    def _begin_read(self) -> tuple[sqlite3.Connection, Callable[[], None]]:
        """The same with `_using`, or another connection where that is not to be had soon."""
        main, end = self._begin()
        try:
            if self._using.acquire(timeout=_WRITER_SECONDS):
                end = self._end_read
                if not main.in_transaction:
                    return main, end
            # Another process keeps the writer waiting, or this is a look at what is not committed yet.
            other = self._take(self._idle)
        except BaseException:
            end()
            raise
        return other, partial(self._end_other, other, end)

    def _end_read(self) -> None:
        self._using.release()
        self._end()

    def _end_other(self, other: sqlite3.Connection, end: Callable[[], None]) -> None:
        self._give(other, self._idle)
        end()

    def _close_main_unless_used(self) -> None:
        with self._counting:
            if self._main is not None and not self._uses:
                self._main.close()
                self._main = None

    def _take(self, pool: deque[sqlite3.Connection]) -> sqlite3.Connection:
        self._check_process()
        try:
            return pool.pop()
        except IndexError:
            return self._connect()

    def _give(self, connection: sqlite3.Connection, pool: deque[sqlite3.Connection]) -> None:
        if self._closed:
            connection.close()
        else:
            pool.append(connection)

    def _flush(self, written: int) -> None:
        """Return when the disk has the transactions of this process up to a number."""
        with self._flushing:
            if self._flushed >= written:
                return  # by the thread that had this lock before
            upto = self._written
            try:
                # While a connection is open, as here, SQLite neither deletes nor replaces the log. SQLite has no locks
                # on it, so closing a descriptor releases none.
                log = os.open(f"{self._path}-wal", os.O_RDONLY | os.O_CLOEXEC)
                try:
                    os.fsync(log)
                finally:
                    os.close(log)
            except OSError as error:
                raise StoreUnavailable(
                    f"{self._path} cannot be written now ({error.strerror}). Check the disk and its free space."
                ) from error
            self._flushed = upto

    def _check_process(self) -> None:
        if self._process != os.getpid():
            _inherited.extend([*self._idle, *self._watching, *([] if self._main is None else [self._main])])
            self._idle.clear()
            self._watching.clear()
            self._main, self._uses = None, 0
            self._counting = threading.Lock()
            self._using = threading.RLock()
            self._flushing = threading.Lock()
            self._process = os.getpid()

    def _connect(self) -> sqlite3.Connection:
        # The pool hands a connection to one thread at a time, so SQLite's own check is not needed.
        connection = sqlite3.connect(
            self._path, timeout=self._busy_seconds, isolation_level=None, check_same_thread=False
        )
        try:
            connection.execute("PRAGMA journal_size_limit = 16777216")
            # Checkpoints and new logs are flushed by SQLite, commits by `write`.
            connection.execute("PRAGMA synchronous = NORMAL")
            # What is deleted is overwritten, so that it is not in the file any more.
            connection.execute("PRAGMA secure_delete = ON")
            # SQLite's own knows the letters of English only.
            connection.create_function("casefold", 1, str.casefold, deterministic=True)
        except BaseException:
            connection.close()
            raise
        return connection

    def _prepare(self) -> None:
        migration = Migration(path=self._path, tables=self._tables, busy_seconds=self._busy_seconds)
        with self.read() as connection:
            migration.use_write_ahead_log(connection)
            if not migration.is_due(connection):
                return
        with self.write() as connection:
            migration.create(connection)
        while self._idle:
            self._idle.pop().close()
        self._close_main_unless_used()
        with self._translated_errors():
            migration.run(self._connect)
        with self.read() as connection:
            migration.use_write_ahead_log(connection)

    def _translated_errors(self) -> contextlib.AbstractContextManager[None]:
        return translated(self._path, self._busy_seconds)

    def _as_ours(self, error: sqlite3.DatabaseError) -> Exception | None:
        return as_ours(error, self._path, self._busy_seconds)


class _Block:
    """A connection for as long as a block lasts, with the errors of this module.

    No generator, as two or three of them take longer than SQLite takes to find a document.
    """

    __slots__ = ("_as_ours", "_begin", "_end")

    def __init__(
        self,
        begin: Callable[[], tuple[sqlite3.Connection, Callable[[], None]]],
        as_ours: Callable[[sqlite3.DatabaseError], Exception | None],
    ) -> None:
        self._begin = begin
        self._as_ours = as_ours

    def __enter__(self) -> sqlite3.Connection:
        try:
            connection, self._end = self._begin()
        except sqlite3.DatabaseError as error:
            if told := self._as_ours(error):
                raise told from error
            raise
        return connection

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        self._end()
        if isinstance(error, sqlite3.DatabaseError) and (told := self._as_ours(error)):
            raise told from error


class Changes:
    """Tells whether another connection has written to the database since the last look, in about 3 µs.

    SQLite changes `PRAGMA data_version` of a connection whenever another one, of any process, commits.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._seen = self._version()

    def look(self) -> bool:
        """True where something was committed since the last look, or since the beginning."""
        version = self._version()
        changed = version != self._seen
        self._seen = version
        return changed

    def _version(self) -> int:
        return int(self._connection.execute("PRAGMA data_version").fetchone()[0])
