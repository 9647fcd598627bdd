"""Beside step 1: objects from before the deployment, or whose transcript has not been requested yet.

Each gets a request like those of other services (request.py). Its id follows from the object and the options, so a
backfill can be interrupted and repeated: nothing is transcribed twice.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.errors import Permanent
from shared.flow import probe, refusals
from shared.messages import (
    TRANSCRIBE_REQUESTS,
    TranscribeRequest,
    encode,
    options_from_metadata,
    request_to_json,
)
from shared.model import Options, StoredObject, recording_id
from shared.routing import route
from shared.routing.case import Case
from shared.state import documents, uploads

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.ports import Ports, Records


BEGINNING = f"{refusals.OPERATOR}backfill-"
"""Beginning of the ids of its requests; the key of the upload, and a digest of the options, follow."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Estimate:
    """What some objects are expected to be, from probes of a few of them."""

    probed: int
    """How many were probed."""
    refused: int
    """How many of these would be refused: no audio, beyond a limit, …"""
    seconds: float | None
    """Seconds of audio of all objects; None if no probe told a length."""
    usd: float | None
    """Cost of all objects, US dollars, without starts of workers; None if it cannot be told."""


def is_new(source: StoredObject, options: Options | None, records: Records) -> bool:
    """Whether an object has no recording yet, with these options (None: those that its metadata ask for).

    Raises:
        BadMedia: code `missing`, its recording is that of another version; the message says what to do.
    """
    if options is None:
        recording = uploads.recording_of(source, records)
    else:
        recording = documents.get_recording(records, recording_id(source, options))
    uploads.check_version(source, recording)
    return recording is None


def ask(source: StoredObject, options: Options | None, ports: Ports) -> str:
    """Ask the router for the transcript of an object; returns the id of the request.

    Raises:
        Transient: it may not have been sent; ask again.
    """
    digest = hashlib.sha256(encode(options)).hexdigest()[:8]
    request = TranscribeRequest(
        uri=source.uri,
        request_id=f"{BEGINNING}{uploads.key_of(source)}-{digest}",
        options=options,
    )
    ports.queue.publish(TRANSCRIBE_REQUESTS, request_to_json(request), {"request_id": request.request_id})
    return request.request_id


def is_of_another(request_id: str, source: StoredObject) -> bool:
    """Whether a request of `ask` is about an object of which `source` has taken the place."""
    found = re.fullmatch(rf"{BEGINNING}([a-z2-7]{{26}})-[0-9a-f]{{8}}", request_id)
    return found is not None and found[1] != uploads.key_of(source)


def estimate(sources: Sequence[StoredObject], options: Options | None, ports: Ports, probes: int) -> Estimate:
    """Length and cost of all objects, from probes of a few that are evenly spread over them.

    Options of None are those that the metadata of each ask for. At most `probes` are probed, each of which reads some
    kilobytes.
    """
    count = min(probes, len(sources))
    known, size = route.known(ports), 0
    seconds, usd, refused, priced = 0.0, 0.0, 0, True
    for source in [sources[number * len(sources) // count] for number in range(count)]:
        try:
            chosen = options or options_from_metadata(source.metadata)
            refusals.check_size(source, ports.settings)
            audio = probe.look_at(source, chosen, ports)
            refusals.check_seconds(audio.duration, ports.settings)
        except Permanent:
            refused += 1
            size += source.size
            continue
        if audio.duration is None:
            continue
        size += source.size
        seconds += audio.duration
        case = Case(key=uploads.key_of(source), size=source.size, audio=audio, options=chosen)
        try:
            usd += route.choose(case, known).decision.considered[0].usd or 0.0
        except Permanent:
            priced = False
    if not size:
        return Estimate(probed=count, refused=refused, seconds=None, usd=None)
    share = sum(one.size for one in sources) / size
    return Estimate(
        probed=count, refused=refused, seconds=seconds * share, usd=usd * share if priced else None
    )
