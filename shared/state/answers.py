"""The requests of other services, and the one answer to each.

A request has a document. The first process that knows the outcome stores the answer in it. The answer never
changes after that, whatever is redelivered, spent later or transcribed again. Two refusals
are not final, but reconsidered when the request is repeated: those of an operator's request, and those for
a document that could not be read.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from shared.errors import Damaged, DropscribeError
from shared.messages import (
    TRANSCRIPTS_READY,
    TranscribeRequest,
    TranscriptReady,
    encode,
    to_fields,
)
from shared.model import Options, StoredObject
from shared.state import documents
from shared.state.documents import Changed
from shared.telemetry import log

if TYPE_CHECKING:
    from shared.ports import Fields, Ports, Records

REQUESTS = "requests"
"""Collection of the requests."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """The document of a request."""

    request: TranscribeRequest
    """As its caller sent it."""
    created: float
    """When the request first came, seconds since 1970."""
    recording: str = ""
    """Key of its recording, empty if there is none."""
    uri: str = ""
    """What it names, if it was refused: it is forgotten with a recording of that object."""
    source: StoredObject | None = None
    """The object as it was when the request first came; None if there is no recording."""
    options: Options = field(default_factory=Options)
    """Those of the request, or of the object if the request has none."""
    label: str = ""
    """Label of the options, by which the open requests of a caller are counted."""
    continues: int | None = None
    """The `life` of the last end of its recording, when the request first came, that was without a transcript or was
    being tried again: no end up to that one is its answer. If the recording still stood there, only that end is tried
    again. None: there was no such end."""
    answer: TranscriptReady | None = None
    """The answer to its caller; never changed once it is set, except for a refusal, see `ask_again`."""
    answered: bool = False
    """True once the answer has been published."""
    forgotten: bool = False
    """True once its recording was deleted, and all that it said with it."""

    @property
    def refused(self) -> bool:
        """True if it was answered before anything was transcribed for it."""
        return self.answer is not None and not self.answer.recording

    @property
    def met_damage(self) -> bool:
        """True if it was refused because a document cannot be read, which may have been corrected since."""
        return self.answer is not None and self.refused and self.answer.code == Damaged.__name__


def key_of(request_id: str) -> str:
    """Key of a request's document: 26 characters that every record store accepts, whatever id the caller chose."""
    return base64.b32encode(hashlib.sha256(request_id.encode()).digest()).decode("ascii")[:26].lower()


def find(request_id: str, records: Records) -> Asked | None:
    """The document of a request, or None."""
    return documents.find(REQUESTS, key_of(request_id), Asked, records)


def fact(request_id: str) -> str:
    """What a webhook tells of when a request is answered."""
    return f"request\0{request_id}"


def create(asked: Asked, ports: Ports) -> bool:
    """Store a request; False if one with that id is stored already."""
    return ports.records.create(REQUESTS, key_of(asked.request.request_id), to_fields(asked))


def ask_again(asked: Asked, ports: Ports) -> Changed[Asked]:
    """Put a new look at a request in the place of its refusal.

    Only for requests of an operator, which have one id each time, and those that met damage: the answer of any other
    never changes.
    """

    def anew(stored: Asked) -> Asked | None:
        return asked if stored.refused else None

    key = key_of(asked.request.request_id)
    changed = documents.change_first(REQUESTS, key, Asked, anew, ports.records)
    return changed or Changed(record=asked, by_us=False)


def id_in(fields: Fields) -> str:
    """The id of a request, also of a damaged one; empty if the id is damaged, too."""
    request = fields.get("request")
    request_id = request.get("request_id") if isinstance(request, dict) else None
    return request_id if isinstance(request_id, str) else ""


def forget(key: str, records: Records) -> None:
    """Delete all that a request says, also a damaged one; if it comes again, it is known to be over."""
    bare_request = TranscribeRequest(uri="", request_id="")

    def bare(fields: Fields) -> Asked:
        created = fields.get("created")
        created = created if isinstance(created, float | int) else 0.0
        return Asked(request=bare_request, created=created, answered=True, forgotten=True)

    documents.overwrite(REQUESTS, key, bare, records)


def settle(request_id: str, ending: TranscriptReady, ports: Ports, *, again: bool = False) -> None:
    """Send a request's stored answer; if none is stored yet, `ending` becomes it.

    `again`: send the answer even if it was sent before, because the caller asks again.

    Raises:
        Transient: try again; the answer stays the same.
    """

    def keep_first(asked: Asked) -> Asked | None:
        if asked.answer is not None or asked.forgotten:
            return None
        one = asked.request
        answer = replace(ending, source=one.uri, request_id=one.request_id, metadata=one.metadata)
        return replace(asked, answer=answer)

    key = key_of(request_id)
    asked = documents.change(REQUESTS, key, Asked, keep_first, ports.records)
    assert asked is not None, "a request is stored before it is answered"
    if asked.forgotten:
        return
    answer = asked.answer
    assert answer is not None, "it was set just now"
    if asked.answered and not again:
        return
    attributes = {"recording": answer.recording, "state": answer.state, "request_id": request_id}
    # A subscription can filter by attributes, not by the message's data.
    attributes |= {f"metadata_{name}": value for name, value in answer.metadata.items()}
    ports.queue.publish(TRANSCRIPTS_READY, encode(answer), attributes)
    documents.change(
        REQUESTS, key, Asked, lambda one: None if one.answered else replace(one, answered=True), ports.records
    )
    why = "" if answer.state == "DONE" else f": {answer.state}, {answer.reason}"
    log.info("answered request %s%s", request_id, why)


def settle_all(ending: TranscriptReady, ports: Ports, *, life: int) -> None:
    """Answer every request that waits for an end of a recording.

    `life` is that of the recording when it ended so. A request that came after that asks for a later end, also if its
    delivery did not get so far yet.

    Raises:
        Transient: some may not be answered.
    """
    # One that cannot be read does not keep the end from other requests; the sweeper says each time that it waits.
    for _, asked in documents.every(REQUESTS, Asked, ports.records, {"recording": ending.recording}):
        if asked.continues is None or asked.continues < life:
            settle(asked.request.request_id, ending, ports)


def refuse(request: TranscribeRequest, error: DropscribeError, ports: Ports) -> None:
    """Answer a request that cannot be carried out with the reason.

    If another request has the same request_id, no answer is sent: its answer is for the sender of that one. If the
    recording of the request is in progress, its end is the answer.
    """
    create(Asked(request=request, created=ports.clock.now(), uri=request.uri), ports)
    asked = find(request.request_id, ports.records)
    assert asked is not None, "it was created a moment ago"
    if asked.forgotten:
        return
    if asked.request != request:
        return
    waits = asked.answer is None and asked.recording
    if waits and documents.get_recording(ports.records, asked.recording) is not None:
        return
    settle(request.request_id, failure(request, error), ports, again=True)


def failure(request: TranscribeRequest, error: DropscribeError) -> TranscriptReady:
    """The answer to a request that failed before anything was transcribed."""
    return TranscriptReady(
        recording="",
        source=request.uri,
        state="FAILED",
        outputs=(),
        reason=str(error),
        code=code_of(error),
        duration=None,
        method=None,
        usd=0.0,
        request_id=request.request_id,
        metadata=request.metadata,
    )


def code_of(error: DropscribeError) -> str:
    """Short code of a failure, for filters and counts."""
    return str(getattr(error, "code", "")) or type(error).__name__
