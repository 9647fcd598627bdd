"""Which files of the inbox are ignored: those that are not recordings, and for now those still being written.

Hidden files and folders, files that systems put into folders, partial files of
programs that rename them when they are complete, and files whose names say that they are something else are not recordings.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import mimetypes
import os
import signal
from pathlib import Path, PurePath

from local.runtime.beside import name_beside
from shared.audio.containers import SUFFIXES
from shared.formats import FILES
from shared.machine.regular_files import open_regular

PARTIAL = (
    ".part", ".partial", ".crdownload", ".download", ".opdownload", ".tmp", ".temp", ".swp",
    ".filepart", ".aria2", ".ytdl", ".!ut", ".!qb", ".bak", "~",
)  # fmt: skip
"""Endings, in any case, of files that are not recordings: downloads in progress, copies of editors."""
NOT_RECORDINGS = frozenset({"thumbs.db", "desktop.ini"})
"""Files that systems put into folders."""
OUTPUTS = frozenset(PurePath(one.name).suffix.lower() for one in FILES)
"""Suffixes of output files, which are no recordings."""
CAPTIONS = frozenset(PurePath(one.name).suffix for one in FILES if one.has_captions)
"""Those of captions."""
BESIDE = tuple(name_beside("", one.name) for one in FILES)
"""How the names of output files end beside recordings."""
UNSAID = "application/octet-stream"
"""The type of files of any kind."""


def is_left_out(relative: Path) -> bool:
    """True for a file or folder, relative to the inbox, that holds no recording."""
    name = relative.name.lower()
    return (
        any(part.startswith(".") for part in relative.parts)
        or name.startswith("~$")
        or name.endswith(PARTIAL)
        or name in NOT_RECORDINGS
    )


def is_something_else(name: str) -> bool:
    """True for a name that says that a file is something else than audio or video: `readme.txt`, `cover.jpg`.

    One that says nothing, such as `call-17` or `talk.dat`, may be a recording.
    """
    kind = mimetypes.guess_type(name)[0]
    media = kind is None or kind == UNSAID or kind.startswith(("audio/", "video/"))
    suffix = PurePath(name).suffix.lower()
    return suffix in OUTPUTS or (not media and suffix not in SUFFIXES)


def is_expected(path: Path) -> bool:
    """True for captions, which lie beside recordings, and for an output file beside its recording: `talk.txt`, `talk.mp3`."""
    if path.suffix.lower() in CAPTIONS:
        return True
    stems = [path.name.removesuffix(ending) for ending in BESIDE if path.name.endswith(ending)]
    suffixes = ["", *SUFFIXES, *map(str.upper, SUFFIXES)]
    return any(path.with_name(stem + one).is_file() for stem in stems if stem for one in suffixes)


def has_writer(path: Path) -> bool:
    """True if a process certainly has it open for writing.

    Linux refuses a read lease on such a file (man 2 fcntl, F_SETLEASE). False if it cannot be determined:
    other systems, file systems without leases, files of other users.

    Raises:
        OSError: the file cannot be opened for reading.
    """
    handle = open_regular(path)
    try:
        return hasattr(fcntl, "F_SETLEASE") and _refuses_lease(handle)
    finally:
        os.close(handle)


def _refuses_lease(handle: int) -> bool:
    try:
        # If a writer opens the file in this instant, the system sends us a signal. The default signal would end
        # this process; SIGURG is ignored by default.
        fcntl.fcntl(handle, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(handle, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    except OSError as error:
        return error.errno == errno.EAGAIN
    with contextlib.suppress(OSError):
        fcntl.fcntl(handle, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    return False
