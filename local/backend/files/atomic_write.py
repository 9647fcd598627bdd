"""Write files that do not exist yet: completely or not at all, by exactly one of several racing writers; delete them."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import secrets
import threading
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from local.backend.files.beneath import PRIVATE
from local.backend.files.names import TEMPORARY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

T = TypeVar("T")
TRIES = 20
"""Times that a file is written whose folder another process removes, because it was empty."""
OWNERS = 0o600
"""Mode of files that only their owner may read: all that is written here is part of the state."""

_changed: Counter[Path] = Counter()
"""Folders in which threads made others that are not flushed yet. A thread that puts a file below these flushes them as well."""
_lock = threading.Lock()

NOT_HERE = {errno.EOPNOTSUPP, errno.EISDIR, errno.ENOENT, errno.EINVAL, errno.EPERM, errno.EXDEV}


def write_all(folder: Path, files: Mapping[str, bytes]) -> set[str]:
    """Write files of one folder, durably; gives the names of those that did not exist, the others stay as they are.

    Missing folders are made. Readers see each file with all of its content or not at all, also after
    `kill -9` or a power loss at any point.

    Raises:
        FileExistsError, NotADirectoryError: a part of the path is a file.
        OSError: what the system says; some of them may have been written.
    """
    return despite_removals(lambda: _write_all(folder, files))


def despite_removals(write: Callable[[], T]) -> T:
    """What a function gives that makes folders and then writes into them, although others may remove empty ones.

    Raises:
        FileNotFoundError: they are gone again and again.
    """
    for _ in range(TRIES):
        with contextlib.suppress(FileNotFoundError):
            return write()
    return write()


def _write_all(folder: Path, files: Mapping[str, bytes]) -> set[str]:
    changed = _make_folders(folder)
    missing = {name: data for name, data in files.items() if not os.path.lexists(folder / name)}
    if not missing:
        return set()
    with _opened(folder, os.O_RDONLY | os.O_DIRECTORY) as directory:
        created = _by_link(directory, folder, missing)
        if created is None:
            created = {name for name, data in missing.items() if _by_rename(directory, folder / name, data)}
        if created:
            os.fsync(directory)
    # A journal that has the last folder has those above it by now: only the first flush waits for the disk.
    for one in folder.parents:
        if _changed[one]:
            _flush_folder(one)
    with _lock:
        _changed.subtract(changed)
        for one in changed:
            if not _changed[one]:
                del _changed[one]
    return created


def replace(folder: int, name: str, data: bytes, mode: int, *, durable: bool = True) -> None:
    """Write a file of an open folder, whatever has its name: readers see the old content or all of the new.

    Where no file has the name, nothing is left of a killed writer; else a hidden file, which the next one removes. Both
    are new files: no link that was planted there is followed.

    Args:
        folder: descriptor.
        name: a single component; a link of this name is replaced, not followed.
        data: the content.
        mode: of the file; the umask applies.
        durable: False saves a flush where a power loss may leave the file empty or without a name, as `cp` does.

    Raises:
        OSError: what the system says.
    """
    alone = False
    with contextlib.suppress(OSError):  # some file systems, as those of buckets, have no locks
        fcntl.flock(folder, fcntl.LOCK_EX)
        alone = True
    try:
        try:
            os.stat(name, dir_fd=folder, follow_symlinks=False)
        except FileNotFoundError:
            if _by_link(folder, Path(f"/proc/self/fd/{folder}"), {name: data}, mode, durable=durable):
                return
        if alone:
            remove_unfinished(folder, name)
        # A file that is there already has a name that is as long as the system allows, perhaps.
        temporary = f"{unfinished(Path(name))}-{secrets.token_hex(4)}"
        _write_hidden(folder, temporary, name, data, mode, durable=durable)
    finally:
        if alone:
            fcntl.flock(folder, fcntl.LOCK_UN)


def remove_unfinished(folder: int, name: str) -> None:
    """Remove what killed writers of a file left in its folder.

    Raises:
        OSError: what the system says.
    """
    hidden = f"{unfinished(Path(name))}-"
    for one in os.listdir(folder):
        if one.startswith(hidden):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(one, dir_fd=folder)


def unfinished(path: Path) -> Path:
    """The hidden file that becomes another one, however long its name is; no object has that name."""
    return path.with_name(TEMPORARY + hashlib.sha256(os.fsencode(path.name)).hexdigest()[:24])


def unlink(path: Path) -> None:
    """Delete a file, durably.

    Raises:
        OSError: what the system says.
    """
    path.unlink()
    _flush_folder(path.parent)


def remove_empty(folder: Path, root: Path | None = None) -> None:
    """Remove the folders below and above one that hold no file, and itself; what killed writers left goes with them.

    Args:
        folder: need not exist.
        root: above it; stays, as what is above it. None: `folder` stays.
    """
    for here, _, files in os.walk(folder, topdown=False):
        if (root is None and Path(here) == folder) or not all(one.startswith(TEMPORARY) for one in files):
            continue
        with contextlib.suppress(OSError):  # another process wrote into it in this instant
            for one in files:
                Path(here, one).unlink()
            Path(here).rmdir()
    if root is not None and root in folder.parents:
        with contextlib.suppress(OSError):
            for above in folder.parents[: folder.parents.index(root)]:
                above.rmdir()


def _by_link(
    directory: int, folder: Path, files: Mapping[str, bytes], mode: int = OWNERS, *, durable: bool = True
) -> set[str] | None:
    """Write files without names, then name them (man 2 open, O_TMPFILE): a killed writer leaves nothing.

    None where the system or the file system cannot do that.
    """
    flag = getattr(os, "O_TMPFILE", None)
    if flag is None:
        return None
    created = set()
    try:
        with contextlib.ExitStack() as stack:
            handles = {name: stack.enter_context(_opened(folder, os.O_WRONLY | flag, mode)) for name in files}
            for name, data in files.items():
                _write(handles[name], data)
            # All are written by now: the disk takes them at once instead of one after another.
            for handle in handles.values() if durable else ():
                os.fsync(handle)
            for name, handle in handles.items():
                with contextlib.suppress(FileExistsError):
                    # With a folder's descriptor Python calls linkat(), which follows the link in /proc.
                    os.link(f"/proc/self/fd/{handle}", name, dst_dir_fd=directory, follow_symlinks=True)
                    created.add(name)
    except OSError as error:
        if error.errno in NOT_HERE and not created:
            return None
        raise
    return created


def _by_rename(directory: int, path: Path, data: bytes) -> bool:
    """Write a hidden file and rename it, while a lock on the folder keeps other writers out.

    For file systems without nameless files or hard links (exFAT, macOS). The hidden name follows from
    the final one, so the repeat after a crash removes what the killed writer left.
    """
    temporary = unfinished(path)
    fcntl.flock(directory, fcntl.LOCK_EX)
    try:
        if os.path.lexists(path):
            return False
        temporary.unlink(missing_ok=True)
        _write_hidden(directory, temporary.name, path.name, data, OWNERS)
    finally:
        fcntl.flock(directory, fcntl.LOCK_UN)
    return True


def _write_hidden(
    directory: int, temporary: str, name: str, data: bytes, mode: int, *, durable: bool = True
) -> None:
    """Write a new file with a hidden name, and rename it; what has the hidden name already was planted."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    handle = os.open(temporary, flags, mode, dir_fd=directory)
    try:
        try:
            _write(handle, data)
            if durable:
                os.fsync(handle)
        finally:
            os.close(handle)
        os.replace(temporary, name, src_dir_fd=directory, dst_dir_fd=directory)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary, dir_fd=directory)
        raise


def _make_folders(folder: Path) -> list[Path]:
    """Make the missing folders of a path; those that got a new name in them, which is safe once they are flushed."""
    if folder.is_dir():
        return []
    above = _make_folders(folder.parent)
    with _lock:
        _changed[folder.parent] += 1
    try:
        folder.mkdir(mode=PRIVATE)
    except FileExistsError:
        # Another writer was first, or a file stands in the way.
        if not folder.is_dir():
            raise
    return [folder.parent, *above]


def _write(handle: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(handle, rest) :]


def _flush_folder(path: Path) -> None:
    with _opened(path, os.O_RDONLY | os.O_DIRECTORY) as directory:
        os.fsync(directory)


@contextlib.contextmanager
def _opened(path: Path, flags: int, mode: int = 0o777) -> Iterator[int]:
    handle = os.open(path, flags | os.O_CLOEXEC, mode)
    try:
        yield handle
    finally:
        os.close(handle)
