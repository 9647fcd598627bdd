"""The schema of the file: made once, brought up to date, and never changed under an older process."""

from __future__ import annotations

import sqlite3
import threading

import pytest

from local.backend.sqlite.database import Database
from local.backend.sqlite.queue import SqliteQueue
from local.backend.sqlite.records import SqliteRecords
from local.backend.sqlite.schema import SCHEMA_VERSION
from shared.clock import SystemClock
from shared.errors import ConfigurationError, StoreUnavailable

VERSION_1 = """
CREATE TABLE documents (
    collection TEXT NOT NULL, key TEXT NOT NULL, fields TEXT NOT NULL, PRIMARY KEY (collection, key)
) WITHOUT ROWID;
CREATE INDEX documents_by_recording ON documents (json_extract(fields, '$.recording'));
CREATE TABLE messages (
    position INTEGER PRIMARY KEY AUTOINCREMENT, subscription TEXT NOT NULL, topic TEXT NOT NULL,
    message_id TEXT NOT NULL, data BLOB NOT NULL, attributes TEXT NOT NULL, published REAL NOT NULL,
    due REAL NOT NULL, attempt INTEGER NOT NULL DEFAULT 0, lease TEXT, owner TEXT, error TEXT NOT NULL DEFAULT ''
);
CREATE INDEX messages_due ON messages (subscription, due, position);
CREATE UNIQUE INDEX messages_lease ON messages (lease) WHERE lease IS NOT NULL;
INSERT INTO documents VALUES ('c', 'k', '{}');
INSERT INTO documents VALUES ('recordings', 'a', '{"state":"FAILED","options":{"label":"talks"},"held":"","created":1.5,"source":{"name":"talk.wav"}}');
INSERT INTO documents VALUES ('recordings', 'b', '{"state":"ACCEPTED","options":{},"held":"a budget","created":2}');
INSERT INTO messages (subscription, topic, message_id, data, attributes, published, due, attempt, lease)
    VALUES ('router', 'audio-finalized', '1', x'78', '{}', 1.7e9, 1.9e9, 2, 'held');
PRAGMA user_version = 1;
"""
"""A file of the first version, in which a message is under lease until a wall time."""


def test_file_of_a_newer_dropscribe_is_left_alone(tmp_path):
    connection = sqlite3.connect(tmp_path / "s.sqlite")
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    connection.close()
    with pytest.raises(ConfigurationError, match="newer Dropscribe"):
        Database(tmp_path / "s.sqlite")


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


@pytest.fixture
def older(tmp_path):
    """A connection of an older process."""
    connection = sqlite3.connect(tmp_path / "s.sqlite", isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.executescript(VERSION_1)
    yield connection
    connection.close()


def test_file_of_an_older_dropscribe_is_brought_up_to_date(tmp_path, older):
    older.close()
    opened = []

    def open_it():
        opened.append(Database(tmp_path / "s.sqlite"))

    threads = [threading.Thread(target=open_it) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(opened) == 4
    with opened[0].read() as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION,)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("SELECT count(*) FROM documents").fetchone() == (3,)
    records = SqliteRecords(opened[0])
    pages = [
        records.newest("recordings", "created", 9, where) for where in ({"label": "talks"}, {"is_held": True})
    ]
    assert [[(key, one["trouble"]) for key, one in page] for page in pages] == [[("a", True)], [("b", False)]]
    assert [key for key, _ in records.newest_named("TALK", 9)] == ["a"]
    queue = SqliteQueue(opened[0], SystemClock())
    (delivery,) = queue.pull("router", 1, 60.0)
    assert (delivery.message_id, delivery.attempt) == ("1", 3)
    for database in opened:
        database.close()


def test_nothing_changes_under_an_older_process(tmp_path, older):
    with pytest.raises(StoreUnavailable, match="locked"):
        Database(tmp_path / "s.sqlite", busy_seconds=0.1)
    assert older.execute("PRAGMA user_version").fetchone() == (1,)
    assert older.execute("SELECT due FROM messages").fetchone() == (1.9e9,)
    older.execute("UPDATE messages SET attempt = 9")
    older.close()
    Database(tmp_path / "s.sqlite", busy_seconds=0.1).close()
