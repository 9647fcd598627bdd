"""Every failed attempt leaves a note of what went wrong.

A redelivered message cannot carry why it failed before: Pub/Sub has no place for it. So each failed attempt
writes a note, and the last notes are read when the message becomes a dead letter. The same notes are the
statistics of what fails where. A note never causes another failure: if it cannot be written, that is logged.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from shared.engines import ENGINES
from shared.errors import (
    BadMedia,
    BadRequest,
    BucketRefused,
    DropscribeError,
    HandedOn,
    HandedOnUntried,
    OverLimit,
    StoreUnavailable,
    UnderWay,
)
from shared.messages import (
    object_named,
    options_from_metadata,
    readable_part,
    to_fields,
)
from shared.model import Options, Recording, StoredObject, recording_id
from shared.state import documents
from shared.telemetry import log, measure
from shared.topology import REQUESTS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from shared.ports import Fields, Ports, Records

FAILURES = "failures"
"""Collection of the notes."""

UNEXPECTED = "Exception"
"""Class of an exception that is not a DropscribeError: a bug."""

OF_STORES = frozenset({StoreUnavailable.__name__, BucketRefused.__name__})
"""Classes of errors for which no engine is to blame."""

ELSEWHERE = "elsewhere"
"""Stands for places that are not in `places()`."""

FUNCTIONS = ("router", "requests", "merger", "dead-letters", "exporter", "webhooks", "webhooks-budget")
"""Functions in which attempts fail, by the names of their subscriptions; all other attempts fail in an engine."""

LONGEST = 1000
"""Characters of a reason that are kept."""

MOST_READ = 500
"""Notes read for one dead letter: five times the deliveries that a message may have."""

TOLD = 2
"""Different reasons that are shown to a person."""


@dataclass(frozen=True, kw_only=True, slots=True)
class About:
    """What a message is about; empty if it does not say."""

    recording: str = ""
    """Key of the recording."""
    chunk: int | None = None
    """Index of the chunk; None for the recording as a whole."""
    request: str = ""
    """The caller's request_id."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Failure:
    """One failed attempt."""

    recording: str
    """Key of the recording, empty if it is not known."""
    chunk: int | None
    """Index of the chunk; None for the recording as a whole."""
    request: str
    """The caller's request_id, empty if there is none."""
    where: str
    """Which function or engine: one of `places()`."""
    message: str
    """Id of the message."""
    attempt: int
    """Which delivery of it, from 1; 0 if the sender does not say."""
    error: str
    """Class of the error."""
    code: str
    """Its short code, empty if it has none."""
    reason: str
    """Message of the error."""
    time: float
    """Seconds since 1970."""
    minute: int
    """Whole minutes since 1970, to count by."""
    release: str = ""
    """The release of the process that failed; empty if that is not named."""


def places() -> tuple[str, ...]:
    """Every place where attempts fail."""
    return (*FUNCTIONS, *ENGINES)


def about(attributes: Mapping[str, str], data: bytes = b"", where: str = "") -> About:
    """What a message is about, from its attributes, else from its data.

    Its data are needed for an upload's event and for a request. Attributes of a request are its caller's own: `where`
    is the subscription, if it is known.
    """
    if where != REQUESTS:
        if key := attributes.get("recording"):
            chunk = attributes.get("chunk", "")
            return About(recording=key, chunk=int(chunk) if chunk.isdecimal() and len(chunk) < 10 else None)
        with contextlib.suppress(ValueError, RecursionError, DropscribeError):
            return About(recording=_key_of(object_named(attributes, data)))
    request = readable_part(data)
    return About(request=request.request_id if request else attributes.get("request_id", ""))


def _key_of(source: StoredObject) -> str:
    """Key of the recording of an upload; one with invalid metadata fails under that without options."""
    try:
        options = options_from_metadata(source.metadata)
    except BadRequest:
        options = Options()
    return recording_id(source, options)


