"""The embedded column of ports: folders and one SQLite file below one state directory."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from local import names
from local.database import Database
from local.queue import SqliteQueue
from local.records import SqliteRecords
from local.store import FileStore
from shared.audio import Limits
from shared.audio.pool import MediaPool
from shared.clock import SystemClock
from shared.errors import BadRequest
from shared.model import FILES_BUCKET
from shared.ports import GpuState, Ports

if TYPE_CHECKING:
    from shared.model import StoredObject
    from shared.settings import Settings


@dataclass(frozen=True, kw_only=True, slots=True)
class LocalPorts(Ports):
    """Ports that are known to be the embedded ones, for what only they can do."""

    store: FileStore
    """Folders."""
    records: SqliteRecords
    """Documents in the SQLite file."""
    queue: SqliteQueue
    """Messages in the same file."""
    media: MediaPool
    """FFmpeg in processes of its own."""

    def file(self, path: Path) -> StoredObject:
        """A file anywhere on this machine, as an object of the bucket `files`.

        Raises:
            BadRequest: there is no such file.
        """
        name = names.to_name(os.path.abspath(path).lstrip("/"))  # noqa: PTH100 - links stay as they are
        source = None if name is None else self.store.stat(FILES_BUCKET, name)
        if source is None:
            raise BadRequest(f"There is no file {path}. Check the spelling of the path.")
        return source

    def close(self) -> None:
        """End the decoding processes and close every file."""
        self.media.close()
        self.store.close()
        self.records.close()


class WorkerIsThere:
    """There is nothing to start: whoever opened these ports keeps a worker running beside them."""

    def state(self) -> GpuState:
        """Always ready."""
        return GpuState(status="ready", running=1)

    def start(self, tasks: int) -> GpuState:  # noqa: ARG002 - the port's signature
        """Nothing to do."""
        return self.state()


def open_ports(settings: Settings) -> LocalPorts:
    """Open the state directory, making it where it is missing.

    Raises:
        ConfigurationError: it cannot be used.
    """
    clock = SystemClock()
    database = Database(settings.state_dir / "dropscribe.sqlite")
    folders = {
        settings.audio_bucket: inbox_folder(settings),
        settings.transcripts_bucket: transcripts_folder(settings),
        settings.work_bucket: settings.state_dir / "buckets" / "work",
        FILES_BUCKET: Path("/"),
    }
    limits = Limits(memory_mb=settings.decode_memory_mb, timeout_s=settings.decode_timeout)
    return LocalPorts(
        store=FileStore(folders),
        records=SqliteRecords(database),
        queue=SqliteQueue(database, clock),
        media=MediaPool(limits),
        gpu_jobs=WorkerIsThere(),
        clock=clock,
        settings=settings,
        engines=settings.engine_set,
    )


def inbox_folder(settings: Settings) -> Path:
    """The folder that is the audio bucket."""
    return settings.inbox or settings.state_dir / "buckets" / "audio"


def transcripts_folder(settings: Settings) -> Path:
    """The folder that is the transcripts bucket."""
    return settings.transcripts or settings.state_dir / "buckets" / "transcripts"
