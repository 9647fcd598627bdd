"""Delete what is stored of a recording that is DELETED; `forget.py` says when.

It is erased at once, again whenever something arrives late, and once more by the sweeper when no process can be working on
it any more. Only then does its document lose the name, by which the files are found.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from shared.costs import rows
from shared.errors import ConfigurationError, Damaged, Permanent
from shared.flow.transcript_files import long_names, output_folder
from shared.messages import to_fields
from shared.model import Options, Recording, StoredObject
from shared.results import LedgerRow
from shared.state import answers, claims, dead_letters, documents, failure_log, ledger, sweep_notes, uploads
from shared.state.answers import Asked
from shared.state.pagination import MARK
from shared.telemetry import log

if TYPE_CHECKING:
    from shared.ports import Fields, Ports, Records
    from shared.settings import Settings
    from shared.state.dead_letters import Letter

REASON = "It was deleted. To have the file transcribed again, upload it again; on one machine `touch` it."
"""The reason of a recording of which nothing is left."""

SETTLED = 3600.0
"""Seconds after which no process has a part of an ended recording in hand any more: a task of the job lasts that long."""

WITH_AUDIO = "with-audio"
"""Code of a recording whose audio goes as well."""

NOBODY = StoredObject(bucket="", name="", generation=0, size=0)
"""In the place of the upload."""


def again(recording: Recording, ports: Ports) -> None:
    """Erase what was written about a recording that is deleted."""
    log.info("%s is deleted; what came late about it goes as well", recording.id)
    try:
        # Audio is never written late.
        erase(replace(recording, code=""), ports, last=False)
    except (Permanent, ConfigurationError) as error:
        # The message is done: the sweeper says so again if it cannot delete it either.
        log.error("what came late about %s cannot be deleted: %s", recording.id, error)


def settle(recording: Recording, ports: Ports) -> bool:
    """Erase a deleted recording for the last time, if no process can have anything in hand any more; True if so."""
    if ports.clock.now() - (recording.finished or 0.0) <= SETTLED:
        return False
    guard_upload(recording, ports)
    erase(recording, ports, last=True)
    return True


def once_more(key: str, ports: Ports) -> None:
    """Have the sweeper erase a deleted recording again: it was asked for since. Does nothing for others."""

    def open_again(stored: Recording) -> Recording | None:
        return replace(stored, announced=False) if stored.state == "DELETED" and stored.announced else None

    if key:
        documents.change_recording(ports, key, open_again)


def guard_upload(recording: Recording, ports: Ports) -> None:
    """Let the upload's event, if it is redelivered, lead to a deleted recording, although its options are gone."""
    source = recording.source
    if not source.name:
        return
    key, records = uploads.key_of(source), ports.records
    try:
        own = uploads.recording_of(source, records)
    except Damaged as error:
        log.warning("it is replaced, because its recording is deleted: %s", error)
        own = None
    if own is not None and own.id != recording.id:
        return  # it is that of another recording, or this was done already
    # One recording was deleted, not two: lists and counts leave the mark out.
    bare = _bare(replace(recording, id=key, code=MARK))
    records.create(documents.RECORDINGS, key, to_fields(replace(bare, announced=True)))
    empty = uploads.Upload(options=Options())
    if not records.create(uploads.UPLOADS, key, to_fields(empty)):
        documents.overwrite(uploads.UPLOADS, key, lambda _: empty, records)


def erase(recording: Recording, ports: Ports, *, last: bool) -> Recording:
    """Delete all there is; with `last`, the name in its document as well."""
    _erase_objects(recording, ports)
    if ports.search is not None:
        ports.search.remove(recording.id)
    _erase_records(recording, ports, last=last)
    ports.erase_copies(recording)
    if not last:
        return recording
    bare = _bare(recording)
    documents.overwrite(documents.RECORDINGS, recording.id, lambda _: bare, ports.records)
    # What the document held until now is in the log of a database.
    ports.erase_copies(bare)
    return bare


def _bare(recording: Recording) -> Recording:
    """What stays: neither name nor text."""
    return Recording(
        id=recording.id,
        source=NOBODY,
        options=Options(),
        state="DELETED",
        created=recording.finished or 0.0,
        finished=recording.finished,
        code=MARK if recording.code == MARK else "",
        reason=REASON,
        life=recording.life,
        announced=True,
    )


