"""Whether the folder of a bucket is there, or its drive is away."""

from __future__ import annotations

from pathlib import Path

from local.backend.files.presence import Expected, mount_of


def test_a_folder_that_is_there_is_not_away_and_one_that_is_gone_or_a_file_is(tmp_path):
    folder = tmp_path / "inbox"
    expected = Expected(folder=folder)
    assert expected.absence() == f"The inbox {folder} is not there: put it back, or mount its drive."
    folder.touch()
    assert "is not there" in expected.absence()
    folder.unlink()
    folder.mkdir()
    assert not expected.absence()


def test_a_mount_point_without_its_drive_is_an_inbox_that_is_away(tmp_path):
    empty = Expected(folder=tmp_path, mount=tmp_path)
    assert f"nothing is mounted at {tmp_path}" in empty.absence()
    (tmp_path / "talk.wav").write_bytes(b"x")
    assert not empty.absence()


def test_an_empty_folder_on_a_drive_that_is_mounted_is_there(tmp_path):
    assert not Expected(folder=tmp_path, mount=Path("/")).absence()


def test_the_drive_of_a_folder_is_the_nearest_mount_above_it(tmp_path):
    found = mount_of(tmp_path)
    assert found.is_mount()
    assert tmp_path.resolve().is_relative_to(found)
    assert found.stat().st_dev == tmp_path.stat().st_dev
    assert mount_of(tmp_path / "none") is None
