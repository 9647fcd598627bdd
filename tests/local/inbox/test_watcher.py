"""Files in the inbox become messages when they are complete, once each."""

from __future__ import annotations

import contextlib
import itertools
import json
import logging
import shutil
import time

import pytest

from local.backend.files.store import FileStore
from local.inbox import watcher as inbox_module
from local.inbox.folder_watch import FolderWatch
from local.inbox.ignore import has_writer
from local.inbox.watcher import Inbox
from local.runtime.beside import name_beside
from shared.errors import StoreUnavailable
from shared.formats import file_names

QUIET = 0.1


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "audio"
    folder.mkdir()
    return folder


@pytest.fixture
def watching(store, queue):
    """Watches the inbox, and gives the names published so far."""

    @contextlib.contextmanager
    def watch(known=lambda _: False, **options):
        inbox = Inbox(store, queue, "audio", known, quiet_seconds=QUIET, **options)
        inbox.start()
        names = []

        def published():
            names.extend(json.loads(one.data)["name"] for one in queue.pull("router", 100, 1e6))
            return names

        try:
            yield published
        finally:
            inbox.stop()

    return watch


def settle():
    """Longer than a complete file waits."""
    time.sleep(QUIET * 4)


def test_file_that_appears_is_published_once(folder, watching, until):
    with watching() as published:
        (folder / "my talk 😀.mp3").write_bytes(b"x")
        until(published)
        settle()
        assert published() == ["my talk 😀.mp3"]


def test_an_empty_file_that_stands_for_a_folder_is_skipped_with_a_word(folder, watching, until, caplog):
    for _ in range(2):
        with watching() as published:
            (folder / "calls_$folder$").touch()
            until(lambda: "calls_$folder$ is skipped: such names are those of folders" in caplog.text)
            assert published() == []
        caplog.clear()


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), ZeroDivisionError()])
def test_what_fails_once_does_not_end_the_watch(folder, watching, until, monkeypatch, error):
    monkeypatch.setattr(inbox_module, "_RETRY_SECONDS", 0.05)
    keep, looks = FolderWatch.renew, []

    def fails_once(watch):
        looks.append(watch)
        if len(looks) == 2:
            raise error
        return keep(watch)

    monkeypatch.setattr(FolderWatch, "renew", fails_once)
    (folder / "a.mp3").write_bytes(b"x")
    with watching() as published:
        until(published)
    assert len(looks) > 2


def test_message_carries_the_object(folder, watching, queue, store, until):
    (folder / "a.mp3").write_bytes(b"123")
    with watching():
        until(lambda: queue.pending("router"))
    (delivery,) = queue.pull("router", 1, 60.0)
    found = store.stat("audio", "a.mp3")
    assert json.loads(delivery.data)["generation"] == str(found.generation)
    assert delivery.attributes["objectGeneration"] == str(found.generation)


def test_message_carries_what_every_upload_is_asked_for(folder, watching, queue, until):
    (folder / "a.mp3").write_bytes(b"123")
    with watching(metadata={"dropscribe-diarize": "True"}):
        until(lambda: queue.pending("router"))
    (delivery,) = queue.pull("router", 1, 60.0)
    assert json.loads(delivery.data)["metadata"] == {"dropscribe-diarize": "True"}


def test_files_that_came_while_nothing_ran_are_found_and_known_ones_are_not_repeated(folder, watching, until):
    (folder / "a" / "b").mkdir(parents=True)
    (folder / "a" / "b" / "new.mp3").write_bytes(b"x")
    (folder / "done.mp3").write_bytes(b"x")
    with watching(known=lambda source: source.name == "done.mp3") as published:
        until(published)
        settle()
        assert published() == ["a/b/new.mp3"]


def test_file_that_is_still_written_waits_for_its_end(folder, watching, until):
    with watching() as published:
        with (folder / "slow.wav").open("wb") as file:
            for _ in range(8):
                file.write(b"x" * 1000)
                file.flush()
                time.sleep(QUIET / 4)
            assert published() == []
        until(published)
        assert published() == ["slow.wav"]


def test_file_whose_writer_pauses_longer_than_the_quiet_period_waits_too(folder, watching, until):
    with watching() as published:
        with (folder / "stalled.wav").open("wb") as file:
            file.write(b"half")
            file.flush()
            settle()
            if has_writer(folder / "stalled.wav"):
                assert published() == []
            file.write(b"whole")
        until(published)


def test_download_is_published_under_its_final_name(folder, watching, until):
    with watching() as published:
        (folder / "talk.mp3.part").write_bytes(b"x")
        settle()
        (folder / "talk.mp3.part").rename(folder / "talk.mp3")
        until(published)
        settle()
        assert published() == ["talk.mp3"]


