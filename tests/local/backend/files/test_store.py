"""What only the store over folders promises."""

from __future__ import annotations

import errno
import json
import logging
import os
from pathlib import Path

import pytest

from local.backend.files import store as store_module
from local.backend.files.store import LATEST, FileStore
from local.runtime.events import object_resource
from shared.errors import BadMedia, BadRequest, ConfigurationError, Permanent
from shared.messages import object_from_event
from shared.model import StoredObject
from tests.irregular import IRREGULAR, irregular


def test_file_in_the_folder_is_an_object_under_its_own_name(tmp_path, store):
    (tmp_path / "audio" / "a").mkdir(parents=True)
    file = tmp_path / "audio" / "a" / "été 😀.mp3"
    file.write_bytes(b"12345")
    os.utime(file, ns=(0, 1_700_000_000_123_456_789))
    found = store.stat("audio", "a/été 😀.mp3")
    assert (found.size, found.generation, found.content_type) == (5, 1_700_000_000_123_456, "audio/mpeg")
    assert store.path_of("audio", found.name) == file
    assert store.name_of("audio", file) == found.name


def test_replaced_file_is_another_generation_and_the_old_one_is_missing(tmp_path, store):
    file = tmp_path / "audio" / "x.wav"
    file.parent.mkdir()
    file.write_bytes(b"old old")
    os.utime(file, ns=(0, 1_000_000_000))
    old = store.stat("audio", "x.wav")
    assert store.read(old, 0, 3) == b"old"
    replacement = tmp_path / "new"
    replacement.write_bytes(b"new new")
    os.utime(replacement, ns=(0, 2_000_000_000))
    replacement.rename(file)
    with pytest.raises(BadMedia, match="replaced or changed"):
        store.read(old, 0, 3)
    assert store.read(store.stat("audio", "x.wav"), 0, 3) == b"new"
    file.unlink()
    with pytest.raises(BadMedia, match="no longer exists"):
        store.read(old, 0, 3)


@pytest.mark.parametrize(
    ("seconds", "generation"), [(0, 1), (-1, 1), (-(10**9), 1), (3 * 10**11, LATEST), (10**17, LATEST)]
)
def test_a_file_with_a_time_that_no_calendar_has_is_an_object_like_any_other(
    store, monkeypatch, seconds, generation
):
    """Not every file system can hold such a time."""
    assert store.create("audio", "x.wav", b"sound", "audio/wav")
    stat = Path.stat

    def odd(path, **options):
        found = stat(path, **options)
        times = (found.st_atime, seconds, found.st_ctime)
        return os.stat_result((*found[:7], *times), {"st_mtime_ns": seconds * 10**9})

    monkeypatch.setattr(Path, "stat", odd)
    source = store.stat("audio", "x.wav")
    assert source.generation == generation
    assert object_from_event(json.loads(object_resource(source))) == source


def test_file_that_grows_while_it_is_read_is_missing(tmp_path, store):
    file = tmp_path / "audio" / "x.wav"
    file.parent.mkdir()
    file.write_bytes(b"12345")
    source = store.stat("audio", "x.wav")
    os.utime(file, ns=(0, source.generation * 1000))
    assert store.read(source, 0, 5) == b"12345"
    file.write_bytes(b"1234567")
    os.utime(file, ns=(0, source.generation * 1000))
    with pytest.raises(BadMedia, match="Its time of change is the same"):
        store.read(source, 0, 5)


def test_bucket_of_the_whole_file_system_takes_files_where_they_lie(tmp_path):
    (tmp_path / "talk.mp3").write_bytes(b"abc")
    store = FileStore({"files": Path("/")})
    name = store.name_of("files", tmp_path / "talk.mp3")
    assert name == str(tmp_path / "talk.mp3").lstrip("/")
    assert store.read(store.stat("files", name), 1, 2) == b"bc"
    assert [one.name for one in store.list("files", name)] == [name]
    store.close()


def test_no_name_leads_out_of_the_folder(tmp_path, store):
    (tmp_path / "secret").write_bytes(b"x")
    for name in ("../secret", "a/../../secret", str(tmp_path / "secret"), "./../secret"):
        assert store.stat("audio", name) is None
        assert store.path_of("audio", name).is_relative_to(tmp_path / "audio")
        assert store.create("audio", name, b"mine", "text/plain")
    assert (tmp_path / "secret").read_bytes() == b"x"


