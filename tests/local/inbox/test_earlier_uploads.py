"""What a page stored before `dropscribe up` was told of an inbox."""

from __future__ import annotations

import errno
import os
from dataclasses import replace

import pytest

from local.backend.embedded_ports import open_ports
from local.inbox import earlier_uploads
from shared.errors import Permanent
from shared.flow import record, upload
from shared.messages import metadata_of
from shared.model import Options
from shared.settings import Settings
from shared.state import uploads
from tests.world import ScriptedMedia


@pytest.fixture
def settings(tmp_path):
    return Settings(state_dir=tmp_path / "state", model="tiny")


@pytest.fixture
def page(settings):
    """The ports of a page before the first `up`."""
    opened = open_ports(settings)
    yield replace(opened, media=ScriptedMedia())
    opened.close()


@pytest.fixture
def up(settings, page, tmp_path):
    """Those of `up` with an inbox."""
    opened = open_ports(replace(settings, inbox=tmp_path / "inbox"))
    opened.inbox.mkdir()
    yield replace(opened, media=ScriptedMedia())
    opened.close()


def stored(ports, name, language="en"):
    """A file that somebody uploaded with an option."""
    with ports.store.stage("audio") as file:
        file.write(b"sound")
        return ports.store.create_from(
            "audio",
            name,
            file,
            metadata=metadata_of(Options(language=language)),
            ahead=lambda source: uploads.fix(source, ports.records),
        )


def test_an_upload_is_moved_into_the_inbox_with_its_options(page, up):
    before = [stored(page, "talk.mp3"), stored(page, "monday/talk.mp3")]
    assert up.store.stat("audio", "talk.mp3") is None
    assert earlier_uploads.move_in(up) == 2
    for source in before:
        now = up.store.stat("audio", source.name)
        assert (now.generation, now.size) == (source.generation, source.size)
        assert uploads.fix(now, up.records).options.language == "en"
        assert page.store.stat("audio", source.name) is None
    assert earlier_uploads.move_in(up) == 0


def test_one_in_progress_goes_on_from_the_inbox_and_one_that_ended_stays(page, up):
    going, ended = stored(page, "going.mp3"), stored(page, "ended.mp3")
    upload.on_object(going, page)
    record.fail(upload.on_object(ended, page).id, Permanent("no"), page)
    assert earlier_uploads.move_in(up) == 1
    assert up.store.stat("audio", "going.mp3") is not None
    assert up.store.stat("audio", "ended.mp3") is None
    assert page.store.stat("audio", "ended.mp3") is not None


def test_no_file_of_the_inbox_is_replaced_and_the_person_is_told(page, up, caplog):
    stored(page, "talk.mp3")
    (up.inbox / "talk.mp3").write_bytes(b"another")
    assert earlier_uploads.move_in(up) == 0
    assert (up.inbox / "talk.mp3").read_bytes() == b"another"
    assert page.store.stat("audio", "talk.mp3") is not None
    assert "the inbox has another file of this name" in caplog.text


def test_between_two_disks_it_is_copied_and_keeps_its_time(page, up, monkeypatch):
    source = stored(page, "talk.mp3")
    clash = stored(page, "clash.mp3")
    (up.inbox / "clash.mp3").write_bytes(b"another")

    link = os.link

    def within_one(path, name, **how):
        if path == page.store.path_of("audio", str(name).rpartition("/")[2]):
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
        link(path, name, **how)

    monkeypatch.setattr(earlier_uploads.os, "link", within_one)
    assert earlier_uploads.move_in(up) == 1
    assert up.store.stat("audio", "talk.mp3").generation == source.generation
    assert (up.inbox / "clash.mp3").read_bytes() == b"another"
    assert page.store.stat("audio", "clash.mp3") == replace(clash, metadata={})
    assert sorted(path.name for path in up.inbox.iterdir()) == ["clash.mp3", "talk.mp3"]


def test_the_folder_of_the_state_may_be_the_inbox(page):
    stored(page, "talk.mp3")
    assert earlier_uploads.move_in(page) == 0
    assert page.store.stat("audio", "talk.mp3") is not None