def test_what_is_no_recording_is_left_out(folder, watching, until):
    (folder / ".folder").mkdir()
    for name in (
        *(".hidden.mp3", "x.crdownload", "X.PART", "x.tmp", "x.mp3~", "~$x.docx", "Thumbs.db"),
        ".folder/x.mp3",
    ):
        (folder / name).write_bytes(b"x")
    with watching() as published:
        (folder / "real.mp3").write_bytes(b"x")
        until(published)
        settle()
        assert published() == ["real.mp3"]


def test_what_its_name_says_is_something_else_is_passed_over_with_a_line_that_says_so(
    folder, watching, until, caplog
):
    for name in ("readme.txt", "talk.srt", "talk.ts", "call-17"):
        (folder / name).write_bytes(b"x")
    with watching() as published:
        until(lambda: len(published()) == 2)
        until(lambda: caplog.text)
        assert sorted(published()) == ["call-17", "talk.ts"]
    assert "readme.txt is skipped: its name is not that of audio or video." in caplog.text
    assert "talk.srt" not in caplog.text
    assert "dropscribe submit" in caplog.text


def test_no_output_beside_its_recording_is_taken_for_one_or_warned_about(folder, watching, until, caplog):
    (folder / "readme.txt").write_bytes(b"x")
    for recording in ("talk.mp3", "call-17"):
        (folder / recording).write_bytes(b"x")
        for name in file_names():
            for whole in (False, True):
                (folder / name_beside(recording, name, whole=whole)).write_bytes(b"x")
    with watching() as published:
        until(lambda: len(published()) >= 2 and caplog.text)
        settle()
        assert sorted(published()) == ["call-17", "talk.mp3"]
    assert [one.getMessage().split("/")[-1].split()[0] for one in caplog.records] == ["readme.txt"]


@pytest.mark.parametrize("at", ["look", "record"])
def test_a_mistake_about_one_file_keeps_no_other_from_being_taken(
    folder, store, watching, until, monkeypatch, caplog, at
):
    def known(source):
        if at == "record" and source.name == "a.mp3":
            raise ValueError("no such time")
        return False

    def leads_away(bucket, path):
        if at == "look" and path.name == "a.mp3":
            raise ValueError("no such time")
        return keep(bucket, path)

    keep = store.leads_away
    monkeypatch.setattr(store, "leads_away", leads_away)
    with watching(known) as published:
        (folder / "a.mp3").write_bytes(b"x")
        until(lambda: "a.mp3 is not picked up yet: ValueError('no such time')" in caplog.text)
        (folder / "b.mp3").write_bytes(b"x")
        until(published)
        assert published() == ["b.mp3"]


def test_a_file_that_fails_is_looked_at_again_after_growing_pauses_and_soon_once_it_is_replaced(
    folder, watching, until, monkeypatch, caplog
):
    monkeypatch.setattr(inbox_module, "_RETRY_SECONDS", 0.05)
    looks = []

    def known(source):
        looks.append(time.monotonic())
        if source.size == 1:
            raise ValueError("odd")
        return False

    with watching(known) as published:
        (folder / "a.mp3").write_bytes(b"x")
        until(lambda: len(looks) == 5)
        pauses = [after - before for before, after in itertools.pairwise(looks)]
        assert all(pause >= 0.05 * 2**number for number, pause in enumerate(pauses))
        (folder / "a.mp3").write_bytes(b"xy")
        until(published, 5.0)
    assert caplog.text.count("a.mp3 is not picked up yet") == 1


def test_folder_that_is_moved_in_brings_all_its_files(tmp_path, folder, watching, until):
    (tmp_path / "album" / "disc").mkdir(parents=True)
    for name in ("1.mp3", "disc/2.mp3", ".hidden"):
        (tmp_path / "album" / name).write_bytes(b"x")
    with watching() as published:
        shutil.move(tmp_path / "album", folder / "album")
        until(lambda: len(published()) == 2)
        assert sorted(published()) == ["album/1.mp3", "album/disc/2.mp3"]
        (folder / "album" / "disc" / "3.mp3").write_bytes(b"x")
        until(lambda: len(published()) == 3)


def test_file_that_is_deleted_before_it_is_complete_is_never_published(folder, watching, until):
    with watching() as published:
        with (folder / "gone.mp3").open("wb") as file:
            file.write(b"x")
            file.flush()
            time.sleep(QUIET / 3)
            (folder / "gone.mp3").unlink()
        (folder / "stays.mp3").write_bytes(b"x")
        until(published)
        settle()
        assert published() == ["stays.mp3"]


