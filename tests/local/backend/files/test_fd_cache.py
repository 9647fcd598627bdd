"""Descriptors that stay open for the next read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from local.backend.files.fd_cache import FdCache


def _open_files():
    return len(list(Path("/proc/self/fd").iterdir()))


def test_open_files_are_few_and_closed_at_the_end(tmp_path, store):
    before = _open_files()
    for number in range(50):
        store.create("work", f"{number}", b"abc", "text/plain")
        assert store.read(store.stat("work", f"{number}"), 0, 3) == b"abc"
    assert _open_files() <= before + 16
    store.close()
    assert _open_files() == before


def test_a_descriptor_that_two_readers_have_at_the_same_time_is_kept_once(tmp_path):
    (tmp_path / "x").write_bytes(b"x")
    before, cache = _open_files(), FdCache()
    with cache.open(tmp_path / "x", 1) as one, cache.open(tmp_path / "x", 1) as other:
        assert one != other
    assert _open_files() == before + 1
    cache.close()


def test_a_reader_that_fails_leaves_no_descriptor(tmp_path):
    (tmp_path / "x").write_bytes(b"x")
    before, cache = _open_files(), FdCache()
    with pytest.raises(OSError, match="broken"), cache.open(tmp_path / "x", 1):
        raise OSError("broken")
    assert _open_files() == before


def test_another_generation_is_another_file(tmp_path):
    path, cache = tmp_path / "x", FdCache()
    path.write_bytes(b"old")
    with cache.open(path, 1):
        pass
    path.unlink()
    path.write_bytes(b"new")
    with cache.open(path, 1) as old, cache.open(path, 2) as new:
        assert (os.pread(old, 3, 0), os.pread(new, 3, 0)) == (b"old", b"new")
    cache.close()
