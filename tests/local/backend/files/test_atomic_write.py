"""A file is there as a whole or not at all, also where the file system has no nameless files."""

from __future__ import annotations

import os
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from local.backend.files import atomic_write
from local.backend.files.atomic_write import remove_empty, write_all


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
        monkeypatch.setattr(os, "replace", lambda *_, **__: os._exit(9))
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


@pytest.fixture
def folder(tmp_path):
    handle = os.open(tmp_path, os.O_RDONLY)
    yield handle
    os.close(handle)


def _killed_at(monkeypatch, call, folder):
    child = os.fork()
    if child == 0:
        monkeypatch.setattr(os, call, lambda *_, **__: os._exit(9))
        atomic_write.replace(folder, "transcript.txt", b"half", 0o600)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9


def test_of_a_killed_writer_of_a_new_file_nothing_is_left(tmp_path, monkeypatch, folder):
    _killed_at(monkeypatch, "link", folder)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("first", [True, False])
def test_what_a_killed_writer_left_of_another_version_goes_with_the_next(
    tmp_path, monkeypatch, folder, first, request
):
    """Also where there are no nameless files, which the first version would be."""
    if first:
        request.getfixturevalue("no_nameless_files")
    else:
        atomic_write.replace(folder, "transcript.txt", b"old", 0o600)
    (tmp_path / f"{atomic_write.unfinished(Path('another.txt'))}-1").write_bytes(b"of another file")
    _killed_at(monkeypatch, "replace", folder)
    assert len(list(tmp_path.iterdir())) == (2 if first else 3)
    atomic_write.replace(folder, "transcript.txt", b"new", 0o600)
    assert len(list(tmp_path.iterdir())) == 2
    assert (tmp_path / "transcript.txt").read_bytes() == b"new"


def test_on_a_file_system_without_locks_nothing_is_removed_that_may_be_in_the_making(
    tmp_path, monkeypatch, folder
):
    def no_locks(*_):
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr(atomic_write.fcntl, "flock", no_locks)
    anothers = tmp_path / f"{atomic_write.unfinished(Path('transcript.txt'))}-1"
    anothers.write_bytes(b"half")
    for data in (b"old", b"new"):
        atomic_write.replace(folder, "transcript.txt", data, 0o600)
        assert (tmp_path / "transcript.txt").read_bytes() == data
    assert sorted(tmp_path.iterdir()) == [anothers, tmp_path / "transcript.txt"]


def test_of_two_writers_of_one_file_neither_disturbs_the_other(tmp_path):
    wanted = [bytes([number]) * 100_000 for number in range(2)]

    def write(data):
        handle = os.open(tmp_path, os.O_RDONLY)
        for _ in range(50):
            atomic_write.replace(handle, "transcript.txt", data, 0o600, durable=False)
        os.close(handle)

    with ThreadPoolExecutor() as pool:
        writers = [pool.submit(write, data) for data in wanted]
        while not all(one.done() for one in writers):
            with suppress(FileNotFoundError):
                assert (tmp_path / "transcript.txt").read_bytes() in wanted
        for one in writers:
            one.result()
    assert [one.name for one in tmp_path.iterdir()] == ["transcript.txt"]


def test_a_link_that_is_planted_under_the_name_of_a_part_is_not_written_through(
    tmp_path, monkeypatch, folder
):
    victim = tmp_path / "victim"
    victim.write_bytes(b"mine")
    monkeypatch.setattr(atomic_write.secrets, "token_hex", lambda _: "guessed")
    planted = f"{atomic_write.unfinished(Path('transcript.txt'))}-guessed"
    monkeypatch.setattr(atomic_write, "remove_unfinished", lambda *_: (tmp_path / planted).symlink_to(victim))
    atomic_write.replace(folder, "transcript.txt", b"ours", 0o600)
    with pytest.raises(FileExistsError):
        atomic_write.replace(folder, "transcript.txt", b"theirs", 0o600)
    assert victim.read_bytes() == b"mine"
    assert (tmp_path / "transcript.txt").read_bytes() == b"ours"