def test_replaced_file_is_published_again(folder, watching, until):
    with watching() as published:
        (folder / "x.mp3").write_bytes(b"first")
        until(published)
        (folder / "x.mp3").write_bytes(b"second")
        until(lambda: len(published()) == 2)
        settle()
        assert published() == ["x.mp3", "x.mp3"]


def test_where_nobody_asked_for_links_they_are_skipped_with_one_warning(
    tmp_path, folder, queue, until, caplog
):
    (tmp_path / "secret.mp3").write_bytes(b"x")
    (folder / "link.mp3").symlink_to(tmp_path / "secret.mp3")
    inbox = Inbox(
        FileStore({"audio": folder}, without_links={"audio"}),
        queue,
        "audio",
        lambda _: False,
        quiet_seconds=QUIET,
    )
    with caplog.at_level(logging.WARNING, "dropscribe"):
        inbox.start()
        (folder / "own.mp3").write_bytes(b"x")
        until(lambda: queue.pending("router") == 1 and "link.mp3 is a link" in caplog.text)
        inbox.notice(folder / "link.mp3")
        settle()
        inbox.stop()
    assert caplog.text.count("--follow-links") == 1
    assert [json.loads(one.data)["name"] for one in queue.pull("router", 9, 60.0)] == ["own.mp3"]


def test_linked_file_is_published_and_a_linked_folder_is_not_followed(tmp_path, folder, watching, until):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "talk.mp3").write_bytes(b"x")
    (folder / "link.mp3").symlink_to(tmp_path / "elsewhere" / "talk.mp3")
    (folder / "circle").symlink_to(folder)
    with watching() as published:
        until(published)
        settle()
        assert published() == ["link.mp3"]


def test_file_that_cannot_be_read_is_explained_once_and_taken_up_later(
    folder, watching, until, monkeypatch, caplog
):
    def denied(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(inbox_module, "has_writer", denied)
    with caplog.at_level(logging.WARNING, "dropscribe"), watching() as published:
        (folder / "private.mp3").write_bytes(b"x")
        until(lambda: "private.mp3 is skipped: Permission denied" in caplog.text)
        monkeypatch.setattr(inbox_module, "has_writer", has_writer)
        (folder / "private.mp3").chmod(0o644)
        until(published)
    assert caplog.text.count("private.mp3") == 1


def test_file_is_tried_again_while_the_records_do_not_answer(folder, watching, until, monkeypatch):
    monkeypatch.setattr(inbox_module, "_RETRY_SECONDS", 0.05)
    answers = iter([StoreUnavailable("locked"), StoreUnavailable("locked")])

    def known(_):
        for error in answers:
            raise error
        return False

    with watching(known=known) as published:
        (folder / "x.mp3").write_bytes(b"x")
        until(published)
        settle()
        assert published() == ["x.mp3"]


def test_inbox_that_is_away_is_not_made_and_is_watched_again_when_it_is_back(
    folder, store, watching, until, caplog, monkeypatch
):
    monkeypatch.setattr(inbox_module, "_FOLDER_SECONDS", 0.05)
    store.expect("audio", None)
    away = folder.with_name("away")
    with watching() as published:
        folder.rename(away)
        until(lambda: "is not there" in caplog.text)
        settle()
        assert not folder.exists()
        (away / "x.mp3").write_bytes(b"x")
        away.rename(folder)
        until(published)
        (folder / "y.mp3").write_bytes(b"y")
        until(lambda: len(published()) > 1)
    assert published() == ["x.mp3", "y.mp3"]
    assert caplog.text.count("is not there") == 1


def test_a_file_that_came_while_the_inbox_was_away_for_a_moment_is_found_soon(folder, watching, until):
    away = folder.with_name("away")
    with watching() as published:
        settle()
        folder.rename(away)
        (away / "x.mp3").write_bytes(b"x")
        time.sleep(0.2)
        away.rename(folder)
        until(published)


def test_a_file_that_went_and_came_back_is_asked_about_again_and_not_published_again(folder, watching, until):
    asked = []
    with watching(known=lambda source: bool(asked.append(source.name)) or len(asked) > 1) as published:
        (folder / "x.mp3").write_bytes(b"x")
        until(published)
        (folder / "x.mp3").rename(folder / "x.part")
        settle()
        (folder / "x.part").rename(folder / "x.mp3")
        until(lambda: len(asked) > 1)
        settle()
        assert published() == ["x.mp3"]


def test_scan_finds_what_the_system_did_not_report(folder, watching, until, monkeypatch):
    monkeypatch.setattr(FolderWatch, "on_any_event", lambda *_: None)
    with watching(rescan_seconds=0.2) as published:
        time.sleep(0.1)
        (folder / "x.mp3").write_bytes(b"x")
        until(published)
        settle()
        assert published() == ["x.mp3"]
