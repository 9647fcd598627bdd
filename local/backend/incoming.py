"""Recordings that come from elsewhere (standard input, a web address): private files of the state folder, for a while.

A file is named by the SHA-256 of its content, and all have one time of change, so the same bytes are the same recording
in the next run: what was done of it is not repeated. It is removed when the run ends. What a killed process left is
removed by the next one that opens the state folder, or forgets a recording.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import stat
import time
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, BinaryIO, Self, cast

from local.backend.files import staged
from local.backend.files.beneath import PRIVATE, make_private
from local.backend.files.disk_errors import unwritable
from local.backend.files.names import TEMPORARY
from shared.in_words import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FOLDER = "incoming"
"""In the state folder."""
CHANGED = 946_684_800 * 10**9
"""Time of change of every file, nanoseconds since 1970."""
LONGEST = 200
"""Bytes of a name."""
YOUNG = 60.0
"""Seconds in which the maker of a file may not have locked it yet."""
LONGEST_SUFFIX = 20
"""Bytes of its ending that are kept when it is shortened."""

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class Incoming:
    """Takes recordings for as long as the block lasts."""

    def __init__(self, state_dir: Path) -> None:
        self._folder = state_dir / FOLDER
        self._held: dict[Path, int] = {}

    def __enter__(self) -> Self:
        """Remove what killed processes left."""
        tidy(self._folder.parent)
        return self

    def __exit__(self, *_: object) -> None:
        """Remove what was taken, unless another process uses it as well."""
        if not self._held:
            return
        with locked(self._folder):
            for place, handle in self._held.items():
                os.close(handle)
                _remove(place)
        self._held.clear()

    def take(self, name: str, fill: Callable[[BinaryIO], object]) -> Path:
        """The file of a recording.

        The name is made harmless; `fill` writes the content.

        Raises:
            ConfigurationError: the state folder may not be written to.
            StoreUnavailable: the disk is full or did not answer.
        """
        name = harmless(name)
        try:
            make_private(self._folder)
            with staged.open_in(self._folder) as file:
                content = _Hashed(file)
                fill(cast("BinaryIO", content))
                staged.settle(file)
                os.utime(file.fileno(), ns=(CHANGED, CHANGED))
                place = self._folder / content.digest.hexdigest()[:32]
                with locked(self._folder):
                    place.mkdir(mode=PRIVATE, exist_ok=True)
                    staged.name_it(file, self._folder, Path(place.name, name))
                    if place not in self._held:
                        handle = os.open(place, _FOLDER)
                        fcntl.flock(handle, fcntl.LOCK_SH)
                        self._held[place] = handle
        except OSError as error:
            raise unwritable(self._folder / name, error) from error
        return place / name


def tidy(state_dir: Path) -> None:
    """Remove what killed processes left in a state folder, and what no process uses any more."""
    folder = state_dir / FOLDER
    with suppress(OSError):
        if folder.is_dir():
            with locked(folder):
                for one in folder.iterdir():
                    _remove(one)
        with locked(state_dir):
            for one in state_dir.glob(f"{TEMPORARY}*"):
                _remove(one)


@contextmanager
def scratch(state_dir: Path) -> Iterator[Path]:
    """A folder in the state folder for as long as the block lasts, which `tidy` leaves alone."""
    with ExitStack() as stack:
        with locked(state_dir):
            folder = Path(stack.enter_context(TemporaryDirectory(dir=state_dir, prefix=TEMPORARY)))
            stack.enter_context(locked(folder, shared=True))
        yield folder


@contextmanager
def locked(folder: Path, *, shared: bool = False) -> Iterator[None]:
    """No other process makes or removes anything in a folder meanwhile; or, shared, takes it for what a killed one left."""
    handle = os.open(folder, _FOLDER)
    try:
        fcntl.flock(handle, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


class _Hashed:
    """Writes into a file, and computes the digest of what is written."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.digest = hashlib.sha256()

    def write(self, data: bytes) -> int:
        """As a file does."""
        self.digest.update(data)
        return self._file.write(data)

    def fileno(self) -> int:
        """As a file does."""
        return self._file.fileno()


def harmless(name: str) -> str:
    """A name as a file may have it anywhere: without control characters and marks at its beginning, and not too long."""
    kept = Path(printable(name).replace("/", "_").lstrip(".% ").rstrip() or "recording")
    suffix = kept.suffix if len(kept.suffix.encode()) <= LONGEST_SUFFIX else ""
    stem = kept.name.removesuffix(suffix).encode()[: LONGEST - len(suffix.encode())]
    return stem.decode(errors="ignore") + suffix


def _remove(place: Path) -> None:
    """Remove a file, or a folder with its files, unless a process uses it: that one keeps it locked."""
    with suppress(OSError):
        handle = os.open(place, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            found = os.fstat(handle)
            if stat.S_ISDIR(found.st_mode):
                for one in place.iterdir():
                    one.unlink()
                place.rmdir()
            elif time.time() - found.st_ctime > YOUNG:
                place.unlink()
        finally:
            os.close(handle)
