"""SHA-256 of files of weights, computed once for each state of a file: gigabytes take seconds.

A digest is remembered by the file's path, size, times and inode, in this process and in a file of the user's cache. A
program may set the modification time of a file, but not the change time of its inode, which moves with each write. A
file that changed within the last seconds may change again without another time, so it is not remembered beyond this
process. A clock that is set, or a write to the disk past its file system, is not noticed.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
import threading
import time
from pathlib import Path

import msgspec
import platformdirs

from shared.machine.regular_files import open_regular

SETTLED = 5.0
"""Seconds after its last change from which the time of change of a file is taken to name its content."""
MOST = 1000
"""Files that are remembered; beyond that all are forgotten."""
MOST_BYTES = 1_000_000
"""Most bytes of the file of what is remembered; a larger one is not ours."""

_known: dict[str, str] = {}
_lock = threading.Lock()


def sha256(path: Path) -> str:
    """SHA-256 of a file, hexadecimal.

    Raises:
        OSError: it cannot be read.
    """
    with os.fdopen(open_regular(path), "rb") as file:
        key = _key(path, os.fstat(file.fileno()))
        with _lock:
            found = _known.get(key) or _read().get(key)
            if found is None:
                found = hashlib.file_digest(file, "sha256").hexdigest()
                if _key(path, os.fstat(file.fileno())) != key:
                    return found  # it is being written
                _keep(key, found, _changed(os.fstat(file.fileno())))
            _known[key] = found
    return found


def remember(path: Path, digest: str) -> None:
    """Keep the digest of a file that was computed while it was fetched."""
    with contextlib.suppress(OSError), _lock:
        found = path.stat()
        _known[_key(path, found)] = digest
        _keep(_key(path, found), digest, _changed(found))


def state(path: Path) -> str:
    """What names the content of a file without reading it: its resolved path, size, times of change and inode.

    Raises:
        OSError: there is no such file.
    """
    return _key(path, path.stat())


def _key(path: Path, found: os.stat_result) -> str:
    times = f"{found.st_mtime_ns} {found.st_ctime_ns}"
    return f"{path.resolve()} {found.st_size} {times} {found.st_dev} {found.st_ino}"


def _changed(found: os.stat_result) -> float:
    """When a file changed last, seconds since 1970."""
    return max(found.st_mtime, found.st_ctime)


def _file() -> Path:
    return Path(platformdirs.user_cache_dir("dropscribe")) / "digests.json"


def _read() -> dict[str, str]:
    try:
        if _file().stat().st_size > MOST_BYTES:
            return {}
        return msgspec.json.decode(_file().read_bytes(), type=dict[str, str])
    except (OSError, msgspec.DecodeError):
        return {}


def _keep(key: str, digest: str, changed: float) -> None:
    """Remember it for other processes; where that is not possible, they compute it."""
    if time.time() - changed < SETTLED:
        return
    known = _read()
    known = {key: digest} if len(known) >= MOST else known | {key: digest}
    with contextlib.suppress(OSError):
        _file().parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # A new file of a random name, for its owner only.
        handle, name = tempfile.mkstemp(dir=_file().parent, suffix=".part")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(msgspec.json.encode(known))
            Path(name).replace(_file())
        except OSError:
            Path(name).unlink(missing_ok=True)
            raise
