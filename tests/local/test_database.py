"""The SQLite file under records and queue."""

from __future__ import annotations

import os
import sqlite3
import threading

import pytest

from local.database import SCHEMA_VERSION, Database
from shared.errors import ConfigurationError, StoreUnavailable


def test_file_of_a_newer_dropscribe_is_left_alone(tmp_path):
    connection = sqlite3.connect(tmp_path / "s.sqlite")
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    connection.close()
    with pytest.raises(ConfigurationError, match="newer Dropscribe"):
        Database(tmp_path / "s.sqlite")


def test_file_that_is_no_database_is_left_alone(tmp_path):
    (tmp_path / "s.sqlite").write_bytes(b"my holiday diary, not a database" * 100)
    with pytest.raises(ConfigurationError, match="not a Dropscribe database"):
        Database(tmp_path / "s.sqlite")


def test_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ConfigurationError, match="DROPSCRIBE_STATE_DIR"):
        Database(tmp_path / "file" / "s.sqlite")


def test_many_threads_may_open_a_new_file_at_once(tmp_path):
    opened = []

    def open_it():
        opened.append(Database(tmp_path / "s.sqlite"))

    threads = [threading.Thread(target=open_it) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(opened) == 8
    for database in opened:
        database.close()


def test_write_that_waits_too_long_says_so(tmp_path, database):
    impatient = Database(tmp_path / "state.sqlite", busy_seconds=0.05)
    with database.write(), pytest.raises(StoreUnavailable, match="locked"), impatient.write():
        pass
    with impatient.write() as connection:
        connection.execute("INSERT INTO documents VALUES ('c', 'k', '{}')")
    impatient.close()


def test_exception_undoes_the_transaction(database):
    def write_twice():
        with database.write() as connection:
            for _ in range(2):
                connection.execute("INSERT INTO documents VALUES ('c', 'k', '{}')")

    with pytest.raises(sqlite3.IntegrityError):
        write_twice()
    with database.read() as connection:
        assert connection.execute("SELECT count(*) FROM documents").fetchone() == (0,)


def test_only_transactions_that_must_be_are_flushed(database):
    with database.write() as connection:
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
    with database.write(durable=False) as connection:
        assert connection.execute("PRAGMA synchronous").fetchone() == (1,)


def test_changes_are_seen_once_whoever_made_them(tmp_path, database):
    other = Database(tmp_path / "state.sqlite")
    with database.changes() as changes:
        assert not changes.look()
        for writer in (other, database):
            with writer.write() as connection:
                connection.execute("INSERT OR REPLACE INTO documents VALUES ('c', 'k', '{}')")
            assert changes.look()
            assert not changes.look()
    other.close()


def test_forked_child_uses_connections_of_its_own(database):
    with database.write() as connection:
        connection.execute("INSERT INTO documents VALUES ('c', 'parent', '{}')")
    child = os.fork()
    if child == 0:
        with database.write() as connection:
            connection.execute("INSERT INTO documents VALUES ('c', 'child', '{}')")
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    with database.read() as connection:
        keys = connection.execute("SELECT key FROM documents ORDER BY key").fetchall()
        assert keys == [("child",), ("parent",)]
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
