"""Errors of the operating system about files, as errors that say what to do."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from shared.errors import BadMedia, CannotWrite, ConfigurationError, DropscribeError, StoreUnavailable
from shared.model import FILES_BUCKET, StoredObject

if TYPE_CHECKING:
    from pathlib import Path


NO_FILE = {errno.ENOENT, errno.ENOTDIR}
_NOT_ALLOWED = {errno.EACCES, errno.EPERM, errno.EROFS}


def changed(source: StoredObject, *, same_time: bool) -> BadMedia:
    """The version that was asked for is gone; `same_time`: what is there now has its time of change."""
    if same_time:
        go_on = (
            "Its time of change is the same: give it a new one, e.g. with `touch`, and it is a new version."
        )
    elif source.bucket == FILES_BUCKET:
        go_on = "Ask for it again, and the new content is transcribed."
    else:
        go_on = "The new content becomes a recording of its own; nothing needs to be done for this one."
    return BadMedia(
        "missing", f"{source.shown_name} was replaced or changed while it was being read. {go_on}"
    )


def unreadable(name: str, error: OSError, *, watched: bool = False) -> DropscribeError:
    """Why an object cannot be read.

    `watched`: `dropscribe up` sees that it can be read again, and goes on automatically.
    """
    go_on = "`dropscribe up` then transcribes it." if watched else "Then continue with `dropscribe retry`."
    if error.errno in NO_FILE:
        return BadMedia("missing", f"{name} no longer exists. Put it back. {go_on}")
    if error.errno in _NOT_ALLOWED:
        return BadMedia(
            "missing",
            f"{name} may not be read ({error.strerror}). Make it readable for Dropscribe, e.g. chmod. {go_on}",
        )
    if error.errno == errno.ENAMETOOLONG:
        return BadMedia("missing", f"{name} has a path that is too long for this system. Shorten it.")
    return StoreUnavailable(f"{name} cannot be read now: {error.strerror}")


def unwritable(path: Path, error: OSError) -> DropscribeError:
    """Why a file cannot be written."""
    if isinstance(error, (FileExistsError, NotADirectoryError)):
        return CannotWrite(
            f"{path} cannot be written: a part of its path is a file, not a folder. Move that file away."
        )
    if error.errno in _NOT_ALLOWED:
        return ConfigurationError(
            f"{path} may not be written ({error.strerror}). Make the folder writable, or choose another one."
        )
    if error.errno == errno.ENAMETOOLONG:
        return CannotWrite(f"{path} is too long a path for this system. Choose a folder with a shorter path.")
    return StoreUnavailable(f"{path} cannot be written now: {error.strerror}. Check the disk's free space.")