def prefixes(recording: Recording, settings: Settings) -> list[tuple[str, str]]:
    """The buckets and the beginnings of the names of all objects that were made of a recording."""
    kinds = ("chunks", "transcripts", "peaks", "renditions")
    found = [(settings.work_bucket, f"{kind}/{recording.id}/") for kind in kinds]
    if recording.source.name:
        # The folders of all lives begin like that of the first one.
        folders = {output_folder(replace(recording, life=0)), long_names(recording)}
        found += [(settings.transcripts_bucket, folder) for folder in sorted(folders)]
    return found


def _erase_objects(recording: Recording, ports: Ports) -> None:
    source = recording.source
    for bucket, prefix in prefixes(recording, ports.settings):
        for one in list(ports.store.list(bucket, prefix)):
            ports.store.delete(bucket, one.name, one.generation)
    if source.name and recording.code == WITH_AUDIO:
        live = ports.store.stat(source.bucket, source.name)
        if live is None or not live.is_version(source):
            return
        ports.store.delete(source.bucket, source.name, source.generation)


def _erase_records(recording: Recording, ports: Ports, *, last: bool) -> None:
    records, key = ports.records, recording.id
    # Which rows were wasted is not known without the documents of recording and chunks.
    _bare_rows(recording, ports)
    found = records.query(answers.REQUESTS, {"recording": key})
    asked = {one: answers.id_in(fields) for one, fields in found}
    for one, name in _refused(recording, ports).items():
        asked[one] = name
        records.delete(documents.WEBHOOKS, documents.webhook_id(answers.fact(name)))
    names = set(asked.values()) - {""}  # a letter that is about no request has none
    for letter in list(dead_letters.every(records)):
        if letter.about.request in names or _is_about(letter, recording, records):
            dead_letters.discard(letter.key, records)
    _delete_all_of(failure_log.FAILURES, {"recording": key}, records)
    for name in sorted(names):
        forget_failures(name, ports)
    if last:
        # Until then notes that come late are found by the name of the request.
        for one in sorted(asked):
            answers.forget(one, records)
    for collection in (claims.CLAIMS, documents.WEBHOOKS, documents.REVISIONS, documents.CHUNKS):
        _delete_all_of(collection, {"recording": key}, records)
    records.delete(sweep_notes.SWEEPS, key)


def _bare_rows(recording: Recording, ports: Ports) -> None:
    """What was paid stays, and whether it was wasted; label and folder are words of the owner."""
    for row, fate in zip(*rows.of_recording(recording, ports), strict=True):
        wasted = fate == "wasted"
        if row.label or row.prefix or row.wasted != wasted:
            bare = partial(replace, label="", prefix="", wasted=wasted)
            documents.change(documents.LEDGER, ledger.key_of(row), LedgerRow, bare, ports.records)


def _refused(recording: Recording, ports: Ports) -> dict[str, str]:
    """Keys and ids of the requests that named its object and were refused, so that they have no recording."""
    if not recording.source.name:
        return {}
    found = {}
    for key, fields in list(ports.records.query(answers.REQUESTS, {"uri": recording.source.uri})):
        try:
            asked = documents.read(answers.REQUESTS, key, fields, Asked)
        except Damaged as error:
            log.warning("it is forgotten without an answer: %s", error)
            found[key] = answers.id_in(fields)
            continue
        if asked.answer is not None:  # else a delivery of it is on its way to one
            if not asked.answered:
                answers.settle(asked.request.request_id, asked.answer, ports)
            found[key] = asked.request.request_id
    return found


def _is_about(letter: Letter, recording: Recording, records: Records) -> bool:
    """Whether a dead letter is about a recording, or about its object and about no other recording."""
    key, source, named = letter.about.recording, recording.source, letter.names
    if key == recording.id:
        return True
    if not source.name:
        return False
    if isinstance(named, str):
        return bool(letter.error) and named == source.uri
    if (named.bucket, named.name, named.generation) != (source.bucket, source.name, source.generation):
        return False
    other = documents.glance(records, key) if key else None
    return other is None or other.state == "DELETED"


def forget_failures(request_id: str, ports: Ports) -> None:
    """Delete the notes of failures that name a request for a deleted recording.

    Raises:
        Transient: some may be left.
    """
    _delete_all_of(failure_log.FAILURES, {"request": request_id}, ports.records)


def _delete_all_of(collection: str, where: Fields, records: Records) -> None:
    for key, _ in list(records.query(collection, where)):
        records.delete(collection, key)
