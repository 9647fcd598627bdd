"""Delete everything about a recording, because a person or the retention policy asked for it.

What stays is a document without a name or a text, DELETED: whatever arrives late about the recording (its event, a
message, a result) finds it ended, and revives nothing. A process that was working on a part may still write after
that. So it is erased at once, again whenever something arrives late, and once more by the sweeper when no process can be
working on it any more. Only then does the document lose the name, by which the files are found.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from shared.errors import BadRequest, Damaged, Transient
from shared.flow import erase, record
from shared.in_words import no_recording
from shared.messages import from_fields
from shared.model import Options, Recording, StoredObject
from shared.state import documents

if TYPE_CHECKING:
    from shared.ports import Fields, Ports


def forget(key: str, ports: Ports, *, audio: bool = False, alone: bool = False) -> Recording:
    """Delete everything about a recording. Can be repeated; one in progress is cancelled first.

    Of one whose document cannot be read this is all that is found by its key. With `audio`, the audio goes as well,
    unless it was replaced since. `alone` says that no other process works on this deployment, so that nothing can come late.

    Returns:
        What stays of it.

    Raises:
        BadRequest: there is no such recording.
        Transient: not everything is deleted yet; call it again. The sweeper does so, too.
    """
    recording = _ended(key, ports)
    since, ended = ports.clock.now(), recording.finished or 0.0

    def to_deleted(stored: Recording) -> Recording | None:
        wanted = (
            erase.WITH_AUDIO if audio or (stored.state, stored.code) == ("DELETED", erase.WITH_AUDIO) else ""
        )
        if stored.state == "DELETED" and (stored.code == wanted or not stored.source.name):
            return None
        if not stored.ended:
            raise Transient(f"recording {key} was just continued. Run it again.")
        now = stored.finished if stored.state == "DELETED" else since
        return replace(
            stored, state="DELETED", code=wanted, reason=erase.REASON, finished=now, announced=False
        )

    deleted = documents.change_recording(ports, key, to_deleted)
    assert deleted is not None, "it was there a moment ago"
    erase.guard_upload(deleted, ports)
    return erase.erase(deleted, ports, last=alone or since - ended > erase.SETTLED)


def unreadable(key: str, error: Damaged, now: float, fields: Fields) -> Recording:
    """What is known of a recording whose document cannot be read: that it ends now, for that reason."""
    life = fields.get("life")
    try:
        source = from_fields(fields.get("source", {}), StoredObject)
    except BadRequest:
        source = erase.NOBODY
    return Recording(
        id=key,
        source=source,
        options=Options(),
        state="FAILED",
        created=now,
        finished=now,
        reason=str(error),
        code=Damaged.__name__,
        life=life if isinstance(life, int) else 0,
        announced=fields.get("announced") is True,
    )


def _ended(key: str, ports: Ports) -> Recording:
    try:
        recording = documents.get_recording(ports.records, key)
    except Damaged as error:
        failed = partial(unreadable, key, error, ports.clock.now())
        documents.overwrite(documents.RECORDINGS, key, failed, ports.records)
        recording = documents.get_recording(ports.records, key)
    if recording is None:
        raise BadRequest(no_recording(key))
    if not recording.ended:
        recording = record.cancel(key, ports)
        if not recording.ended:
            raise Transient(f"recording {key} could not be cancelled yet. Run it again.")
    # A caller who waits for an answer gets it before the request is gone.
    return record.announce(recording, ports)
