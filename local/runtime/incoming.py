"""Recordings that come from elsewhere (standard input, a web address): private files of the state folder, for a while.

A file is named by the SHA-256 of its content, and all have one time of change, so the same bytes are the same recording
in the next run: what was done of it is not repeated. It is removed when the run ends; what a killed process left is
removed by the next run.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Self, cast

from local.backend import staged
from local.backend.beneath import PRIVATE, make_private
from local.backend.disk_errors import unwritable
from shared.in_words import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FOLDER = "incoming"
"""In the state folder."""
CHANGED = 946_684_800 * 10**9
"""Time of change of every file, nanoseconds since 1970."""
LONGEST = 200
"""Bytes of a name."""
LONGEST_SUFFIX = 20
"""Bytes of its ending that are kept when it is shortened."""

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class Incoming:
    """Takes recordings for as long as the block lasts.

    Args:
        state_dir: the state folder.
    """

    def __init__(self, state_dir: Path) -> None:
        self._folder = state_dir / FOLDER
        self._held: dict[Path, int] = {}

    def __enter__(self) -> Self:
        """Remove what killed processes left."""
        if self._folder.is_dir():
            with self._alone():
                for one in self._folder.iterdir():
                    _remove(one)
        return self

    def __exit__(self, *_: object) -> None:
        """Remove what was taken, unless another process uses it as well."""
        if not self._held:
            return
        with self._alone():
            for place, handle in self._held.items():
                os.close(handle)
                _remove(place)
        self._held.clear()

    def take(self, name: str, fill: Callable[[BinaryIO], object]) -> Path:
        """The file of a recording.

        Args:
            name: what to call it; made harmless.
            fill: writes its content.

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
                with self._alone():
                    place.mkdir(mode=PRIVATE, exist_ok=True)
                    staged.name_it(file, self._folder, Path(place.name, name))
                    if place not in self._held:
                        handle = os.open(place, _FOLDER)
                        fcntl.flock(handle, fcntl.LOCK_SH)
                        self._held[place] = handle
        except OSError as error:
            raise unwritable(self._folder / name, error) from error
        return place / name

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Nobody else makes or removes anything in the folder meanwhile."""
        handle = os.open(self._folder, _FOLDER)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
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
    """Remove a folder with its files, unless a process uses it."""
    with suppress(OSError):
        handle = os.open(place, _FOLDER)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            for one in place.iterdir():
                one.unlink()
            place.rmdir()
        finally:
            os.close(handle)
