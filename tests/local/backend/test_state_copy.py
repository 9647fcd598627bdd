from __future__ import annotations

import shutil
import sqlite3
import tempfile
import threading

import pytest

from local.backend import incoming, state_copy
from local.backend.embedded_ports import open_ports
from local.backend.state_copy import StateCopy
from shared.errors import CannotWrite
from shared.messages import AUDIO_FINALIZED
from shared.settings import Settings


@pytest.fixture
def folders(tmp_path):
    return tmp_path / "state", tmp_path / "drive" / "state"


@pytest.fixture
def opened(folders):
    """Gives `opened()`: the ports of the state folder."""
    made = []

    def opened():
        made.append(open_ports(Settings(state_dir=folders[0])))
        return made[-1]

    yield opened
    for one in made:
        one.close()


def vanish(folders, ports):
    """The machine is gone, and its disk with it."""
    ports.close()
    shutil.rmtree(folders[0])


def test_a_state_goes_on_from_its_copy(folders, opened):
    ports = opened()
    ports.records.create("things", "a", {"x": 1})
    ports.store.create("work", "one/0.json", b"result", "application/json")
    ports.queue.publish(AUDIO_FINALIZED, b"message", {"recording": "one"})
    before = ports.store.stat("work", "one/0.json")
    StateCopy(*folders).save()
    ports.records.create("things", "b", {"x": 2})
    vanish(folders, ports)
    assert StateCopy(*folders).restore()
    ports = opened()
    assert ports.records.get("things", "a") == {"x": 1}
    assert ports.records.get("things", "b") is None
    assert ports.store.load("work", "one/0.json") == b"result"
    assert ports.store.stat("work", "one/0.json") == before
    [delivery] = ports.queue.pull("router", 9, 60.0)
    assert delivery.attributes == {"recording": "one"}
    assert not list(folders[1].rglob("*-wal"))


def test_a_name_may_be_as_long_as_the_system_allows(folders, opened):
    ports, name = opened(), "ä" * 125 + ".json"
    ports.store.create("work", name, b"result", "application/json")
    StateCopy(*folders).save()
    vanish(folders, ports)
    assert StateCopy(*folders).restore()
    assert opened().store.load("work", name) == b"result"


def test_a_state_that_is_there_is_left_alone_and_no_copy_is_no_fault(folders, opened):
    assert not StateCopy(*folders).restore()
    ports = opened()
    StateCopy(*folders).save()
    ports.records.create("things", "a", {"x": 1})
    assert not StateCopy(*folders).restore()
    assert ports.records.get("things", "a") == {"x": 1}


def test_what_is_deleted_is_deleted_from_the_copy_and_what_is_there_is_not_written_again(
    folders, opened, monkeypatch
):
    ports = opened()
    for name in ("a", "b"):
        ports.store.create("work", name, b"result", "text/plain")
    copy = StateCopy(*folders)
    copy.save()
    ports.store.delete("work", "a", ports.store.stat("work", "a").generation)
    written = []
    put = state_copy._put
    monkeypatch.setattr(
        state_copy, "_put", lambda source, target: written.append(target.name) or put(source, target)
    )
    copy.save()
    assert sorted({*written}) == ["dropscribe.sqlite", "times.json"]
    assert [path.name for path in (folders[1] / "buckets").rglob("*") if path.is_file()] == ["b"]


@pytest.mark.parametrize("after", range(4))
def test_a_copy_that_is_interrupted_is_still_that_of_one_moment(folders, opened, monkeypatch, after):
    ports = opened()
    copy = StateCopy(*folders)
    for number in (1, 2):
        ports.store.create("work", f"{number}", f"result {number}".encode(), "text/plain")
        ports.records.create("things", f"{number}", {})
        if number == 1:
            copy.save()
    put, calls = state_copy._put, []

    def breaks(source, target):
        calls.append(target)
        if len(calls) > after:
            raise OSError("the drive is gone")
        put(source, target)

    monkeypatch.setattr(state_copy, "_put", breaks)
    with pytest.raises(OSError, match="drive"):
        copy.save()
    monkeypatch.setattr(state_copy, "_put", put)
    vanish(folders, ports)
    assert copy.restore()
    ports = opened()
    assert ports.records.get("things", "1") == {}
    for number in (1, 2):
        if ports.records.get("things", f"{number}") is not None:
            assert ports.store.load("work", f"{number}") == f"result {number}".encode()


def test_it_is_saved_while_work_goes_on_and_at_the_end_and_a_drive_that_is_gone_stops_nothing(
    folders, opened, caplog, until
):
    ports = opened()
    with StateCopy(*folders).saving(every=0.01):
        until((folders[1] / "times.json").exists)
        ports.records.create("things", "a", {"x": 1})
    with sqlite3.connect(folders[1] / "dropscribe.sqlite") as found:
        assert found.execute("SELECT count(*) FROM documents WHERE collection = 'things'").fetchone() == (1,)
    found.close()
    shutil.rmtree(folders[1])
    folders[1].touch()
    with StateCopy(*folders).saving(every=60.0):
        pass
    assert "cannot be copied" in caplog.text


def test_a_copy_that_cannot_be_read_says_what_to_do(folders, opened):
    ports = opened()
    StateCopy(*folders).save()
    vanish(folders, ports)
    (folders[1] / "times.json").write_text("{")
    with pytest.raises(CannotWrite, match="to start over"):
        StateCopy(*folders).restore()
    assert not (folders[0] / "dropscribe.sqlite").exists()


def test_no_folder_of_the_copy_is_called_after_what_was_deleted(folders, opened):
    ports, copy = opened(), StateCopy(*folders)
    ports.store.create("transcripts", "audio/zanzibar.wav/1/transcript.txt", b"words", "text/plain")
    copy.save()
    assert [one for one in folders[1].rglob("*") if "zanzibar" in one.name]
    found = ports.store.stat("transcripts", "audio/zanzibar.wav/1/transcript.txt")
    ports.store.delete("transcripts", found.name, found.generation)
    copy.save()
    assert [one for one in folders[1].rglob("*") if "zanzibar" in one.name] == []


def test_a_copy_in_progress_is_not_taken_for_one_that_was_left(folders, opened, monkeypatch):
    opened().records.create("things", "a", {"x": 1})
    really = state_copy._snapshot

    def snapshot(database, target):
        really(database, target)
        incoming.tidy(folders[0])
        assert target.exists()

    monkeypatch.setattr(state_copy, "_snapshot", snapshot)
    StateCopy(*folders).save()
    assert (folders[1] / "dropscribe.sqlite").exists()


def test_a_copy_that_has_just_begun_is_not_taken_for_one_that_was_left(folders, opened, monkeypatch):
    opened().records.create("things", "a", {"x": 1})
    make = tempfile.mkdtemp
    tidying = []

    def made(*given, **named):
        folder = make(*given, **named)
        tidying.append(threading.Thread(target=incoming.tidy, args=(folders[0],)))
        tidying[0].start()
        tidying[0].join(0.5)
        return folder

    monkeypatch.setattr(tempfile, "mkdtemp", made)
    StateCopy(*folders).save()
    tidying[0].join()
    assert (folders[1] / "dropscribe.sqlite").exists()
