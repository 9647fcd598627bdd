"""Files that are filled before they have a name: an upload appears whole, or not at all.

On Linux such a file has no name in the meantime (man 2 open, O_TMPFILE), so a killed process leaves nothing. Elsewhere
it has a hidden one that is no object's.
"""

from __future__ import annotations

import contextlib
import fcntl
import io
import os
import secrets
from typing import TYPE_CHECKING, BinaryIO, cast

from local.backend.files.atomic_write import NOT_HERE, OWNERS, despite_removals
from local.backend.files.beneath import PRIVATE, folder_below
from local.backend.files.names import TEMPORARY

if TYPE_CHECKING:
    from pathlib import Path


class _Hidden(io.BufferedRandom):
    """A new file with a hidden name, which goes when it is closed."""

    def __init__(self, path: Path) -> None:
        flags = os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC
        self.path = path
        super().__init__(io.FileIO(path, "x+b", opener=lambda name, _: os.open(name, flags, OWNERS)))
        # So that no process takes it for what a killed one left.
        fcntl.flock(self.fileno(), fcntl.LOCK_SH)

    def close(self) -> None:
        """Close it, and remove its hidden name."""
        if not self.closed:
            super().close()
            self.path.unlink(missing_ok=True)


def open_in(folder: Path) -> BinaryIO:
    """A new file on the file system of a folder, readable and writable by its owner only; gone once it is closed.

    Raises:
        OSError: what the system says.
    """
    folder.mkdir(parents=True, exist_ok=True)
    flag = getattr(os, "O_TMPFILE", None)
    if flag is not None:
        try:
            return os.fdopen(os.open(folder, os.O_RDWR | flag | os.O_CLOEXEC, OWNERS), "w+b")
        except OSError as error:
            if error.errno not in NOT_HERE:
                raise
    return cast("BinaryIO", _Hidden(folder / f"{TEMPORARY}{secrets.token_hex(12)}"))


def settle(file: BinaryIO) -> os.stat_result:
    """What is known of a file whose content is complete and, from now on, durable.

    Raises:
        OSError: what the system says.
    """
    file.flush()
    os.fsync(file.fileno())
    return os.fstat(file.fileno())


def name_it(file: BinaryIO, root: Path, inside: Path) -> bool:
    """Give a file a name below a folder, durably; False, with nothing changed, if another one has that name.

    It can be repeated if it fails. The file is settled. Links on the way from `root` are not followed, and missing folders are made.

    Raises:
        LinkError: a part of the path is a link.
        OSError: what the system says.
    """
    return despite_removals(lambda: _name_it(file, root, inside))


def _name_it(file: BinaryIO, root: Path, inside: Path) -> bool:
    with folder_below(root, inside.parent, make=PRIVATE) as folder:
        # An earlier call may have failed after it.
        if not _has_name(file, inside.name, folder) and not _take_name(file, inside.name, folder):
            return False
        os.fsync(folder)
    return True


def _has_name(file: BinaryIO, name: str, folder: int) -> bool:
    try:
        found = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return os.path.samestat(found, os.fstat(file.fileno()))


def _take_name(file: BinaryIO, name: str, folder: int) -> bool:
    try:
        _link(file, name, folder)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in NOT_HERE or not isinstance(file, _Hidden):
            raise
        return _rename(file.path, name, folder)
    return True


def _link(file: BinaryIO, name: str, folder: int) -> None:
    if isinstance(file, _Hidden):
        os.link(file.path, name, dst_dir_fd=folder)
    else:
        # With a folder's descriptor Python calls linkat(), which follows the link in /proc.
        os.link(f"/proc/self/fd/{file.fileno()}", name, dst_dir_fd=folder, follow_symlinks=True)


def _rename(hidden: Path, name: str, folder: int) -> bool:
    """The same where there are no hard links (exFAT), while a lock on the folder keeps other writers out."""
    fcntl.flock(folder, fcntl.LOCK_EX)
    try:
        with contextlib.suppress(FileNotFoundError):
            os.stat(name, dir_fd=folder, follow_symlinks=False)
            return False
        os.rename(hidden, name, dst_dir_fd=folder)
        return True
    finally:
        fcntl.flock(folder, fcntl.LOCK_UN)
