"""A process is told apart from every other one, also from one that has got its number."""

from __future__ import annotations

import fcntl

from local.backend.sqlite import process_ids


def test_process_is_gone_only_where_that_is_certain():
    host, pid, started = process_ids.own_id().rsplit(":", 2)
    assert not process_ids.is_gone(process_ids.own_id())
    assert process_ids.is_gone(f"{host}:{pid}:{int(started or 1) - 1}") == bool(started)
    assert process_ids.is_gone(f"{host}:{2**22 + 1}:1")
    assert not process_ids.is_gone(f"another-{host}:{2**22 + 1}:1")


def test_a_file_is_unlocked_if_nobody_holds_its_lock(tmp_path):
    path = tmp_path / "a.lock"
    assert process_ids.is_unlocked(path)
    with path.open("w") as file:
        assert process_ids.is_unlocked(path)
        fcntl.flock(file, fcntl.LOCK_EX)
        assert not process_ids.is_unlocked(path)
    assert process_ids.is_unlocked(path)
    assert not process_ids.is_unlocked(path / "below a file")
