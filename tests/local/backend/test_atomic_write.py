"""A file is there as a whole or not at all, also where the file system has no nameless files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from local.backend import atomic_write


@pytest.fixture
def no_nameless_files(monkeypatch):
    """As on exFAT or macOS."""
    monkeypatch.delattr(os, "O_TMPFILE")


def test_create_works_without_nameless_files(no_nameless_files, tmp_path, store):
    assert store.create("work", "a/x", b"first", "text/plain")
    assert not store.create("work", "a/x", b"second", "text/plain")
    assert [one.name for one in (tmp_path / "work" / "a").iterdir()] == ["x"]
    assert store.load("work", "a/x") == b"first"


def test_what_a_killed_writer_left_is_hidden_and_cleaned_by_the_repeat(
    no_nameless_files, tmp_path, store, monkeypatch
):
    child = os.fork()
    if child == 0:
        monkeypatch.setattr(Path, "rename", lambda *_: os._exit(9))
        store.create("work", "x", b"half", "text/plain")
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    assert len(list((tmp_path / "work").iterdir())) == 1
    assert list(store.list("work")) == []
    assert store.create("work", "x", b"whole", "text/plain")
    assert [one.name for one in (tmp_path / "work").iterdir()] == ["x"]
    assert store.load("work", "x") == b"whole"


def test_disk_error_leaves_nothing_behind(no_nameless_files, tmp_path, store, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(atomic_write, "_write", full)
    with pytest.raises(Exception, match="free space"):
        store.create("work", "x", b"data", "text/plain")
    assert list((tmp_path / "work").iterdir()) == []