def note(
    error: BaseException,
    ports: Ports,
    *,
    where: str,
    message_id: str,
    attempt: int = 0,
    attributes: Mapping[str, str],
    data: bytes = b"",
) -> None:
    """Note a failed attempt. Never raises the errors of the records: the failure itself matters more.

    There is one note for each delivery of a message: noting it again changes nothing. `where` is one of `places()`;
    `attempt` says which delivery of the message it was, from 1, 0 if the sender does not say. The `data` are read if
    the attributes do not say what it is about.
    """
    if isinstance(error, UnderWay):
        return
    if not isinstance(error, HandedOn):
        refused = isinstance(error, BadMedia | BadRequest | OverLimit)
        measure("steps_total", where=where, outcome="refused" if refused else "failed")
    found, now = about(attributes, data, where), ports.clock.now()
    failure = Failure(
        recording=found.recording,
        chunk=found.chunk,
        request=found.request,
        where=where,
        message=message_id,
        attempt=attempt,
        error=type(error).__name__ if isinstance(error, DropscribeError) else UNEXPECTED,
        code=str(getattr(error, "code", "") or "") if isinstance(error, DropscribeError) else "",
        reason=(str(error) if isinstance(error, DropscribeError) else repr(error))[:LONGEST],
        time=now,
        minute=int(now // 60),
        release=ports.settings.release,
    )
    name = f"{message_id}.{attempt:03d}" if attempt else f"{message_id}.at-{now:.3f}"
    try:
        ports.records.create(FAILURES, name, to_fields(failure))
    except DropscribeError as another:
        log.warning("cannot write the note that %s failed on message %s: %s", where, message_id, another)


def last_reasons(found: About, records: Records) -> str:
    """The last reasons for which something failed, in words; empty if nothing was noted."""
    if found.recording:
        where: dict[str, str | int | None] = {"recording": found.recording, "chunk": found.chunk}
    elif found.request:
        where = {"request": found.request}
    else:
        return ""
    different = list(dict.fromkeys(one.reason for one in _newest_first(records, where)))[:TOLD]
    return " (Before that: ".join(different) + ")" * (len(different) - 1)


def of_engine(recording: str, chunk: int, since: float, records: Records) -> list[Failure]:
    """The failures at a chunk for which an engine may be to blame: without those of stores, records and queue.

    `since` is when the engine got the chunk, seconds since 1970.
    """
    notes = _newest_first(records, {"recording": recording, "chunk": chunk})
    return [one for one in notes if one.time >= since and one.error not in OF_STORES]


def of_recording(recording: Recording, records: Records) -> list[Failure]:
    """The failures at a recording as a whole, not at one of its chunks, since it was made."""
    notes = _newest_first(records, {"recording": recording.id, "chunk": None})
    return [one for one in notes if one.time >= recording.created]


def last_trouble(recording: str, records: Records) -> str:
    """The reason of the last failed attempt at any part of a recording; empty if nothing was noted."""
    return next((one.reason for one in _newest_first(records, {"recording": recording})), "")


def _newest_first(records: Records, where: Fields) -> list[Failure]:
    """The notes except those of hand-overs."""
    found = documents.readable(FAILURES, islice(records.query(FAILURES, where), MOST_READ), Failure)
    notes = [one for _, one in found if one.code not in {HandedOn.code, HandedOnUntried.code}]
    return sorted(notes, key=lambda one: one.time, reverse=True)


def by_class(records: Records) -> dict[str, dict[str, int]]:
    """How many attempts failed, by place and by class of error, as far back as notes are kept.

    The record store counts: ten to fifty count queries, and no note is read.
    """
    left = records.count(FAILURES)
    found: dict[str, dict[str, int]] = {}
    for kind in (*_classes(DropscribeError), UNEXPECTED):
        if left <= 0:
            break
        of_kind = records.count(FAILURES, {"error": kind})
        left -= of_kind
        for place in places():
            if of_kind and (count := records.count(FAILURES, {"error": kind, "where": place})):
                found.setdefault(place, {})[kind] = count
                of_kind -= count
        if of_kind > 0:
            found.setdefault(ELSEWHERE, {})[kind] = of_kind
    return found


def _classes(root: type[DropscribeError]) -> Iterator[str]:
    yield root.__name__
    for one in root.__subclasses__():
        yield from _classes(one)
