"""Copies for a person and freed pages of the database; `test_forget.py` of the commands has the whole."""

from __future__ import annotations

import sqlite3

import pytest

from local.backend import copies
from local.backend.embedded_ports import open_ports
from local.runtime import export
from shared.errors import Transient
from shared.model import Options, Recording, StoredObject
from shared.settings import Settings


@pytest.fixture
def ports(tmp_path):
    ports = open_ports(Settings(state_dir=tmp_path))
    ports.inbox.mkdir(parents=True)
    yield ports
    ports.close()


def recording(source):
    return Recording(id="key", source=source, options=Options(), state="DELETED", created=0.0)


def copied(ports, name="talk.wav"):
    folder = ports.out / name
    folder.mkdir(parents=True)
    (folder / "transcript.txt").write_text("words")
    (ports.inbox / name).write_bytes(b"sound")
    return folder, recording(ports.store.stat("audio", name))


def test_copies_for_a_person_go_and_what_else_is_in_their_folder_stays(ports):
    folder, one = copied(ports)
    (folder / "notes.txt").write_text("mine")
    ports.erase_copies(one)
    assert [path.name for path in folder.iterdir()] == ["notes.txt"]
    (folder / "notes.txt").unlink()
    ports.erase_copies(one)
    assert not folder.exists()


def test_nothing_is_deleted_through_a_link_in_the_output_folder(ports, tmp_path):
    folder, one = copied(ports)
    victim = tmp_path / "victim"
    folder.rename(victim)
    folder.symlink_to(victim)
    ports.erase_copies(one)
    assert (victim / "transcript.txt").read_text() == "words"
    assert folder.is_symlink()


def test_copies_of_a_newer_file_of_that_name_stay(ports):
    folder, one = copied(ports)
    (ports.inbox / "talk.wav").unlink()
    (ports.inbox / "talk.wav").write_bytes(b"newer sound")
    ports.erase_copies(one)
    assert (folder / "transcript.txt").exists()


def test_the_folder_of_transcribe_may_be_another_ones_afterwards(ports, tmp_path):
    _, one = copied(ports)
    export.choose_folder(tmp_path / "out", export.Path("talk.wav"), one.source, ports)
    ports.erase_copies(one)
    assert list(ports.records.query(copies.FOLDERS)) == []


def test_what_an_older_version_deleted_goes_out_of_the_file_once(ports, tmp_path):
    path = tmp_path / "dropscribe.sqlite"
    ports.records.create("x", "y", {"words": "xylophone " * 500})
    old = sqlite3.connect(path)
    old.execute("PRAGMA secure_delete = OFF")
    old.execute("DELETE FROM documents WHERE collection = 'x'")
    old.commit()
    old.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    old.close()
    assert b"xylophone" in path.read_bytes()
    ports.erase_copies(recording(StoredObject(bucket="", name="", generation=0, size=0)))
    assert b"xylophone" not in path.read_bytes()
    assert ports.records.get(copies.COLLECTION, copies.REWRITTEN) == {}


def test_a_log_that_somebody_reads_is_told_of(ports, tmp_path):
    ports.records.create("x", "y", {})
    reader = sqlite3.connect(tmp_path / "dropscribe.sqlite", isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM documents").fetchall()
    ports.records.create("x", "z", {})
    ports.records._database._main.execute("PRAGMA busy_timeout = 50")
    with pytest.raises(Transient, match="still in it"):
        ports.records.scrub()
    reader.execute("ROLLBACK")
    reader.close()
    ports.records.scrub()
    assert (tmp_path / "dropscribe.sqlite-wal").stat().st_size == 0