def test_linked_file_is_an_object_and_a_linked_folder_is_not_listed(tmp_path, store):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "talk.mp3").write_bytes(b"abc")
    (tmp_path / "audio").mkdir()
    (tmp_path / "audio" / "link.mp3").symlink_to(tmp_path / "elsewhere" / "talk.mp3")
    (tmp_path / "audio" / "circle").symlink_to(tmp_path / "audio")
    (tmp_path / "audio" / "broken").symlink_to(tmp_path / "nowhere")
    assert [one.name for one in store.list("audio")] == ["link.mp3"]
    assert store.load("audio", "link.mp3") == b"abc"


@pytest.mark.parametrize("kind", IRREGULAR)
@pytest.mark.parametrize("links", [True, False])
def test_what_is_no_file_is_no_object_and_nobody_waits_for_it(tmp_path, kind, links):
    store = FileStore({"audio": tmp_path / "audio"}, without_links=() if links else ("audio",))
    path = irregular(tmp_path / "audio" / "a.wav", kind)
    assert store.stat("audio", "a.wav") is None
    assert store.load("audio", "a.wav") is None
    assert list(store.list("audio")) == []
    found = path.stat()
    forged = StoredObject(
        bucket="audio", name="a.wav", generation=found.st_mtime_ns // 1000, size=found.st_size
    )
    with pytest.raises(BadMedia, match="no longer exists"):
        store.read(forged, 0, 1)
    assert not store.delete("audio", "a.wav", forged.generation)


def test_file_and_folder_of_the_same_name_are_a_clear_failure(store):
    store.create("work", "a", b"file", "text/plain")
    with pytest.raises(Permanent, match="is a file, not a folder"):
        store.create("work", "a/b", b"x", "text/plain")
    with pytest.raises(Permanent, match="is a file, not a folder"):
        store.create("work", "a/b/c", b"x", "text/plain")
    assert store.stat("work", "a/b") is None
    store.create("work", "d/e", b"x", "text/plain")
    with pytest.raises(Permanent, match="there is a folder"):
        store.create("work", "d", b"x", "text/plain")


def test_file_name_that_is_not_utf8_can_be_read(tmp_path, store):
    (tmp_path / "audio").mkdir()
    Path(os.fsdecode(os.fsencode(tmp_path / "audio") + b"/caf\xe9.mp3")).write_bytes(b"abc")
    (found,) = store.list("audio")
    assert found.name == "%!caf%E9.mp3"
    assert store.read(found, 0, 3) == b"abc"


def test_the_folder_itself_is_no_object_and_no_warning(store, caplog):
    assert store.name_of("audio", store.folder_of("audio")) is None
    assert not caplog.text


def test_file_whose_name_is_reserved_is_left_out_with_one_warning(tmp_path, store, caplog):
    (tmp_path / "audio").mkdir()
    (tmp_path / "audio" / "%=odd").write_bytes(b"")
    with caplog.at_level(logging.WARNING, "dropscribe"):
        assert list(store.list("audio")) == []
        assert list(store.list("audio")) == []
    (warning,) = caplog.records
    assert "Rename it" in warning.getMessage()


@pytest.mark.parametrize("name", ["", "x" * 1025, "\ud800"])
def test_illegal_name_is_refused(store, name):
    with pytest.raises(BadRequest):
        store.stat("audio", name)


def test_unknown_bucket_is_refused(store):
    with pytest.raises(ConfigurationError, match="no bucket"):
        store.stat("typo", "x")


def test_a_file_that_may_not_be_deleted_is_a_setting_to_correct_and_a_folder_is_no_object(store, monkeypatch):
    assert store.create("work", "a/x", b"content", "text/plain")
    generation = store.stat("work", "a/x").generation

    def refused(_):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(store_module, "unlink", refused)
    with pytest.raises(ConfigurationError, match="may not be written"):
        store.delete("work", "a/x", generation)
    folder = store.path_of("work", "a")
    assert not store.delete("work", "a", folder.stat().st_mtime_ns // 1000)
