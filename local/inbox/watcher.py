"""Watch the inbox folder, and publish an `audio-finalized` message for every complete file in it.

A file counts as complete when nothing has changed in it for a quiet period and, where Linux can tell, no
process has it open for writing. Changes come from the operating system (folder_watch.py); a scan at the start
finds what came while nothing was running, and a rescan what the system failed to report.
"""

from __future__ import annotations

import os
import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from local.inbox.folder_watch import FolderWatch
from local.inbox.ignore import has_writer, is_expected, is_left_out, is_something_else
from local.runtime.events import notification_attributes, object_resource
from shared.errors import DropscribeError
from shared.messages import AUDIO_FINALIZED
from shared.telemetry import log

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from local.backend.files.store import FileStore
    from shared.model import StoredObject
    from shared.ports import Queue

_TICK_SECONDS = 0.2
_STILL_OPEN_SECONDS = 60.0
_RETRY_SECONDS, _LONGEST_RETRY = 2.0, 60.0
"""Until a file that failed is looked at again; each time twice as long, up to the second."""
_FOLDER_SECONDS = 1.0
"""Between two looks whether the folder is there."""


@dataclass(kw_only=True, slots=True)
class _Candidate:
    """A file that may be complete soon."""

    signature: tuple[int, int, int] | None
    """Time of change, size and inode when last looked at."""
    since: float
    """When it was last seen to change, monotonic seconds."""
    look_at: float
    """When to look again, monotonic seconds."""
    noticed: bool = False
    """Whether something happened to it since the last look began."""
    failures: int = 0
    """Looks in a row that failed."""


