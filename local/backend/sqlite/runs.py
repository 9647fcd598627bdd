"""Recordings that one process has to itself: `dropscribe transcribe` works on its own files by its own settings.

A run keeps a file of its own locked, so that every other process, in other containers too, can tell whether it lives.
"""

from __future__ import annotations

import fcntl
import os
import uuid
from contextlib import suppress
from typing import TYPE_CHECKING

from local.backend.files.atomic_write import OWNERS
from local.backend.files.beneath import make_private
from local.backend.files.disk_errors import unwritable
from local.backend.sqlite import process_ids

if TYPE_CHECKING:
    from pathlib import Path

FOLDER = "runs"
"""In the state folder."""


class Run:
    """What this process has to itself, from now until `end` or until the process ends.

    Args:
        state_dir: the state folder.

    Raises:
        ConfigurationError: the state folder may not be written to.
        StoreUnavailable: the disk is full or did not answer.
    """

    def __init__(self, state_dir: Path) -> None:
        self.name = uuid.uuid4().hex
        """No two runs have the same."""
        self._path = state_dir / FOLDER / self.name
        try:
            make_private(self._path.parent)
            self._handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, OWNERS)
            fcntl.flock(self._handle, fcntl.LOCK_EX)
        except OSError as error:
            raise unwritable(self._path, error) from error

    def end(self) -> None:
        """Nothing is its own any more."""
        remove(self._path.parent.parent, self.name)
        os.close(self._handle)


def is_over(state_dir: Path, name: str) -> bool:
    """Whether the process of a run has ended, however it did."""
    return process_ids.is_unlocked(state_dir / FOLDER / name)


def remove(state_dir: Path, name: str) -> None:
    """Remove the file of a run that is over."""
    with suppress(OSError):
        (state_dir / FOLDER / name).unlink()
