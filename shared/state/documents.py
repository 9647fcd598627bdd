"""The collections of the flow, and how documents are read and changed.

Processes of two versions share the documents while a deployment is under way. So every change goes through `change`:
it writes what this version knows over what is stored, and leaves all else as it is (`shared/versions.py`).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from shared import versions
from shared.errors import BadRequest, Damaged, NewerVersion
from shared.messages import from_fields, to_fields
from shared.model import FILES_BUCKET, Recording, StoredObject
from shared.telemetry import context, log

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from contextlib import AbstractContextManager

    from shared.ports import Fields, Ports, Records
    from shared.settings import Settings

Record = TypeVar("Record")


@dataclass(frozen=True, kw_only=True, slots=True)
class Changed(Generic[Record]):
    """What is stored after a change for which several processes may come."""

    record: Record
    """The record, whichever process wrote it."""
    by_us: bool
    """Whether this call changed it: of several processes only one goes on."""


RECORDINGS = "recordings"
CHUNKS = "chunks"
LEDGER = "ledger"
REVISIONS = "revisions"
WEBHOOKS = "webhooks"


def called(source: StoredObject, settings: Settings) -> str:
    """A recording as its owner knows it: on one machine the name in the inbox or the path, else its URI."""
    if source.bucket == FILES_BUCKET:
        return source.shown_name
    here = settings.platform == "local" and source.bucket == settings.audio_bucket
    return source.name if here else source.uri


def change(
    collection: str,
    key: str,
    kind: type[Record],
    how: Callable[[Record], Record | None],
    records: Records,
    *,
    first: Record | None = None,
) -> Record | None:
    """Change a document in one transaction. Fields that this version does not know stay as they are.

    `how` returns None to leave it as it is; it may be called more than once, and has no side effects. `first` is the
    record to change if there is no document yet, or a damaged one; None: then nothing is written.

    Returns:
        The record afterwards, whichever process wrote it; `first` if there still is no document.

    Raises:
        Damaged: the document cannot be read.
        NewerVersion: this version cannot read it.
    """
    made = None if first is None else how(first)
    if made is not None and records.create(collection, key, to_fields(made)):
        return made

    def on_fields(stored: dict[str, Any]) -> Fields | None:
        try:
            before = read(collection, key, stored, kind)
        except Damaged as error:
            if first is None:
                raise
            log.warning("it is replaced: %s", error)
            return None if made is None else to_fields(made)
        after = how(before)
        return None if after is None else versions.over(stored, to_fields(before), to_fields(after))

    fields = records.update(collection, key, on_fields)
    return first if fields is None else read(collection, key, fields, kind)


def change_first(
    collection: str, key: str, kind: type[Record], how: Callable[[Record], Record | None], records: Records
) -> Changed[Record] | None:
    """Change a document as `change` does, and say whether this call did; None if there is none."""
    ours = False

    def noting(before: Record) -> Record | None:
        nonlocal ours
        after = how(before)
        ours = after is not None
        return after

    record = change(collection, key, kind, noting, records)
    return None if record is None else Changed(record=record, by_us=ours)


def put(collection: str, key: str, record: Record, ports: Ports) -> None:
    """Write a record, whether there was a document or not."""
    change(collection, key, type(record), lambda _: record, ports.records, first=record)


def about(recording: Recording, chunk: int | None = None) -> AbstractContextManager[None]:
    """Say that the body works on a recording, as a part of its trace."""
    return context.about(recording.id, chunk, traceparent_of(recording))


def traceparent_of(recording: Recording) -> str:
    """Its trace, also of a recording from before it was stored."""
    return recording.traceparent or context.of_recording(recording.id)


def overwrite(collection: str, key: str, make: Callable[[Fields], Record], records: Records) -> None:
    """Replace all of a document, if there is one, also what a newer version wrote: for what must be forgotten."""
    records.update(collection, key, lambda stored: to_fields(make(stored)))


def webhook_id(fact: str) -> str:
    """Key of the document of a webhook, by which a receiver knows an event that it has seen.

    Args:
        fact: the same for every message about it; different for any two facts.
    """
    return f"msg_{hashlib.sha256(fact.encode()).hexdigest()[:32]}"


def chunk_key(recording: str, index: int) -> str:
    """Key of a chunk's document, and stem of its result object."""
    return f"{recording}.{index:05d}"