def test_nor_is_one_that_is_planted_in_the_instant_before(tmp_path, monkeypatch):
    victim, unlink, planted = tmp_path / "victim", Path.unlink, []
    victim.write_bytes(b"mine")

    def unlink_and_plant(path, *, missing_ok=False):
        unlink(path, missing_ok=missing_ok)
        if not planted:
            planted.append(path)
            path.symlink_to(victim)

    monkeypatch.setattr(Path, "unlink", unlink_and_plant)
    folder = os.open(tmp_path, os.O_RDONLY)
    try:
        with pytest.raises(FileExistsError):
            atomic_write._by_rename(folder, tmp_path / "result", b"theirs")
    finally:
        os.close(folder)
    assert (victim.read_bytes(), len(planted)) == (b"mine", 1)


def test_files_have_their_names_when_their_content_is_on_the_disk(tmp_path, monkeypatch):
    done, link, fsync = [], os.link, os.fsync

    def note_link(source, name, **how):
        done.append(("name", name))
        link(source, name, **how)

    def note_fsync(handle):
        found = os.fstat(handle)
        done.append(("folder" if stat.S_ISDIR(found.st_mode) else "content", found.st_ino))
        fsync(handle)

    monkeypatch.setattr(os, "link", note_link)
    monkeypatch.setattr(os, "fsync", note_fsync)
    folder = tmp_path / "a" / "b"
    assert atomic_write.write_all(folder, {"x": b"1", "y": b"2"}) == {"x", "y"}
    assert [what for what, _ in done] == ["content"] * 2 + ["name"] * 2 + ["folder"] * 3
    folders = [folder.stat().st_ino, (tmp_path / "a").stat().st_ino, tmp_path.stat().st_ino]
    assert [which for what, which in done if what == "folder"] == folders


def test_a_folder_that_another_thread_has_just_made_is_on_the_disk_as_well(tmp_path, monkeypatch):
    """Of two threads that make the same folders, neither returns before these are flushed."""
    flushed, fsync, mkdir, made = set(), os.fsync, Path.mkdir, threading.Event()
    go_on = threading.Event()

    def slow_mkdir(self, *given, **how):
        mkdir(self, *given, **how)
        if self.name == "first":
            made.set()
            assert go_on.wait(10)

    def note_fsync(handle):
        flushed.add(os.fstat(handle).st_ino)
        fsync(handle)

    monkeypatch.setattr(Path, "mkdir", slow_mkdir)
    monkeypatch.setattr(os, "fsync", note_fsync)
    slow = threading.Thread(target=atomic_write.write_all, args=(tmp_path / "shared" / "first", {"x": b"1"}))
    slow.start()
    assert made.wait(10)
    atomic_write.write_all(tmp_path / "shared" / "second", {"y": b"2"})
    assert tmp_path.stat().st_ino in flushed
    go_on.set()
    slow.join()


def test_a_file_is_written_although_others_remove_its_folder_while_it_is_empty(tmp_path):
    folder, over = tmp_path / "a" / "b" / "c", threading.Event()

    def remove():
        while not over.is_set():
            remove_empty(folder, tmp_path)

    thread = threading.Thread(target=remove)
    thread.start()
    try:
        for number in range(300):
            assert write_all(folder, {str(number): b"x"}) == {str(number)}
            (folder / str(number)).unlink()
    finally:
        over.set()
        thread.join()


def test_folders_without_files_go_and_those_with_one_stay(tmp_path):
    for inside in ("a/b/c/d", "a/b/e", "a/f", "a/g"):
        (tmp_path / inside).mkdir(parents=True)
    (tmp_path / "a" / "f" / "file").write_bytes(b"x")
    (tmp_path / "a" / "b" / "e" / ".dropscribe-half").write_bytes(b"x")
    (tmp_path / "a" / "g" / "link").symlink_to(tmp_path)
    remove_empty(tmp_path / "a" / "b", tmp_path)
    assert sorted(one.name for one in (tmp_path / "a").rglob("*")) == ["f", "file", "g", "link"]
    (tmp_path / "a" / "f" / "file").unlink()
    remove_empty(tmp_path)
    assert sorted(one.name for one in tmp_path.rglob("*")) == ["a", "g", "link"]
    remove_empty(tmp_path / "none", tmp_path)
    assert tmp_path.exists()
