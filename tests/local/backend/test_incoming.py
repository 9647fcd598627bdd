"""Recordings from elsewhere: private while they are used, gone afterwards, and known again."""

from __future__ import annotations

import errno
import os
import stat

import pytest

from local.backend.embedded_ports import open_ports
from local.backend.incoming import LONGEST, Incoming, harmless, tidy
from shared.errors import StoreUnavailable
from shared.model import Options, recording_id
from shared.settings import Settings


def filled(data):
    return lambda file: file.write(data)


def test_a_recording_is_private_while_it_is_used_and_gone_afterwards(tmp_path):
    with Incoming(tmp_path) as incoming:
        path = incoming.take("talk.mp3", filled(b"sound"))
        assert path.read_bytes() == b"sound"
        assert path.name == "talk.mp3"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE((tmp_path / "incoming").stat().st_mode) == 0o700
    assert list((tmp_path / "incoming").iterdir()) == []


def test_the_same_bytes_under_the_same_name_are_the_same_recording_in_the_next_run(tmp_path):
    keys = []
    for data in (b"sound", b"sound", b"other"):
        with Incoming(tmp_path) as incoming:
            ports = open_ports(Settings(state_dir=tmp_path))
            path = incoming.take("talk.mp3", filled(data))
            keys.append(recording_id(ports.file(path), Options()))
            ports.close()
    assert keys[0] == keys[1] != keys[2]


def test_what_another_process_uses_stays_until_that_one_ends(tmp_path):
    with Incoming(tmp_path) as first:
        path = first.take("talk.mp3", filled(b"sound"))
        with Incoming(tmp_path) as second:
            assert second.take("talk.mp3", filled(b"sound")) == path
        assert path.exists()
    assert not path.exists()


def test_what_a_killed_process_left_is_removed_by_the_next_one(tmp_path):
    left = tmp_path / "incoming" / "0123"
    left.mkdir(parents=True)
    (left / "talk.mp3").write_bytes(b"sound")
    with Incoming(tmp_path):
        assert not left.exists()


def test_whoever_opens_the_state_removes_what_a_killed_process_left_and_nothing_that_is_used(
    tmp_path, monkeypatch
):
    with Incoming(tmp_path) as incoming:
        used = incoming.take("talk.mp3", filled(b"sound"))
        left = tmp_path / "incoming" / "0123" / "stdin"
        left.parent.mkdir()
        left.write_bytes(b"sound")
        copy = tmp_path / ".dropscribe-abc" / "dropscribe.sqlite"
        copy.parent.mkdir()
        copy.write_bytes(b"words")
        staged = tmp_path / "incoming" / ".dropscribe-old"
        staged.write_bytes(b"half")
        monkeypatch.setattr("local.backend.incoming.YOUNG", -60.0)
        open_ports(Settings(state_dir=tmp_path)).close()
        assert used.exists()
        assert [left.exists(), left.parent.exists(), copy.parent.exists(), staged.exists()] == [False] * 4


def test_a_file_that_somebody_has_just_made_may_not_be_locked_yet_and_stays(tmp_path):
    young = tmp_path / "incoming" / ".dropscribe-new"
    young.parent.mkdir()
    young.write_bytes(b"half")
    tidy(tmp_path)
    assert young.exists()


def test_what_is_staged_under_a_hidden_name_is_used(tmp_path, monkeypatch):
    monkeypatch.delattr(os, "O_TMPFILE")
    monkeypatch.setattr("local.backend.incoming.YOUNG", -60.0)

    def fill(file):
        file.write(b"sound")
        tidy(tmp_path)

    with Incoming(tmp_path) as incoming:
        assert incoming.take("talk.mp3", fill).read_bytes() == b"sound"


def test_what_breaks_off_leaves_nothing(tmp_path):
    def breaks(file):
        file.write(b"half")
        raise RuntimeError("cut off")

    with Incoming(tmp_path) as incoming:
        with pytest.raises(RuntimeError, match="cut off"):
            incoming.take("talk.mp3", breaks)
        assert list((tmp_path / "incoming").iterdir()) == []


def test_a_full_disk_is_said(tmp_path):
    def full(file):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with Incoming(tmp_path) as incoming, pytest.raises(StoreUnavailable, match="Check the disk's free space"):
        incoming.take("talk.mp3", full)


@pytest.mark.parametrize(
    ("name", "harmless_name"),
    [
        ("talk.mp3", "talk.mp3"),
        ("Grüße 1.ogg", "Grüße 1.ogg"),
        ("../../etc/passwd", "_.._etc_passwd"),
        ("a/b.mp3", "a_b.mp3"),
        (".hidden.mp3", "hidden.mp3"),
        ("%=x.mp3", "=x.mp3"),
        ("..", "recording"),
        ("", "recording"),
        ("a\nb\x00.mp3", "a\\nb\\x00.mp3"),
    ],
)
def test_names_are_made_harmless(name, harmless_name):
    assert harmless(name) == harmless_name


def test_a_long_name_is_shortened_and_keeps_its_ending():
    found = harmless("ü" * 1000 + ".mp3")
    assert len(found.encode()) <= LONGEST
    assert found.endswith("ü.mp3")
    assert len(harmless("a." + "b" * 1000).encode()) <= LONGEST
