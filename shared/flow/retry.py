"""Beside step 1: continue a recording that ended without a transcript, at a person's request.

It is a request like those of other services (request.py): the router carries it out, with the settings and engines of
the deployment. Its id names the end that it is about, so asking twice for one end is one request.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.flow import redo
from shared.flow.refusals import OPERATOR
from shared.messages import TRANSCRIBE_REQUESTS, TranscribeRequest, request_to_json
from shared.model import FILES_BUCKET, Recording, StoredObject
from shared.routing.pace import as_recognised, lengths_of, usd_of
from shared.state import documents, uploads

if TYPE_CHECKING:
    from shared.ports import Ports
    from shared.routing.case import Known

BEGINNING = f"{OPERATOR}retry-"
"""Beginning of the ids of its requests; the recording and the `life` of its end follow."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Left:
    """What is left to do of a recording."""

    chunks: int
    """Chunks without a result."""
    of: int
    """All chunks; 0 if it was never planned."""
    seconds: float | None
    """Seconds of audio of the chunks without a result, overlap included; None if it was never planned."""
    usd: float | None
    """Expected cost of these, US dollars, without the start of a worker; None if it was never planned."""


@dataclass(frozen=True, kw_only=True, slots=True)
class End:
    """One end of a recording."""

    recording: str
    """Key of the recording."""
    life: int
    """Its `life` when it ended."""


def left(recording: Recording, known: Known, ports: Ports) -> Left:
    """What trying a recording again has to do, and what that is expected to cost."""
    if not recording.chunks:
        return Left(chunks=0, of=0, seconds=None, usd=None)
    done = documents.done_of(recording, ports.records).keys() - redo.without_result(recording, ports)
    chunks = [one for one in recording.chunks if one.index not in done]
    usd = usd_of(chunks, as_recognised(recording.options, recording.audio), known)
    return Left(chunks=len(chunks), of=len(recording.chunks), seconds=sum(lengths_of(chunks)), usd=usd)


def obstacle(recording: Recording, ports: Ports) -> str:
    """Why a recording cannot be tried again, for a person; empty if it can."""
    over = {"DONE": "it is already done", "DELETED": "it was deleted: upload its file again"}
    if recording.state in over:
        return over[recording.state]
    if not recording.ended:
        return "it is still in progress"
    if uploads.failed_for_metadata(recording):
        return f"its metadata ask for something that does not exist: correct them, then `dropscribe submit {recording.source.uri}`"
    live = ports.store.stat(recording.source.bucket, recording.source.name)
    if live is None:
        return "its file is gone"
    return _replaced(live, recording)


def _replaced(live: StoredObject, recording: Recording) -> str:
    if live.is_version(recording.source):
        return ""
    if live.generation == recording.source.generation:
        return (
            "its file has since been replaced by one with the same time of change: give that a new time, e.g. with "
            "`touch`, and it is a new version"
        )
    if live.bucket == FILES_BUCKET:
        return "its file has since been replaced: ask for the new one"
    return "its file has since been replaced, and the new one has a recording of its own"


def ask(recording: Recording, ports: Ports) -> str:
    """Ask the router to continue a recording that ended without a transcript; returns the id of the request.

    Raises:
        Transient: it may not have been sent; ask again.
    """
    request = TranscribeRequest(
        uri=recording.source.uri,
        request_id=f"{BEGINNING}{recording.id}-{recording.life}",
        options=recording.options,
    )
    ports.queue.publish(TRANSCRIBE_REQUESTS, request_to_json(request), {"request_id": request.request_id})
    return request.request_id


def end_of(request_id: str) -> End | None:
    """The end that a request of `ask` is about; None for any other request."""
    # A caller may choose any id: only what looks like a key is looked for.
    found = re.fullmatch(rf"{BEGINNING}([a-z2-7]{{26}})-([0-9]{{1,9}})", request_id)
    return End(recording=found[1], life=int(found[2])) if found else None
