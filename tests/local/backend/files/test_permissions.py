"""What is made from a file allows group and others no more than the file."""

from __future__ import annotations

import os
from types import SimpleNamespace

import pytest

from local.backend.files.permissions import PRIVATE, Permissions

OUR_GROUP = os.getegid()


def of(mode, group=OUR_GROUP):
    return Permissions.of(SimpleNamespace(st_mode=0o100000 | mode, st_gid=group))


def folder(group=0, mode=0o040755):
    return SimpleNamespace(st_mode=mode, st_gid=group)


@pytest.mark.parametrize(
    ("source", "file", "around"),
    [
        (0o600, 0o600, 0o700),
        (0o400, 0o600, 0o700),
        (0o640, 0o640, 0o750),
        (0o644, 0o644, 0o755),
        (0o755, 0o644, 0o755),
        (0o666, 0o666, 0o777),
        (0o604, 0o604, 0o705),
    ],
)
def test_modes(source, file, around):
    assert of(source).file_mode(folder()) == file
    assert of(source).folder_mode == around


def test_another_group_gets_what_everybody_has():
    assert of(0o660, group=OUR_GROUP + 1).file_mode(folder()) == 0o600
    assert of(0o664, group=OUR_GROUP + 1).file_mode(folder()) == 0o644


def test_a_folder_that_gives_files_its_group_counts_as_that_group():
    shared = folder(group=OUR_GROUP + 1, mode=0o042770)
    assert of(0o660).file_mode(shared) == 0o600
    assert of(0o660, group=OUR_GROUP + 1).file_mode(shared) == 0o660


def test_of_what_is_gone_nothing_is_allowed():
    assert (PRIVATE.file_mode(folder()), PRIVATE.folder_mode) == (0o600, 0o700)