class Inbox:
    """Publishes the files of a bucket's folder as they become complete.

    Args:
        store: gives the objects.
        queue: where the messages go.
        bucket: whose folder is watched; while it is not there, `store` says why.
        known: True for objects that need no message because they already have a recording. It is asked again of those
            that were published if something happened to them, e.g. they were gone for a while.
        metadata: what every upload carries: its options.
        reused: gives an object the transcript of an earlier one with its content; True if it did, so that no
            message is needed.
        quiet_seconds: how long a file must not change. An empty one waits five times as long, because
            many programs create first and write later.
        rescan_seconds: time between scans of the whole folder, for changes the system did not report.
    """

    def __init__(
        self,
        store: FileStore,
        queue: Queue,
        bucket: str,
        known: Callable[[StoredObject], bool],
        *,
        metadata: Mapping[str, str] | None = None,
        reused: Callable[[StoredObject], bool] = lambda _: False,
        quiet_seconds: float = 1.0,
        rescan_seconds: float = 300.0,
    ) -> None:
        self._store = store
        self._queue = queue
        self._bucket = bucket
        self._folder = store.folder_of(bucket)
        self._known = known
        self._metadata = dict(metadata or {})
        self._reused = reused
        self._quiet_seconds = quiet_seconds
        self._rescan_seconds = rescan_seconds
        self._candidates: dict[Path, _Candidate] = {}
        self._published: dict[str, int] = {}
        self._ask_again: dict[str, float] = {}
        self._warned: set[Path] = set()
        self._changed = threading.Condition()
        self._stopping = False
        self._watch = FolderWatch(
            self._folder,
            lambda: store.absence(bucket),
            noticed=self.notice,
            happened=self.happened,
        )
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Watch first, then scan, so that no file falls between the two."""
        self._renew_watch()
        self._thread = threading.Thread(target=self._run, name="inbox", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop watching; files that are not published yet are found by the next start."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join()
        self._watch.end()

    def notice(self, path: Path) -> None:
        """Something happened to a file, or to a folder and perhaps to everything in it."""
        with self._changed:
            if not self._folder.is_dir():
                self._watch.forget()  # if it is back before the next look, it is scanned all the same
            for file in self._files(path):
                now = time.monotonic()
                fresh = _Candidate(signature=None, since=now, look_at=now)
                # One that is being looked at already keeps its history.
                one = self._candidates.setdefault(file, fresh)
                one.noticed = True
                one.look_at = min(one.look_at, now + _RETRY_SECONDS)
            self._changed.notify_all()

    def happened(self, path: Path) -> None:
        """Something happened to a file or a folder, also that it went: what was published of it is looked at again."""
        name = self._store.name_of(self._bucket, path)
        if name is None:
            return
        with self._changed:
            below = [name] if name in self._published else []
            if not below and not path.is_file():
                below = [one for one in self._published if one.startswith(f"{name}/")]
            self._look_again(below)

    def _look_again(self, published: Iterable[str]) -> None:
        # What fails because its file is gone may do so a little after that is back.
        until = time.monotonic() + 2 * self._rescan_seconds
        self._ask_again.update(dict.fromkeys(published, until))

    def _renew_watch(self) -> bool:
        """Watch the folder if it is not watched; True if that began just now."""
        if not self._watch.renew():
            return False
        with self._changed:
            self._look_again(self._published)
        return True

    def _run(self) -> None:
        while True:
            try:
                self._watch_until_stopped()
            except Exception as error:  # noqa: BLE001 - without this thread no file would ever be seen again
                known = isinstance(error, (OSError, DropscribeError))
                log.warning("%s cannot be watched now: %s", self._folder, error, exc_info=not known)
                with self._changed:
                    self._changed.wait_for(lambda: self._stopping, _RETRY_SECONDS)
            else:
                return

    def _watch_until_stopped(self) -> None:
        rescan_at = look_at = 0.0
        while True:
            now = time.monotonic()
            if now >= look_at:
                rescan_at = 0.0 if self._renew_watch() else rescan_at
                look_at = now + _FOLDER_SECONDS
            if now >= rescan_at:
                self.notice(self._folder)
                rescan_at = now + self._rescan_seconds
            with self._changed:
                if self._stopping:
                    return
                due = [path for path, one in self._candidates.items() if one.look_at <= now]
                if not due:
                    next_look = min((one.look_at for one in self._candidates.values()), default=rescan_at)
                    self._changed.wait(max(0.0, min(next_look, rescan_at, look_at) - now))
                    continue
            for path in due:
                with self._changed:
                    one = self._candidates[path]
                    one.noticed = False
                try:
                    self._settle(path, one)
                except Exception as error:  # noqa: BLE001 - the files after it must not wait for it
                    self._put_off(path, one, error)

    def _put_off(self, path: Path, one: _Candidate, error: Exception) -> None:
        ours = isinstance(error, DropscribeError)
        self._warn_once(path, f"is not picked up yet: {error if ours else repr(error)}", trace=not ours)
        with self._changed:
            # One to which something happened meanwhile may be right now.
            one.failures = 0 if one.noticed else one.failures + 1
            pause = min(_LONGEST_RETRY, _RETRY_SECONDS * 2.0 ** min(max(one.failures - 1, 0), 10))
            one.look_at = time.monotonic() + pause

    def _settle(self, path: Path, one: _Candidate) -> None:
        """Look at one candidate: publish it, forget it, or look again later."""
        now = time.monotonic()
        try:
            if self._store.leads_away(self._bucket, path):
                self._warn_once(path, "is a link, and skipped. `dropscribe up --follow-links` follows links.")
                self._forget(path, one)
                return
            found = path.stat()
        except OSError as error:
            if not isinstance(error, (FileNotFoundError, NotADirectoryError)):
                self._warn_once(path, f"is skipped: {error.strerror}. It is picked up once it can be read.")
            self._forget(path, one)
            return
        signature = (found.st_mtime_ns, found.st_size, found.st_ino)
        quiet = self._quiet_seconds * (1 if found.st_size else 5)
        if signature != one.signature:
            one.signature, one.since, one.look_at = signature, now, now + min(quiet, _TICK_SECONDS)
            one.failures = 0
        elif now - one.since < quiet:
            one.look_at = now + _TICK_SECONDS
        else:
            self._publish(path, one, now)

    def _publish(self, path: Path, one: _Candidate, now: float) -> None:
        try:
            if has_writer(path):
                if now - one.since > _STILL_OPEN_SECONDS:
                    self._warn_once(path, "has to wait: a program still has it open for writing.")
                one.look_at = now + min(_RETRY_SECONDS, max(_TICK_SECONDS, (now - one.since) / 10))
                return
            name = self._store.name_of(self._bucket, path)
            source = None if name is None else self._store.stat(self._bucket, name)
            if source is not None and self._is_new(source, now):
                self._take(path, source)
                self._published[source.name] = source.generation
        except OSError as error:
            self._warn_once(path, f"is skipped: {error.strerror}. It is picked up once it can be read.")
        self._forget(path, one)

    def _take(self, path: Path, source: StoredObject) -> None:
        if not source.is_upload:
            self._warn_once(path, "is skipped: such names are those of folders, or of parts of an upload.")
        elif is_something_else(path.name):
            if not is_expected(path):
                self._warn_once(
                    path,
                    "is skipped: its name is not that of audio or video. `dropscribe submit` takes it anyway.",
                )
        elif not self._known(source):
            source = replace(source, metadata={**self._metadata, **source.metadata})
            if not self._reused(source):
                attributes = notification_attributes(source)
                self._queue.publish(AUDIO_FINALIZED, object_resource(source), attributes)

    def _is_new(self, source: StoredObject, now: float) -> bool:
        """Whether it is not published yet, or something happened to it since."""
        if self._published.get(source.name) != source.generation:
            return True
        if self._ask_again.get(source.name, now) > now:
            return True
        self._ask_again.pop(source.name, None)
        return False

    def _forget(self, path: Path, one: _Candidate) -> None:
        """Drop a candidate, unless something happened to it in the meantime: then look again."""
        with self._changed:
            if one.noticed:
                one.look_at = time.monotonic()
            else:
                del self._candidates[path]

    def _warn_once(self, path: Path, why: str, *, trace: bool = False) -> None:
        """Log a warning, once for each file; `trace`: with that of the exception."""
        if path not in self._warned:
            self._warned.add(path)
            log.warning("%s %s", path, why, exc_info=trace)

    def _files(self, path: Path) -> Iterator[Path]:
        if is_left_out(path.relative_to(self._folder)):
            return
        try:
            # A linked folder could lead in a circle, and its changes are not reported.
            if not path.is_dir() or (path.is_symlink() and path != self._folder):
                if path.is_file():
                    yield path
                return
        except OSError:
            yield path
            return
        for folder, folders, files in os.walk(path):
            folders[:] = [one for one in folders if not one.startswith(".")]
            for file in files:
                inside = Path(folder, file)
                if not is_left_out(inside.relative_to(self._folder)):
                    yield inside
