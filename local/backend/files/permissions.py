"""What group and others may do with a file, so that what is made from it allows no more."""

from __future__ import annotations

import os
import stat
import sys
from dataclasses import dataclass
from typing import Self

_GROUP, _OTHERS = 0o060, 0o006


@dataclass(frozen=True, kw_only=True, slots=True)
class Permissions:
    """Those of a file."""

    mode: int = 0
    """Bits of `chmod` for group and others, without those to execute."""
    group: int = -1
    """Number of its group."""

    @classmethod
    def of(cls, found: os.stat_result) -> Self:
        """The permissions of a file that was looked at."""
        return cls(mode=found.st_mode & (_GROUP | _OTHERS), group=found.st_gid)

    @property
    def folder_mode(self) -> int:
        """Mode of a folder for what is made from the file: who may read it may look into the folder."""
        return 0o700 | self.mode | (self.mode & 0o044) >> 2

    def file_mode(self, folder: os.stat_result) -> int:
        """Mode of a new file in a folder. Another group than the file's gets what everybody has."""
        inherited = sys.platform == "darwin" or folder.st_mode & stat.S_ISGID
        group = folder.st_gid if inherited else os.getegid()
        mode = self.mode if group == self.group else self.mode & (self.mode << 3 | _OTHERS)
        return 0o600 | mode


PRIVATE = Permissions()
"""Nothing is allowed."""
