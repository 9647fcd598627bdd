"""Files that get their name when they are complete."""

from __future__ import annotations

import errno
import os
import stat

import pytest

from local.backend.files import staged
from local.backend.files.beneath import LinkError


@pytest.fixture(params=["without a name", "hidden", "without links"])
def system(request, monkeypatch):
    """What a file system can do."""
    if request.param != "without a name":
        monkeypatch.delattr(os, "O_TMPFILE")
    if request.param == "without links":

        def no_links(*_args, **_more):
            raise OSError(errno.EPERM, "no hard links here")

        monkeypatch.setattr(os, "link", no_links)
    return request.param


def named(root, name, data=b"content"):
    with staged.open_in(root) as file:
        file.write(data)
        found = staged.settle(file)
        return staged.name_it(file, root, root.joinpath(name).relative_to(root)), found


def test_a_file_appears_under_its_name_with_the_time_that_was_told(tmp_path, system):
    made, found = named(tmp_path, "a/b/talk.mp3")
    path = tmp_path / "a/b/talk.mp3"
    assert made
    assert path.read_bytes() == b"content"
    assert path.stat().st_mtime_ns == found.st_mtime_ns
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [one for one in tmp_path.rglob("*") if one.is_file()] == [path]


def test_a_name_that_is_taken_stays_as_it_is(tmp_path, system):
    assert named(tmp_path, "x", b"first")[0]
    assert not named(tmp_path, "x", b"second")[0]
    assert (tmp_path / "x").read_bytes() == b"first"
    assert [one.name for one in tmp_path.iterdir()] == ["x"]


def test_a_link_that_dangles_is_a_name_that_is_taken(tmp_path, system):
    (tmp_path / "x").symlink_to(tmp_path / "elsewhere")
    assert not named(tmp_path, "x")[0]
    assert not (tmp_path / "elsewhere").exists()


def test_a_link_in_place_of_a_folder_is_not_followed(tmp_path, system):
    outside = tmp_path / "outside"
    outside.mkdir()
    root = tmp_path / "inbox"
    root.mkdir()
    (root / "openai").symlink_to(outside)
    with pytest.raises(LinkError):
        named(root, "openai/x")
    assert list(outside.iterdir()) == []


def test_a_file_without_a_name_is_gone_when_it_is_closed(tmp_path, system):
    with staged.open_in(tmp_path / "inbox") as file:
        file.write(b"half")
        file.flush()
    assert list((tmp_path / "inbox").iterdir()) == []
