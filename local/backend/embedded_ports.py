"""The embedded column of ports: folders and one SQLite file below one state directory."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from local.backend import copies, incoming, remembered
from local.backend.files import names
from local.backend.files.store import FileStore
from local.backend.sqlite import process_ids
from local.backend.sqlite.database import Database
from local.backend.sqlite.queue import SqliteQueue
from local.backend.sqlite.records import SqliteRecords
from local.backend.sqlite.search import SqliteSearch
from shared.adapters.hosted_engines import open_hosted
from shared.audio import Limits
from shared.audio.pool import MediaPool
from shared.clock import SystemClock
from shared.errors import BadRequest, NotFound
from shared.messages import TRANSCRIPTS_READY
from shared.model import FILES_BUCKET, Recording, StoredObject
from shared.ports import TaskRun, WorkerState
from shared.results import LedgerRow
from shared.state import documents, ledger
from shared.topology import EXPORTER, Subscription, Topology, topology

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from shared.settings import Settings


DAY = 86_400.0
"""Seconds."""

UP_LOCK = "up.lock"
"""File in the state directory that `dropscribe up` keeps locked."""


def embedded_topology(*, webhooks: bool = False) -> Topology:
    """The topology of one machine."""
    exporter = Subscription(name=EXPORTER, topic=TRANSCRIPTS_READY, max_attempts=None, dead_letter_topic=None)
    every = topology(webhooks=webhooks)
    return replace(every, subscriptions=(*every.subscriptions, exporter))


@dataclass(frozen=True, kw_only=True, slots=True)
class LocalPorts(copies.Place):
    """Ports that are known to be the embedded ones, for what only they can do."""

    media: MediaPool
    """FFmpeg in processes of its own."""
    search: SqliteSearch
    """Another file of SQLite."""

    def file(self, path: Path) -> StoredObject:
        """A file anywhere on this machine, as an object of the bucket `files`.

        Raises:
            NotFound: there is no such file.
        """
        name = names.to_name(os.path.abspath(path).lstrip("/"))  # noqa: PTH100 - links stay as they are
        if name is None:
            raise BadRequest(f"{path} has a reserved name (it begins with %=, %+ or %!). Rename it.")
        source = self.store.stat(FILES_BUCKET, name)
        if source is None:
            if path.is_dir():
                raise BadRequest(f"{path} is a folder. Name a file in it.")
            raise NotFound(f"There is no file {path}. Check the spelling of the path.")
        return source

    def is_gone(self, process: str) -> bool:
        """Whether a process, by its id, has certainly ended."""
        return bool(process) and process_ids.is_gone(process)

    def nothing_runs(self) -> bool:
        """Whether no `dropscribe up` works on this state: that one holds a lock."""
        return process_ids.is_unlocked(self.settings.state_dir / UP_LOCK)

    def reclaim(self) -> None:
        """Let go of what processes held that are no longer running: leases, and calls under way."""
        self.queue.reclaim()
        now = self.clock.now()
        # Tomorrow as well: the clock may have been set back.
        for day in {ledger.day_of(now + after) for after in (-DAY, 0.0, DAY)}:
            where = {"outcome": "open", "day": day}
            for key, row in list(documents.every(documents.LEDGER, LedgerRow, self.records, where)):
                if row.until > now and self.is_gone(row.process):
                    ledger.give_up(key, self)

    def out_of_reach(self, recording: Recording) -> str:
        """That a `dropscribe transcribe` works on it, or why its inbox is not there, and what to do; empty if neither."""
        if self.queue.is_of_another(recording.id):
            return "`dropscribe transcribe` works on it."
        return self.store.away(recording.source)

    def together(self) -> AbstractContextManager[None]:
        """Let what this thread writes to the records be flushed together, see `Database.together`."""
        return self.records.together()

    def erase_copies(self, recording: Recording) -> None:
        """Delete the copies for a person, messages in the queue, and what the database still holds of both."""
        copies.erase(recording, self)

    def close(self) -> None:
        """End the decoding processes and close every file."""
        self.media.close()
        self.store.close()
        self.queue.close()
        self.search.close()


class WorkerIsThere:
    """Starts nothing: the process that opened these ports keeps a worker running."""

    def state(self) -> WorkerState:
        """Always ready, and never more than one."""
        return WorkerState(status="ready", running=1, most=1)

    def start(self, tasks: int) -> WorkerState:  # noqa: ARG002 - the port's signature
        """Nothing to do."""
        return self.state()

    def ended(self, since: float) -> list[TaskRun]:  # noqa: ARG002 - the port's signature
        """None: nothing here is billed by a cloud."""
        return []


def open_ports(settings: Settings, topology: Topology | None = None) -> LocalPorts:
    """Open the state directory, making it where it is missing.

    Which folders `dropscribe up` was given is remembered there, so that every command means the same files
    by the same names.

    Raises:
        ConfigurationError: it cannot be used.
    """
    clock = SystemClock()
    database = Database(settings.state_dir / "dropscribe.sqlite")
    records = SqliteRecords(database)
    incoming.tidy(settings.state_dir)
    inbox, out = remembered.folders(settings, records)
    buckets = {
        settings.audio_bucket: inbox,
        settings.transcripts_bucket: settings.state_dir / "buckets" / "transcripts",
        settings.work_bucket: settings.state_dir / "buckets" / "work",
        FILES_BUCKET: Path("/"),
    }
    store = FileStore(buckets, without_links=() if settings.follow_links else {settings.audio_bucket})
    if remembered.is_inbox(inbox, records):
        store.expect(settings.audio_bucket, remembered.mount(records))
    limits = Limits(memory_mb=settings.decode_memory_mb, timeout_s=settings.decode_timeout)
    return LocalPorts(
        store=store,
        records=records,
        queue=SqliteQueue(
            database, clock, topology or embedded_topology(webhooks=bool(settings.webhook_url))
        ),
        media=MediaPool(limits),
        gpu_jobs=WorkerIsThere(),
        clock=clock,
        settings=settings,
        engines=settings.engine_set,
        hosted=open_hosted(settings),
        search=SqliteSearch(settings.state_dir / "search.sqlite"),
        process=process_ids.own_id(),
        inbox=inbox,
        out=out,
    )
