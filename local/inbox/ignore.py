"""Files in the inbox that a person did not put there as a recording.

Hidden files and folders, what systems put into folders by themselves, and the half-written files of
programs that rename them when they are complete.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

PARTIAL = (
    ".part",
    ".partial",
    ".crdownload",
    ".download",
    ".opdownload",
    ".tmp",
    ".temp",
    ".swp",
    ".filepart",
    ".aria2",
    ".ytdl",
    ".!ut",
    ".!qb",
    ".bak",
    "~",
)
"""Endings, in any case, of files that are not recordings: downloads in progress, copies of editors."""
NOT_RECORDINGS = frozenset({"thumbs.db", "desktop.ini"})
"""Files that systems put into folders by themselves."""


def is_left_out(relative: Path) -> bool:
    """True for a file or folder, relative to the inbox, that holds no recording."""
    name = relative.name.lower()
    return (
        any(part.startswith(".") for part in relative.parts)
        or name.startswith("~$")
        or name.endswith(PARTIAL)
        or name in NOT_RECORDINGS
    )
