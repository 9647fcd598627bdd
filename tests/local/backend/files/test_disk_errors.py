"""What the system says about files, as what to do."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from local.backend.files import disk_errors
from shared.errors import BadMedia, CannotWrite, ConfigurationError, StoreUnavailable
from shared.model import StoredObject


def os_error(number):
    return OSError(number, os.strerror(number))


@pytest.mark.parametrize(
    ("number", "kind", "says"),
    [
        (errno.ENOENT, BadMedia, "no longer exists"),
        (errno.ENOTDIR, BadMedia, "no longer exists"),
        (errno.EACCES, BadMedia, "Make it readable"),
        (errno.EPERM, BadMedia, "Make it readable"),
        (errno.ENAMETOOLONG, BadMedia, "Shorten it"),
        (errno.EIO, StoreUnavailable, "cannot be read now: Input/output error"),
    ],
)
def test_a_file_that_cannot_be_read_is_wrong_itself_or_comes_again(number, kind, says):
    error = disk_errors.unreadable("talk.mp3", os_error(number))
    assert type(error) is kind
    assert str(error).startswith("talk.mp3 ")
    assert says in str(error)


@pytest.mark.parametrize(
    ("number", "kind", "says"),
    [
        (errno.EEXIST, CannotWrite, "Move that file away"),
        (errno.ENOTDIR, CannotWrite, "Move that file away"),
        (errno.EROFS, ConfigurationError, "Make the folder writable"),
        (errno.ENAMETOOLONG, CannotWrite, "shorter path"),
        (errno.ENOSPC, StoreUnavailable, "Check the disk's free space"),
    ],
)
def test_a_file_that_cannot_be_written_says_what_stands_in_the_way(number, kind, says):
    error = disk_errors.unwritable(Path("/out/talk"), os_error(number))
    assert type(error) is kind
    assert str(error).startswith("/out/talk ")
    assert says in str(error)


@pytest.mark.parametrize(
    ("bucket", "same_time", "says"),
    [
        ("audio", False, "nothing needs to be done"),
        ("files", False, "/talk.mp3 was replaced or changed while it was being read. Ask for it again"),
        ("audio", True, "e.g. with `touch`"),
        ("files", True, "e.g. with `touch`"),
    ],
)
def test_who_replaced_a_file_knows_whether_the_new_one_is_transcribed(bucket, same_time, says):
    source = StoredObject(bucket=bucket, name="talk.mp3", generation=1, size=1)
    error = disk_errors.changed(source, same_time=same_time)
    assert error.code == "missing"
    assert says in str(error)
