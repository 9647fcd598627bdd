"""Reports changes in a folder that may go away and come back, as that of a drive does."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer
from watchdog.observers.polling import PollingObserver

from shared.errors import DropscribeError
from shared.telemetry import log

if TYPE_CHECKING:
    from collections.abc import Callable

    from watchdog.observers.api import BaseObserver


class FolderWatch(FileSystemEventHandler):
    """The watch of one folder by the operating system.

    Args:
        folder: what is watched, with everything below it.
        absence: says why the folder is not there; empty if it is.
        noticed: called with each file, and each new folder, in which there may be something new.
        happened: called with each path to which something happened, also if it is gone.
    """

    def __init__(
        self,
        folder: Path,
        absence: Callable[[], str],
        *,
        noticed: Callable[[Path], None],
        happened: Callable[[Path], None],
    ) -> None:
        self._folder = folder
        self._absence = absence
        self._noticed = noticed
        self._happened = happened
        self._identity: tuple[int, int] | None = None
        self._away = False
        self._observer: BaseObserver | None = None

    def renew(self) -> bool:
        """Watch the folder unless it is watched: it may have been away, or be another one; True if that began just now."""
        why = self._absence()
        if why:
            if not self._away:
                log.warning("%s What is in it waits, and continues automatically.", why)
            self._away, self._identity = True, None
            self.end()
            return False
        found = self._folder.stat()
        identity = (found.st_dev, found.st_ino)
        alive = self._observer is not None and all(one.is_alive() for one in self._observer.emitters)
        if alive and identity == self._identity:
            return False
        self.end()
        self._observer = self._begin()
        self._identity = identity
        if self._away:
            log.info("the inbox %s is back; what waited continues", self._folder)
            self._away = False
        return True

    def forget(self) -> None:
        """Have the next `renew` begin anew, whichever folder it finds."""
        self._identity = None

    def end(self) -> None:
        """Stop watching."""
        if self._observer is not None:
            self._observer.stop()
            self._observer.join()
            self._observer = None

    def on_any_event(self, event: FileSystemEvent) -> None:
        """Report every event but those of reading and of folders' own changes."""
        try:
            self._report(event)
        except Exception:  # noqa: BLE001 - the thread of the system's events would end
            log.exception("%s is scanned again, because an event in it was not understood", self._folder)
            self.forget()

    def _report(self, event: FileSystemEvent) -> None:
        if event.event_type in {"opened", "closed_no_write"}:
            return
        for path in (event.src_path, event.dest_path):
            if path:
                self._happened(Path(os.fsdecode(path)))
        if event.event_type == "deleted":
            return
        if event.is_directory and event.event_type not in {"created", "moved"}:
            return
        path = event.dest_path if event.event_type == "moved" else event.src_path
        if path:
            self._noticed(Path(os.fsdecode(path)))

    def _begin(self) -> BaseObserver:
        for kind in (Observer, PollingObserver):
            observer: BaseObserver = kind()
            observer.schedule(self, str(self._folder), recursive=True)
            try:
                observer.start()
            except OSError as error:
                log.warning(
                    "The system cannot watch %s (%s), so it is scanned every second instead. On Linux, raise "
                    "fs.inotify.max_user_watches or max_user_instances with sysctl.",
                    self._folder,
                    error.strerror or error,
                )
            else:
                return observer
        raise DropscribeError(
            f"{self._folder} cannot be watched. Check that it is a folder that you may read."
        )
