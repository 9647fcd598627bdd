"""Whether the folder of a bucket is there, so that a file that is not in it is known to be gone.

A drive may be unmounted, or a folder renamed, for a while. Where the folder is itself a mount point, an empty one is left.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

OF_INBOX = "inbox"
"""In the metadata of a file that `dropscribe up` takes: the folder in which it was found."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Expected:
    """A folder of a person that should be there."""

    folder: Path
    """Its path, absolute."""
    mount: Path | None = None
    """Where the drive is mounted that it was on; None if unknown."""

    def absence(self) -> str:
        """Why it is not there, and what to do; empty if it is."""
        try:
            readable = os.access(self.folder, os.R_OK | os.X_OK)
            # It may go in this moment: then it is not there, rather than unreadable.
            if not self.folder.is_dir():
                return f"The inbox {self.folder} is not there: put it back, or mount its drive."
            if not readable and not os.access(self.folder, os.R_OK | os.X_OK):
                return (
                    f"The inbox {self.folder} may not be read: make it readable for Dropscribe, e.g. chmod."
                )
            if self.mount is None or self.mount.is_mount():
                return ""
            with os.scandir(self.folder) as inside:
                empty = next(inside, None) is None
        except OSError as error:
            return f"The inbox {self.folder} cannot be read now: {error.strerror}. Check its drive."
        if not empty:
            return ""
        return f"The inbox {self.folder} is not there: nothing is mounted at {self.mount}. Mount its drive."


def mount_of(folder: Path) -> Path | None:
    """Where the drive is mounted that a folder is on; None if it is not there."""
    try:
        real = folder.resolve(strict=True)
        return next((one for one in (real, *real.parents) if one.is_mount()), None)
    except OSError:
        return None
