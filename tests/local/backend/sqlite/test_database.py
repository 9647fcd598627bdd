"""The SQLite file under records and queue."""

from __future__ import annotations

import os
import sqlite3
import threading
import time

import pytest

from local.backend.sqlite.database import Database
from shared.errors import ConfigurationError, StoreUnavailable


def test_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ConfigurationError, match="DROPSCRIBE_STATE_DIR"):
        Database(tmp_path / "file" / "s.sqlite")


def test_exception_undoes_the_transaction(database):
    def write_twice():
        with database.write() as connection:
            for _ in range(2):
                connection.execute("INSERT INTO documents VALUES ('c', 'k', '{}')")

    with pytest.raises(sqlite3.IntegrityError):
        write_twice()
    with database.read() as connection:
        assert connection.execute("SELECT count(*) FROM documents").fetchone() == (0,)


def test_only_transactions_that_must_be_are_flushed(database, monkeypatch):
    flushed = []
    monkeypatch.setattr(os, "fsync", lambda log: flushed.append(os.fstat(log).st_size))
    with database.write(durable=False) as connection:
        connection.execute("INSERT INTO documents VALUES ('c', 'k', '{}')")
    assert not flushed
    with database.write() as connection:
        connection.execute("INSERT INTO documents VALUES ('c', 'l', '{}')")
        assert not flushed
    assert len(flushed) == 1
    assert flushed[0] > 0


def test_threads_that_wait_for_the_disk_share_a_flush(database, monkeypatch):
    begun, go_on, flushed = threading.Event(), threading.Event(), []

    def fsync(_log):
        flushed.append(True)
        begun.set()
        assert go_on.wait(10)

    monkeypatch.setattr(os, "fsync", fsync)

    def write(key):
        with database.write() as connection:
            connection.execute("INSERT INTO documents VALUES ('c', ?, '{}')", (key,))

    def written():
        with database.read() as connection:
            return connection.execute("SELECT count(*) FROM documents").fetchone()[0]

    threads = [threading.Thread(target=write, args=(str(key),)) for key in range(9)]
    threads[0].start()
    assert begun.wait(10)
    for thread in threads[1:]:
        thread.start()
    until = time.monotonic() + 10
    while written() < 9 and time.monotonic() < until:
        time.sleep(0.01)
    assert written() == 9
    assert all(thread.is_alive() for thread in threads)
    go_on.set()
    for thread in threads:
        thread.join()
    assert len(flushed) <= 3


def test_a_disk_that_does_not_flush_is_told(database, monkeypatch):
    def fsync(_log):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(StoreUnavailable, match="Input/output error"), database.write() as connection:
        connection.execute("INSERT INTO documents VALUES ('c', 'k', '{}')")


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


def test_transactions_of_a_step_are_flushed_with_what_it_hands_over(database, monkeypatch):
    flushed = []
    monkeypatch.setattr(os, "fsync", lambda log: flushed.append(os.fstat(log).st_size))
    with database.together():
        for key in "ab":
            with database.write() as connection:
                connection.execute("INSERT INTO documents VALUES ('c', ?, '{}')", (key,))
        assert not flushed
        with database.write(hand_over=True) as connection:
            connection.execute("INSERT INTO documents VALUES ('c', 'm', '{}')")
        assert len(flushed) == 1
        with database.write() as connection:
            connection.execute("INSERT INTO documents VALUES ('c', 'after', '{}')")
    assert len(flushed) == 1
    with database.write() as connection:
        connection.execute("INSERT INTO documents VALUES ('c', 'outside', '{}')")
    assert len(flushed) == 2


def test_other_threads_do_not_wait_for_the_step_of_one(database, monkeypatch):
    flushed = []
    monkeypatch.setattr(os, "fsync", lambda log: flushed.append(os.fstat(log).st_size))

    def write():
        with database.write() as connection:
            connection.execute("INSERT INTO documents VALUES ('c', 'k', '{}')")

    with database.together():
        thread = threading.Thread(target=write)
        thread.start()
        thread.join()
    assert len(flushed) == 1


def test_a_log_cut_off_anywhere_has_what_was_written_first(tmp_path):
    """As a power loss leaves it: a prefix, with all that was handed over before the cut."""
    path = tmp_path / "state.sqlite"
    database = Database(path)
    sizes = []
    for key in range(20):
        with database.write(durable=False) as connection:
            connection.execute("INSERT INTO documents VALUES ('c', ?, '{}')", (f"{key:02}",))
        sizes.append((tmp_path / "state.sqlite-wal").stat().st_size)
    log = (tmp_path / "state.sqlite-wal").read_bytes()
    for cut in (*sizes, *(size - 100 for size in sizes[1:])):
        there = tmp_path / str(cut)
        there.mkdir()
        (there / path.name).write_bytes(path.read_bytes())
        (there / "state.sqlite-wal").write_bytes(log[:cut])
        after = Database(there / path.name)
        with after.read() as connection:
            found = [key for (key,) in connection.execute("SELECT key FROM documents ORDER BY key")]
        after.close()
        assert found == [f"{key:02}" for key, size in enumerate(sizes) if size <= cut]
    database.close()


def test_reading_goes_on_while_another_process_keeps_the_writer_waiting(tmp_path, database):
    other = sqlite3.connect(tmp_path / "state.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    def write():
        with database.write() as connection:
            connection.execute("INSERT INTO documents VALUES ('c', 'k', '{}')")

    writer = threading.Thread(target=write)
    writer.start()
    time.sleep(0.2)
    started = time.monotonic()
    with database.read() as connection:
        assert connection.execute("SELECT count(*) FROM documents").fetchone() == (0,)
    assert time.monotonic() - started < 20.0
    assert writer.is_alive()
    other.execute("ROLLBACK")
    other.close()
    writer.join(30)
    assert not writer.is_alive()


def test_a_look_inside_a_transaction_sees_what_is_committed(database):
    with database.write() as connection:
        connection.execute("INSERT INTO documents VALUES ('c', 'k', '{}')")
        with database.read() as another:
            assert another.execute("SELECT count(*) FROM documents").fetchone() == (0,)


def test_readers_and_writers_of_a_process_share_a_connection(database):
    with database.write() as connection:
        connection.execute("INSERT INTO documents VALUES ('c', 'k', '{}')")
    with database.read() as another:
        assert another is connection
