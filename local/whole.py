"""Write a file that does not exist yet: whole or not at all, by exactly one of several racing writers."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
from typing import TYPE_CHECKING

from local.names import TEMPORARY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_NOT_HERE = {errno.EOPNOTSUPP, errno.EISDIR, errno.ENOENT, errno.EINVAL, errno.EPERM, errno.EXDEV}


def write_once(path: Path, data: bytes) -> bool:
    """Write `path` with `data`, durably; False, and nothing written, where something of that name exists.

    Missing folders are made. Readers see the file with all of its content or not at all, also after
    `kill -9` or a power loss at any point.

    Raises:
        FileExistsError, NotADirectoryError: a part of the path is a file.
        OSError: what the system says.
    """
    folder = path.parent
    _make_folders(folder)
    if os.path.lexists(path):
        return False
    with _opened(folder, os.O_RDONLY | os.O_DIRECTORY) as directory:
        created = _by_link(directory, path, data)
        if created is None:
            created = _by_rename(directory, path, data)
        if created:
            os.fsync(directory)
    return created


def _by_link(directory: int, path: Path, data: bytes) -> bool | None:
    """Write a file without a name, then name it (man 2 open, O_TMPFILE): a killed writer leaves nothing.

    None where the system or the file system cannot do that.
    """
    flag = getattr(os, "O_TMPFILE", None)
    if flag is None:
        return None
    try:
        with _opened(path.parent, os.O_WRONLY | flag, 0o666) as handle:
            _write(handle, data)
            try:
                # With a folder's descriptor Python calls linkat(), which follows the link in /proc.
                os.link(
                    f"/proc/self/fd/{handle}",
                    path.name,
                    dst_dir_fd=directory,
                    follow_symlinks=True,
                )
            except FileExistsError:
                return False
    except OSError as error:
        if error.errno in _NOT_HERE:
            return None
        raise
    return True


def _by_rename(directory: int, path: Path, data: bytes) -> bool:
    """Write a hidden file and rename it, while a lock on the folder keeps other writers out.

    For file systems without nameless files or hard links (exFAT, macOS). The hidden name follows from
    the final one, so the repeat after a crash overwrites what the killed writer left.
    """
    temporary = path.with_name(TEMPORARY + hashlib.sha256(os.fsencode(path.name)).hexdigest()[:24])
    fcntl.flock(directory, fcntl.LOCK_EX)
    try:
        if os.path.lexists(path):
            return False
        try:
            with _opened(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666) as handle:
                _write(handle, data)
            temporary.rename(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    finally:
        fcntl.flock(directory, fcntl.LOCK_UN)
    return True


def _make_folders(folder: Path) -> None:
    """Make the missing folders of a path, durably: a new name is safe once its parent is flushed."""
    if folder.is_dir():
        return
    parent = folder.parent
    _make_folders(parent)
    try:
        folder.mkdir()
    except FileExistsError:
        # Another writer was first, or a file stands in the way.
        if not folder.is_dir():
            raise
    with _opened(parent, os.O_RDONLY | os.O_DIRECTORY) as directory:
        os.fsync(directory)


def _write(handle: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(handle, rest) :]
    os.fsync(handle)


@contextlib.contextmanager
def _opened(path: Path, flags: int, mode: int = 0o777) -> Iterator[int]:
    handle = os.open(path, flags | os.O_CLOEXEC, mode)
    try:
        yield handle
    finally:
        os.close(handle)
