"""What is no file is not opened as one, and nobody waits for it."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from shared.machine.regular_files import NotAFileError, open_regular, read_regular
from tests.irregular import IRREGULAR, irregular


def open_files():
    return len(list(Path("/proc/self/fd").iterdir()))


def test_a_file_is_read_also_through_a_link_unless_that_is_not_wanted(tmp_path):
    path, link = tmp_path / "a", tmp_path / "b"
    path.write_bytes(b"content")
    link.symlink_to(path)
    assert read_regular(path) == read_regular(str(link)) == b"content"
    with pytest.raises(NotAFileError, match="no file"):
        read_regular(link, links=False)


def test_a_file_is_opened_below_a_folder(tmp_path):
    (tmp_path / "a").write_bytes(b"content")
    folder = os.open(tmp_path, os.O_RDONLY)
    try:
        handle = open_regular("a", folder=folder)
        assert os.read(handle, 100) == b"content"
        os.close(handle)
    finally:
        os.close(folder)


def test_what_is_not_there_is_not_called_something_else(tmp_path):
    with pytest.raises(FileNotFoundError) as missing:
        read_regular(tmp_path / "a")
    assert not isinstance(missing.value, NotAFileError)


def test_a_file_of_zeros_that_take_no_room_does_not_fill_the_memory(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"1234")
    assert read_regular(path, most=4) == b"1234"
    before = open_files()
    os.truncate(path, 1 << 40)
    with pytest.raises(OSError, match="too large") as error:
        read_regular(path, most=4)
    assert (error.value.errno, error.value.filename) == (errno.EFBIG, str(path))
    assert open_files() == before


@pytest.mark.parametrize("kind", IRREGULAR)
def test_what_is_no_file_is_refused_without_waiting_and_nothing_stays_open(tmp_path, kind):
    path = irregular(tmp_path / "a", kind)
    before = open_files()
    with pytest.raises(NotAFileError, match="no file"):
        read_regular(path)
    assert open_files() == before
