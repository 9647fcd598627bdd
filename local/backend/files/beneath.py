"""Files and folders below a folder, without following links: a user who can write there must not choose what we open.

Each part of a path is opened from the folder before it with `O_NOFOLLOW` (man 2 openat), so that a link that is put there
in the meantime is refused as well. Links in the path of the folder itself are followed: a person named it.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from shared.errors import ConfigurationError
from shared.machine.regular_files import open_regular
from shared.telemetry import log

if TYPE_CHECKING:
    from collections.abc import Iterator

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
PRIVATE = 0o700
"""Mode of folders that only their owner may look into."""
STICKY = 0o1000
"""Bit of folders that all accounts share, as /tmp."""


class LinkError(NotADirectoryError):
    """A part of a path is a link, and is not followed."""


@contextmanager
def folder_below(root: Path, inside: Path, *, make: int | None = None) -> Iterator[int]:
    """A descriptor of a folder below another one, for as long as the block lasts.

    Args:
        root: followed wherever it leads.
        inside: relative to it, without `..`.
        make: mode of the folder if it does not exist; those above it are made as usual. None: nothing is made.

    Raises:
        LinkError: a part of `inside` is a link.
        OSError: what the system says.
    """
    if make is not None:
        root.mkdir(parents=True, exist_ok=True)
    handle = os.open(root, _FOLDER)
    try:
        for depth, part in enumerate(inside.parts, start=1):
            if make is not None:
                _make(part, make if depth == len(inside.parts) else 0o777, handle)
            try:
                below = os.open(part, _FOLDER | os.O_NOFOLLOW, dir_fd=handle)
            except OSError as error:
                raise _as_link(error, root, inside, depth, handle) from error
            os.close(handle)
            handle = below
        yield handle
    finally:
        os.close(handle)


def open_below(root: Path, inside: Path) -> int:
    """A descriptor for reading a file below a folder.

    Raises:
        LinkError: a part of `inside` is a link.
        NotAFileError: it is not a regular file.
        OSError: what the system says.
    """
    with folder_below(root, inside.parent) as folder:
        try:
            return open_regular(inside.name, links=False, folder=folder)
        except OSError as error:
            raise _as_link(error, root, inside, len(inside.parts), folder) from error


def has_link(root: Path, inside: Path) -> bool:
    """Whether a part of a path below a folder is a link."""
    parts = inside.parts
    return any((root / Path(*parts[:depth])).is_symlink() for depth in range(1, len(parts) + 1))


def make_private(folder: Path) -> None:
    """Make a folder that only its owner may look into, or close an existing one to all others.

    Raises:
        ConfigurationError: it is shared by all accounts, as /tmp is.
        OSError: it cannot be made.
    """
    folder.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
    mode = folder.stat().st_mode
    if mode & STICKY:
        raise ConfigurationError(
            f"{folder} is shared by all accounts of this machine, and what Dropscribe keeps there is private. "
            "Choose a folder of its own with --state-dir or DROPSCRIBE_STATE_DIR."
        )
    if mode & 0o077:
        try:
            folder.chmod(PRIVATE)
        except OSError as error:
            log.warning(
                "Other accounts may look into %s, which holds recordings and words: closing it failed (%s). Let its "
                "owner run `chmod 700` on it.",
                folder,
                error.strerror,
            )


def _make(name: str, mode: int, folder: int) -> None:
    try:
        os.mkdir(name, mode, dir_fd=folder)
    except FileExistsError:
        return  # opening it tells what it is


def _as_link(error: OSError, root: Path, inside: Path, depth: int, folder: int) -> OSError:
    """The error, as LinkError if the part at some depth is a link."""
    path = root / Path(*inside.parts[:depth])
    try:
        os.readlink(inside.parts[depth - 1], dir_fd=folder)
    except OSError:
        return error
    return LinkError(error.errno, "it is a link", str(path))
