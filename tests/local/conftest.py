"""The embedded column on a temporary folder, with a clock that tests set."""

from __future__ import annotations

import time

import pytest

from local.backend.embedded_ports import open_ports
from local.backend.files.store import FileStore
from local.backend.sqlite.database import Database
from local.backend.sqlite.queue import SqliteQueue
from local.backend.sqlite.records import SqliteRecords
from shared.settings import Settings
from tests.world import SetClock


@pytest.fixture
def clock():
    return SetClock(1_700_000_000.0)


@pytest.fixture
def database(tmp_path):
    database = Database(tmp_path / "state.sqlite")
    yield database
    database.close()


@pytest.fixture
def queue(database, clock):
    queue = SqliteQueue(database, clock)
    yield queue
    queue.close()


@pytest.fixture
def records(database):
    return SqliteRecords(database)


@pytest.fixture
def store(tmp_path):
    store = FileStore({"audio": tmp_path / "audio", "work": tmp_path / "work"})
    yield store
    store.close()


@pytest.fixture
def ports(tmp_path):
    """All of them together, as a command opens them."""
    ports = open_ports(Settings(state_dir=tmp_path / "state"))
    yield ports
    ports.close()


@pytest.fixture
def until():
    """Waits for a condition, and fails with what it is when it does not come true."""

    def wait(condition, seconds=60.0):
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, "it did not happen in time"
            time.sleep(0.01)

    return wait
