"""A digest is computed once for each state of a file."""

from __future__ import annotations

import hashlib
import os
import time

import pytest

from gpu_job.weights import digests


@pytest.fixture
def computed(monkeypatch, tmp_path):
    """How often a digest was computed, with a memory of its own."""
    monkeypatch.setattr(digests, "_file", lambda: tmp_path / "cache" / "digests.json")
    monkeypatch.setattr(digests, "_known", {})
    times, really, real_time = [], hashlib.file_digest, time.time

    def counted(file, kind):
        times.append(file.name)
        return really(file, kind)

    monkeypatch.setattr(digests.hashlib, "file_digest", counted)
    # What these tests write has been there for a while.
    monkeypatch.setattr(digests.time, "time", lambda: real_time() + 60.0)
    return times


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "weights"
    path.write_bytes(b"weights")
    os.utime(path, (1_000_000, 1_000_000))
    return path


def forget(monkeypatch):
    """As in another process."""
    monkeypatch.setattr(digests, "_known", {})


def test_it_is_that_of_sha256sum_and_computed_once_also_for_later_processes(computed, file, monkeypatch):
    expected = hashlib.sha256(b"weights").hexdigest()
    assert digests.sha256(file) == expected
    assert digests.sha256(file.parent / "." / "weights") == expected
    forget(monkeypatch)
    assert digests.sha256(file) == expected
    assert len(computed) == 1
    assert (file.parent / "cache").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("change", ["size", "time", "inode"])
def test_a_file_of_another_size_time_or_inode_is_read_again(computed, file, monkeypatch, change):
    digests.sha256(file)
    if change == "inode":
        other = file.with_name("other")
        other.write_bytes(b"WEIGHTS")
        other.replace(file)
    else:
        file.write_bytes(b"WEIGHTS" + b"!" * (change == "size"))
    stamp = 1_000_000 + (change == "time")
    os.utime(file, (stamp, stamp))
    for _ in range(2):
        assert digests.sha256(file) == hashlib.sha256(file.read_bytes()).hexdigest()
        forget(monkeypatch)
    assert len(computed) == 2


def test_an_edit_of_the_same_size_whose_time_was_set_back_is_noticed(computed, file, monkeypatch):
    before = file.stat()
    digests.sha256(file)
    time.sleep(0.02)  # the system's own time has steps of some milliseconds
    with file.open("r+b") as opened:
        opened.write(b"WEIGHTS")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    after = file.stat()
    assert (after.st_size, after.st_mtime_ns, after.st_ino) == (
        before.st_size,
        before.st_mtime_ns,
        before.st_ino,
    )
    for _ in range(2):
        assert digests.sha256(file) == hashlib.sha256(b"WEIGHTS").hexdigest()
        forget(monkeypatch)


@pytest.mark.parametrize("which", ["content", "inode"])
def test_of_a_file_that_changed_just_now_nothing_is_remembered_for_others(computed, file, monkeypatch, which):
    monkeypatch.setattr(digests.time, "time", lambda: file.stat().st_ctime + 1.0)
    os.utime(file, None if which == "content" else (1_000_000, 1_000_000))
    digests.sha256(file)
    forget(monkeypatch)
    digests.sha256(file)
    assert len(computed) == 2


def test_a_digest_from_the_download_is_not_computed_again(computed, file):
    digests.remember(file, "ab")
    assert digests.sha256(file) == "ab"
    assert computed == []


@pytest.mark.parametrize("content", [b"", b"[1]", b'{"a": 1}', b"\xff", b"{" + b" " * 1_000_001])
def test_what_is_not_ours_in_the_cache_is_ignored_and_replaced(computed, file, monkeypatch, content):
    (file.parent / "cache").mkdir()
    (file.parent / "cache" / "digests.json").write_bytes(content)
    digests.sha256(file)
    forget(monkeypatch)
    digests.sha256(file)
    assert len(computed) == 1


def test_without_a_cache_it_is_computed_by_each_process(computed, file, monkeypatch):
    (file.parent / "cache").write_text("a file where a folder should be")
    digests.sha256(file)
    forget(monkeypatch)
    assert digests.sha256(file) == hashlib.sha256(b"weights").hexdigest()


def test_the_cache_does_not_grow_without_end(computed, file, monkeypatch):
    monkeypatch.setattr(digests, "MOST", 2)
    for number in range(5):
        path = file.with_name(f"w{number}")
        path.write_bytes(b"%d" % number)
        os.utime(path, (1_000_000, 1_000_000))
        digests.sha256(path)
        assert len(digests._read()) <= 2
