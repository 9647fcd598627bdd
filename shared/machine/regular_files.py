"""Open files whose folders others may write to: a named pipe in place of a file would keep its reader waiting for ever.

Looking at a path first does not help: it may be another one when it is opened. So it is opened without waiting (man 2
open, O_NONBLOCK), and then looked at.
"""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_READ = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


class NotAFileError(FileNotFoundError):
    """There is something of that name, but no file: a link, a folder, a pipe, a socket, a device."""


def open_regular(path: str | Path, *, links: bool = True, folder: int | None = None) -> int:
    """A descriptor for reading a regular file; never waits for a writer.

    `links` says whether a link in its place is followed; `folder` is the descriptor of the folder that `path` is
    relative to.

    Raises:
        NotAFileError: it is not a regular file, or a link that is not to be followed.
        OSError: what the system says.
    """
    try:
        handle = os.open(path, _READ | (0 if links else os.O_NOFOLLOW), dir_fd=folder)
    except OSError as error:
        # A socket, a device without a driver, a link.
        if error.errno in {errno.ENXIO, errno.ENODEV, errno.EOPNOTSUPP} or (
            error.errno == errno.ELOOP and not links
        ):
            raise _none(path) from error
        raise
    if stat.S_ISREG(os.fstat(handle).st_mode):
        return handle
    os.close(handle)
    raise _none(path)


def read_regular(path: str | Path, *, links: bool = True, most: int | None = None) -> bytes:
    """All bytes of a regular file, `most` at most: one of zeros takes no room on the disk, but all of it in memory.

    Raises:
        NotAFileError: it is not a regular file, or a link that is not to be followed.
        OSError: what the system says; EFBIG if it has more bytes.
    """
    with os.fdopen(open_regular(path, links=links), "rb") as file:
        if most is not None and os.fstat(file.fileno()).st_size > most:
            raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), str(path))
        return file.read(-1 if most is None else most)


def _none(path: str | Path) -> NotAFileError:
    return NotAFileError(errno.ENOENT, "it is no file, but a link, folder, pipe, socket or device", str(path))
