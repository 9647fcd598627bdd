"""What SQLite cannot do is told as what a person can do about it."""

from __future__ import annotations

import pytest

from local.backend.sqlite.database import Database
from shared.errors import ConfigurationError, StoreUnavailable


def test_file_that_is_no_database_is_left_alone(tmp_path):
    (tmp_path / "s.sqlite").write_bytes(b"my holiday diary, not a database" * 100)
    with pytest.raises(ConfigurationError, match="not a Dropscribe database"):
        Database(tmp_path / "s.sqlite")


def test_write_that_waits_too_long_says_so(tmp_path, database):
    impatient = Database(tmp_path / "state.sqlite", busy_seconds=0.05)
    with database.write(), pytest.raises(StoreUnavailable, match=r"locked.*and try again"), impatient.write():
        pass
    with impatient.write() as connection:
        connection.execute("INSERT INTO documents VALUES ('c', 'k', '{}')")
    impatient.close()
