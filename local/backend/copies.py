"""What this machine keeps of a recording beside its buckets and records: copies for a person, and messages."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from local.backend import incoming
from local.backend.files import names
from local.backend.files.atomic_write import remove_unfinished
from local.backend.files.beneath import folder_below
from local.backend.files.disk_errors import unwritable
from local.backend.files.store import FileStore
from local.backend.sqlite.queue import SqliteQueue
from local.backend.sqlite.records import SqliteRecords
from shared.formats import file_names
from shared.machine.regular_files import read_regular
from shared.ports import Fields, Ports, Records

if TYPE_CHECKING:
    from shared.model import Recording, StoredObject

FOLDERS = "folders"
"""Collection that says whose outputs a folder holds."""

BESIDE = "beside"
"""Collection that says which files beside recordings were written here (`local/runtime/beside.py`)."""
MOST_BESIDE = 1 << 28
"""Bytes of such a file; a larger one was written by another program."""

COLLECTION, REWRITTEN, EMPTIED = "local", "rewritten", "emptied"
"""Keys of the documents that say that the database was written anew since deletions overwrite what they delete, and that
folders were removed which were empty before they are removed with what was in them."""

_UNFINISHED = re.compile(r"\.[0-9a-f]{16}\.part")
"""Names that files had until they were complete, in earlier versions."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Place(Ports):
    """Where to look: the ports of one machine."""

    store: FileStore
    """Folders."""
    records: SqliteRecords
    """Documents in the SQLite file."""
    queue: SqliteQueue
    """Messages in the same file."""
    inbox: Path
    """The folder that is the audio bucket."""
    out: Path
    """Where transcripts of the inbox are handed to a person."""


def as_text(path: Path) -> str:
    """An absolute path as it stands in documents: one that is not UTF-8 is escaped as names of objects are."""
    return "/" + (names.to_name(str(path).lstrip("/")) or "")


def claim(folder: Path, source: StoredObject, records: Records) -> bool:
    """Have a folder for the outputs of a file; False if it holds those of another one."""
    known = _whose(source)
    key = path_key(folder)
    return records.create(FOLDERS, key, known) or records.get(FOLDERS, key) == known


def path_key(path: Path) -> str:
    """Key of the document that says whose outputs a folder holds, or whose a file beside a recording is."""
    return hashlib.sha256(os.fsencode(path.absolute())).hexdigest()


def folder_of(source: StoredObject, place: Place) -> Path:
    """The folder of a file of the inbox, in that for transcripts: named after it.

    Where `transcribe` has a folder of that name for another file, a few characters follow.
    """
    plain = place.out / names.to_path(source.name)
    key = path_key(plain)
    longer = plain.with_name(f"{plain.name}-{key[:8]}")
    known = _whose(source)
    if place.records.get(FOLDERS, path_key(longer)) == known:
        return longer
    return plain if place.records.get(FOLDERS, key) in (None, known) else longer


def claim_folder_of(source: StoredObject, place: Place) -> Path:
    """The same, which nobody else gets from then on."""
    folder = folder_of(source, place)
    if not claim(folder, source, place.records):  # a `transcribe` has it since this moment
        folder = folder_of(source, place)
        claim(folder, source, place.records)
    return folder


def _whose(source: StoredObject) -> dict[str, str]:
    return {"bucket": source.bucket, "name": source.name}


def erase(recording: Recording, place: Place) -> None:
    """Delete the copies of a recording, its messages, and what the database still holds of what was deleted.

    Copies that `transcribe` wrote into other folders stay: it is not recorded where they are.

    Raises:
        Permanent: a copy may not be deleted.
    """
    source = recording.source
    incoming.tidy(place.settings.state_dir)
    _erase_folders(recording, place)
    if source.name:
        _erase_files(source, place)
        whose = _whose(source)
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


def _erase_folders(recording: Recording, place: Place) -> None:
    """Remove the folders of what was deleted, which are called after the recording.

    Those of a folder that a person watches or transcribes are the person's.
    """
    from shared.flow import erase as objects  # noqa: PLC0415 - renderers, which every other command can do without

    settings, source = place.settings, recording.source
    found = objects.prefixes(recording, settings)
    if place.records.get(COLLECTION, EMPTIED) is None:
        # Of what an older version deleted.
        found += [(settings.transcripts_bucket, ""), (settings.work_bucket, "")]
    audio = source.name and recording.code == objects.WITH_AUDIO
    if audio and settings.state_dir.absolute() in place.inbox.absolute().parents:
        found.append((settings.audio_bucket, source.name))
    for bucket, prefix in found:
        place.store.remove_empty(bucket, prefix)
    place.records.create(COLLECTION, EMPTIED, {})


def _erase_files(source: StoredObject, place: Place) -> None:
    """Delete the newest transcript of a file of the inbox, unless it is that of a newer file."""
    live = place.store.stat(source.bucket, source.name)
    if source.bucket != place.settings.audio_bucket or (live is not None and not live.is_version(source)):
        return
    inside = folder_of(source, place).relative_to(place.out)
    files = [one for name in file_names() for one in (name, f".{name}.part")]
    # As nothing is written through a link in there, nothing is deleted through one.
    with (
        contextlib.suppress(FileNotFoundError, NotADirectoryError),
        folder_below(place.out, inside) as folder,
    ):
        with os.scandir(folder) as entries:
            files += [
                one.name
                for one in entries
                if one.name.startswith(names.TEMPORARY) or _UNFINISHED.fullmatch(one.name)
            ]
        for name in files:
            try:
                os.unlink(name, dir_fd=folder)
            except FileNotFoundError:
                continue
            except OSError as error:
                raise unwritable(place.out / inside / name, error) from error
    with contextlib.suppress(OSError):  # a person keeps something else there
        for one in (inside, *inside.parents[:-1]):
            with folder_below(place.out, one.parent) as above:
                os.rmdir(one.name, dir_fd=above)


def _erase_beside(fields: Fields) -> None:
    """Delete a file that was written beside a recording, unless it is gone, or was changed.

    Raises:
        Permanent, Transient: it cannot be read or deleted.
    """
    path = Path("/" + names.to_path(str(fields.get("path") or "").lstrip("/")))
    try:
        with folder_below(path.parent, Path()) as folder:
            remove_unfinished(folder, path.name)
        if hashlib.sha256(read_regular(path, links=False, most=MOST_BESIDE)).hexdigest() == fields.get(
            "sha256"
        ):
            path.unlink()
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        if error.errno != errno.EFBIG and not _is_of_another(path):
            raise unwritable(path, error) from error


def _is_of_another(path: Path) -> bool:
    """Whether a file is certainly one of another account, which may keep it from being read."""
    with contextlib.suppress(OSError):
        return path.lstat().st_uid != os.geteuid()
    return False
