"""What this machine keeps of a recording beside its buckets and records: copies for a person, and messages."""

from __future__ import annotations

import contextlib
import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from local.backend import names
from local.backend.beneath import folder_below
from local.backend.disk_errors import unwritable
from local.backend.queue import SqliteQueue
from local.backend.records import SqliteRecords
from local.backend.store import FileStore
from shared.adapters.regular_files import read_regular

if TYPE_CHECKING:
    from shared.model import Recording, StoredObject
    from shared.ports import Fields

FOLDERS = "folders"
"""Collection that says whose outputs a folder holds."""

BESIDE = "beside"
"""Collection that says which files beside recordings were written here (`local/runtime/beside.py`)."""

COLLECTION, REWRITTEN = "local", "rewritten"
"""Key of the document that says that the database was written anew since deletions overwrite what they delete."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where to look."""

    store: FileStore
    """Folders."""
    records: SqliteRecords
    """Documents in the SQLite file."""
    queue: SqliteQueue
    """Messages in the same file."""
    audio_bucket: str
    """The bucket that is the inbox."""
    out: Path
    """Where transcripts of the inbox are handed to a person."""


def erase(recording: Recording, place: Place) -> None:
    """Delete the copies of a recording, its messages, and what the database still holds of what was deleted.

    Copies that `transcribe` wrote into other folders stay: nobody noted where they are.

    Raises:
        Permanent: a copy may not be deleted.
        Transient: try again.
    """
    source = recording.source
    if source.name:
        _erase_files(source, place)
        whose = {"bucket": source.bucket, "name": source.name}
        for key, _ in list(place.records.query(FOLDERS, whose)):
            place.records.delete(FOLDERS, key)
        for key, fields in list(place.records.query(BESIDE, whose)):
            # What another transcript of the same file wrote stays with that one.
            if fields.get("recording") in {recording.id, "", None}:
                _erase_beside(fields)
                place.records.delete(BESIDE, key)
    place.queue.purge("recording", recording.id)
    place.records.scrub(rewrite=place.records.get(COLLECTION, REWRITTEN) is None)
    place.records.create(COLLECTION, REWRITTEN, {})


def _erase_files(source: StoredObject, place: Place) -> None:
    """Delete the newest transcript of a file of the inbox, unless it is that of a newer file."""
    from shared import outputs  # noqa: PLC0415 - renderers, which every other command can do without

    live = place.store.stat(source.bucket, source.name)
    if source.bucket != place.audio_bucket or (live is not None and live.generation != source.generation):
        return
    inside = Path(names.to_path(source.name))
    files = [one for name in outputs.file_names() for one in (name, f".{name}.part")]
    # As nothing is written through a link in there, nothing is deleted through one.
    with (
        contextlib.suppress(FileNotFoundError, NotADirectoryError),
        folder_below(place.out, inside) as folder,
    ):
        for name in files:
            try:
                os.unlink(name, dir_fd=folder)
            except FileNotFoundError:
                continue
            except OSError as error:
                raise unwritable(place.out / inside / name, error) from error
    with contextlib.suppress(OSError), folder_below(place.out, inside.parent) as above:
        os.rmdir(inside.name, dir_fd=above)  # unless a person keeps something else there


def _erase_beside(fields: Fields) -> None:
    """Delete a file that was written beside a recording, unless it is gone, or somebody changed it."""
    path = Path(str(fields.get("path") or ""))
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        if hashlib.sha256(read_regular(path, links=False)).hexdigest() != fields.get("sha256"):
            return
        try:
            path.unlink()
        except OSError as error:
            raise unwritable(path, error) from error
