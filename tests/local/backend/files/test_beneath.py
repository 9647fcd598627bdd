"""What is opened below a folder is below it, and a private folder is closed to others."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from local.backend.files import beneath
from local.backend.files.beneath import LinkError, folder_below, has_link, make_private, open_below
from shared.errors import ConfigurationError


@pytest.fixture
def tree(tmp_path):
    """A folder to stay in, and a secret beside it."""
    root = tmp_path / "root"
    (root / "a" / "b").mkdir(parents=True)
    (root / "a" / "b" / "file").write_bytes(b"ours")
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "file").write_bytes(b"secret")
    return root


def read(root, inside):
    with os.fdopen(open_below(root, Path(inside)), "rb") as file:
        return file.read()


def test_a_file_below_is_read(tree):
    assert read(tree, "a/b/file") == b"ours"


@pytest.mark.parametrize("link", ["a/b/file", "a/b", "a"])
def test_a_link_anywhere_below_is_refused_by_its_name(tree, link):
    path = tree / link
    path.rename(tree / "away")
    path.symlink_to(tree.parent / "secret" / ("file" if path.name == "file" else ""))
    with pytest.raises(LinkError) as refused:
        read(tree, "a/b/file")
    assert refused.value.filename == str(path)
    assert has_link(tree, Path("a/b/file"))


def test_a_link_that_takes_the_place_of_a_folder_in_the_meantime_is_refused(tree, monkeypatch):
    really = os.open

    def opened(name, *given, **more):
        if name == "b":  # after `a` was opened
            (tree / "a" / "b").rename(tree / "away")
            (tree / "a" / "b").symlink_to(tree.parent / "secret")
        return really(name, *given, **more)

    monkeypatch.setattr(beneath.os, "open", opened)
    with pytest.raises(LinkError):
        read(tree, "a/b/file")


def test_the_folder_itself_may_be_a_link_because_a_person_named_it(tree):
    (tree.parent / "named").symlink_to(tree)
    assert read(tree.parent / "named", "a/b/file") == b"ours"
    assert not has_link(tree.parent / "named", Path("a/b/file"))


def test_what_is_missing_is_missing_and_no_link(tree):
    with pytest.raises(FileNotFoundError):
        read(tree, "a/nowhere/file")
    assert not has_link(tree, Path("a/nowhere/file"))


def test_folders_are_made_with_the_mode_asked_for_the_last(tree):
    before = os.umask(0o022)
    try:
        with folder_below(tree, Path("new/deep"), make=0o700):
            pass
    finally:
        os.umask(before)
    assert [(tree / one).stat().st_mode & 0o777 for one in ("new", "new/deep")] == [0o755, 0o700]


def test_no_descriptor_stays_open(tree):
    (tree / "link").symlink_to(tree.parent / "secret")
    before = {one.name for one in Path("/proc/self/fd").iterdir()}
    for inside in ("a/b/file", "a/nowhere/file", "link/file"):
        try:
            os.close(open_below(tree, Path(inside)))
        except OSError:
            continue
    assert {one.name for one in Path("/proc/self/fd").iterdir()} == before


@pytest.mark.parametrize("mode", [0o755, 0o777, 0o750])
def test_a_private_folder_is_closed_to_others_also_one_that_exists(tmp_path, mode):
    for folder in (tmp_path / "old", tmp_path / "new" / "deep"):
        if folder.name == "old":
            folder.mkdir()
            folder.chmod(mode)
        make_private(folder)
        assert folder.stat().st_mode & 0o777 == 0o700


def test_a_folder_that_all_accounts_share_is_refused_and_left_as_it_is(tmp_path):
    tmp_path.chmod(0o1777)
    with pytest.raises(ConfigurationError, match="shared by all accounts"):
        make_private(tmp_path)
    assert tmp_path.stat().st_mode & 0o7777 == 0o1777


def test_a_folder_of_somebody_else_is_used_with_a_warning(tmp_path, monkeypatch, caplog):
    tmp_path.chmod(0o755)

    def not_ours(*_):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "chmod", not_ours)
    make_private(tmp_path)
    assert "chmod 700" in caplog.text
