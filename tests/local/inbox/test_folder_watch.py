from __future__ import annotations

import pytest

from local.inbox import folder_watch
from local.inbox.folder_watch import FolderWatch


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "inbox"
    made.mkdir()
    return made


@pytest.fixture
def watch(folder):
    """A watch of the folder, with what it reports: names of files that it noticed, and to which something happened."""
    noticed, happened = [], []
    made = FolderWatch(
        folder,
        lambda: "" if folder.is_dir() else f"{folder} is not there.",
        noticed=lambda path: noticed.append(path.name),
        happened=lambda path: happened.append(path.name),
    )
    made.noticed, made.happened = noticed, happened
    yield made
    made.end()


def test_a_new_file_is_reported_and_one_that_goes_only_as_a_happening(folder, watch, until):
    assert watch.renew()
    # Moved in, so that its writing has no events that come later.
    (folder.parent / "x.mp3").write_bytes(b"x")
    (folder.parent / "x.mp3").rename(folder / "x.mp3")
    until(lambda: "x.mp3" in watch.noticed)
    watch.noticed.clear()
    watch.happened.clear()
    (folder / "x.mp3").unlink()
    until(lambda: "x.mp3" in watch.happened)
    assert "x.mp3" not in watch.noticed


def test_a_watch_goes_on_until_the_folder_is_another_one_or_was_away(folder, watch, caplog):
    assert [watch.renew(), watch.renew()] == [True, False]
    watch.forget()
    assert watch.renew()
    folder.rename(folder.with_name("away"))
    assert [watch.renew(), watch.renew()] == [False, False]
    assert caplog.text.count("is not there. What is in it waits") == 1
    folder.mkdir()
    assert [watch.renew(), watch.renew()] == [True, False]


def test_an_event_that_is_not_understood_has_the_folder_watched_anew(
    folder, watch, until, monkeypatch, caplog
):
    assert watch.renew()
    noticed = watch._noticed

    def odd(path):
        raise ValueError(path.name)

    monkeypatch.setattr(watch, "_noticed", odd)
    (folder / "odd.mp3").write_bytes(b"x")
    until(lambda: "an event in it was not understood" in caplog.text)
    monkeypatch.setattr(watch, "_noticed", noticed)
    assert watch.renew()
    (folder / "x.mp3").write_bytes(b"x")
    until(lambda: "x.mp3" in watch.noticed)


def test_folder_is_looked_through_where_the_system_cannot_watch(folder, watch, until, monkeypatch, caplog):
    class Exhausted(folder_watch.PollingObserver):
        def start(self):
            raise OSError(28, "inotify watch limit reached")

    monkeypatch.setattr(folder_watch, "Observer", Exhausted)
    assert watch.renew()
    assert "max_user_watches" in caplog.text
    (folder / "x.mp3").write_bytes(b"x")
    until(lambda: "x.mp3" in watch.noticed)