def say_whose(recording: str, index: int, records: Records) -> None:
    """Write into the damaged document of a chunk whose it is."""
    whose = {"recording": recording, "index": index}
    records.update(CHUNKS, chunk_key(recording, index), lambda stored: stored | whose)


def done_of(recording: Recording, records: Records) -> dict[int, Fields]:
    """The documents of the chunks of a recording's plan that have results, by their indexes."""
    # By their keys, which say it also where a field is damaged.
    keys = {chunk_key(recording.id, one.index): one.index for one in recording.chunks}
    found = records.query(CHUNKS, {"recording": recording.id})
    return {keys[key]: fields for key, fields in found if key in keys}


def count_done(recording: Recording, records: Records) -> int:
    """How many chunks of a recording's plan have results."""
    if recording.taken_over:
        return len(done_of(recording, records))
    return records.count(CHUNKS, {"recording": recording.id})


def get_recording(records: Records, key: str) -> Recording | None:
    """One recording, or None; raises as `find`."""
    return find(RECORDINGS, key, Recording, records)


def glance(records: Records, key: str) -> Recording | None:
    """One recording, or None if there is none that this version can read: for those who can do without it."""
    fields = records.get(RECORDINGS, key)
    found = [] if fields is None else [(key, fields)]
    return next((one for _, one in readable(RECORDINGS, found, Recording)), None)


def recordings(records: Records, where: Fields | None = None, *, after: str = "") -> Iterator[Recording]:
    """All recordings whose fields equal `where`, in order of their keys, from `after` on, as `every` gives them."""
    return (one for _, one in every(RECORDINGS, Recording, records, where, after=after))


def read(collection: str, key: str, fields: Fields, kind: type[Record]) -> Record:
    """The record in a document.

    Raises:
        Damaged: it cannot be read.
        NewerVersion: this version cannot read it.
    """
    try:
        return from_fields(fields, kind)
    except BadRequest as error:
        raise Damaged(f"{collection}/{key}", error) from error


def find(collection: str, key: str, kind: type[Record], records: Records) -> Record | None:
    """One document that its reader cannot do without, or None if there is none.

    Raises:
        Damaged: it cannot be read, so what it is about ends with that reason.
        NewerVersion: this version cannot read it.
    """
    fields = records.get(collection, key)
    return None if fields is None else read(collection, key, fields, kind)


def mark(
    collection: str, key: str, kind: type[Record], records: Records, *, damaged: Record | None = None
) -> Record | None:
    """One document that its next writer makes anew, or None if there is none.

    Args:
        collection: of the document.
        key: of the document.
        kind: the record that it holds.
        records: where it is.
        damaged: what one counts as that cannot be read, which is logged; None: as if there were none.

    Raises:
        NewerVersion: this version cannot read it.
    """
    try:
        return find(collection, key, kind, records)
    except Damaged as error:
        log.warning("it counts as new: %s", error)
        return damaged


def every(
    collection: str, kind: type[Record], records: Records, where: Fields | None = None, *, after: str = ""
) -> Iterator[tuple[str, Record]]:
    """Keys and records of the documents that `Records.query` gives; those that cannot be read are logged and left out."""
    return readable(collection, records.query(collection, where, after=after), kind)


def readable(
    collection: str, found: Iterable[tuple[str, Fields]], kind: type[Record]
) -> Iterator[tuple[str, Record]]:
    """Keys and records of some documents of a collection; those that cannot be read are logged and left out."""
    for key, fields in found:
        try:
            yield key, read(collection, key, fields, kind)
        except Damaged as error:
            log.warning("it is left out: %s", error)
        except NewerVersion as error:
            log.warning("%s/%s is left out: %s", collection, key, error)


def change_recording(
    ports: Ports, key: str, how: Callable[[Recording], Recording | None]
) -> Recording | None:
    """Change a recording, see `change`; None if there is none."""
    return change(RECORDINGS, key, Recording, how, ports.records)


def change_recording_first(
    ports: Ports, key: str, how: Callable[[Recording], Recording | None]
) -> Changed[Recording]:
    """Change a recording that exists, and say whether this call did, see `change_first`."""
    changed = change_first(RECORDINGS, key, Recording, how, ports.records)
    assert changed is not None, "it was there a moment ago"
    return changed
