"""Beside step 1: the options of an upload, fixed once.

An object's metadata can be edited, and its event may be redelivered with others. The first process that takes the upload
creates a document of its options, which every later one uses: so one upload has one recording. Only a request with
options of its own makes another recording of the same object.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from shared.errors import BadMedia, BadRequest
from shared.messages import options_from_metadata, to_fields
from shared.model import Options, Recording, StoredObject, recording_id
from shared.state import documents

if TYPE_CHECKING:
    from shared.ports import Records

UPLOADS = "uploads"
"""Collection of the options, by the key that a recording with default options has."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Upload:
    """What one generation of an object asks for."""

    options: Options
    problem: str = ""
    """Why its metadata are no valid options, so that it fails; empty if they are."""
    received: str = ""
    """The server's own id of the upload that it was received with; empty if it came another way."""


def key_of(source: StoredObject) -> str:
    """Key of an upload: 26 characters from bucket, name and generation."""
    return recording_id(source, Options())


def fix(source: StoredObject, records: Records, *, received: str = "") -> Upload:
    """What an upload asks for: its metadata if this is the first call for it, else what the first one found.

    `received` is noted by the first one. If there is a recording with the options of these metadata, it is that one: it
    was made by an older version, or a caller asked for these options.
    """
    asks = replace(_given(source), received=received)
    key = recording_id(source, asks.options)
    if not asks.problem and documents.get_recording(records, key) is not None:
        return asks
    if records.create(UPLOADS, key_of(source), to_fields(asks)):
        return asks
    return _stored(source, records) or asks


def received_as(source: StoredObject, records: Records) -> str:
    """The server's own id of the upload that an object was received with; empty if it came another way."""
    stored = _stored(source, records)
    return "" if stored is None else stored.received


def taken(source: StoredObject, records: Records) -> Upload | None:
    """What an upload asks for, if some process has taken it; else None."""
    asks = _stored(source, records)
    return asks or (_given(source) if recording_of(source, records) is not None else None)


def adopt(recording: Recording, records: Records) -> bool:
    """Fix the options of the upload that an older version has recorded; False if a caller asked for other ones."""
    asks = _given(recording.source)
    if asks.options != recording.options:
        return False
    records.create(UPLOADS, key_of(recording.source), to_fields(asks))
    return True


def recording_of(source: StoredObject, records: Records) -> Recording | None:
    """The recording of an upload, or None if there is none yet."""
    asks = _stored(source, records) or _given(source)
    return documents.get_recording(records, recording_id(source, asks.options))


def unlike(source: StoredObject, recording: Recording) -> str:
    """Why a recording is of another version than this one, although their generations are the same; empty if it is of this one.

    The message says what to do.
    """
    known = recording.source
    if recording.state == "DELETED" or source.is_version(known) or source.generation != known.generation:
        return ""
    return (
        f"{source.shown_name} has {source.size} bytes, and the time of change of another version with {known.size}, for which "
        "it would be taken. Give it a new time, e.g. with `touch`: then it is a new version."
    )


def check_version(source: StoredObject, recording: Recording | None) -> None:
    """Check that what is known as the recording of an object is not that of another version.

    Raises:
        BadMedia: code `missing`, it is; the message says what to do.
    """
    if recording is not None and (why := unlike(source, recording)):
        raise BadMedia("missing", why)


def failed_for_metadata(recording: Recording) -> bool:
    """Whether a recording failed because the metadata of its upload were no valid options."""
    return bool(recording.reason) and recording.reason == _given(recording.source).problem


def _stored(source: StoredObject, records: Records) -> Upload | None:
    return documents.find(UPLOADS, key_of(source), Upload, records)


def _given(source: StoredObject) -> Upload:
    try:
        return Upload(options=options_from_metadata(source.metadata))
    except BadRequest as error:
        return Upload(options=Options(), problem=str(error))
