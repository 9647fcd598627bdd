"""Move what a page stored before `dropscribe up` had an inbox into that inbox, so that it is transcribed.

`dropscribe console` runs before the first `up`, too, and takes uploads into a folder of the state. `up --inbox` watches
another one, and would never look there.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from local.backend.files import staged
from local.backend.files.store import FileStore
from shared.machine.regular_files import open_regular
from shared.state import uploads
from shared.telemetry import log

if TYPE_CHECKING:
    from local.backend.embedded_ports import LocalPorts


def move_in(ports: LocalPorts) -> int:
    """Move uploads that have not ended from the folder of the state into the inbox; returns how many.

    Their time of change stays, and with it their options and their recordings. No file of the inbox is replaced.
    """
    bucket, folder = ports.settings.audio_bucket, ports.settings.state_dir / "buckets" / "audio"
    if not folder.is_dir() or folder.resolve() == ports.inbox.resolve() or ports.store.absence(bucket):
        return 0
    before, moved = FileStore({bucket: folder}, without_links={bucket}), 0
    with contextlib.closing(before):
        for source in list(before.list(bucket)):
            recording = uploads.recording_of(source, ports.records)
            if recording is not None and recording.ended:
                continue
            path, target = before.path_of(bucket, source.name), ports.store.path_of(bucket, source.name)
            try:
                target.parent.mkdir(parents=True, exist_ok=True)
                _move(path, target)
            except FileExistsError:
                log.warning(
                    "%s stays where it is: the inbox has another file of this name. Rename one.", path
                )
            except OSError as error:
                log.warning("%s cannot be moved into the inbox: %s", path, error.strerror)
            else:
                log.info("moved %s, which was uploaded before, into the inbox", source.name)
                moved += 1
    return moved


def _move(path: Path, target: Path) -> None:
    """Give a file another place, whole and with its time of change.

    Raises:
        FileExistsError: there is one.
    """
    try:
        os.link(path, target, follow_symlinks=False)
    except OSError as error:
        if error.errno not in {errno.EXDEV, errno.EPERM, errno.ENOTSUP}:
            raise
        with os.fdopen(open_regular(path, links=False), "rb") as whole, staged.open_in(target.parent) as file:
            shutil.copyfileobj(whole, file)
            file.flush()
            found = os.fstat(whole.fileno())
            os.fchmod(file.fileno(), stat.S_IMODE(found.st_mode))
            os.utime(file.fileno(), ns=(found.st_atime_ns, found.st_mtime_ns))
            staged.settle(file)
            if not staged.name_it(file, target.parent, Path(target.name)):
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target)) from None
    path.unlink()
