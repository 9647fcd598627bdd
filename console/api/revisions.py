"""Corrections: each is a numbered revision; the engine's transcript never changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from console.api import words
from console.api.answers import ApiError, bad_request
from console.api.changes import who
from console.api.rows import find
from console.api.types import RevisionBody, RevisionNumber, RevisionRow
from shared.flow.reading import revision
from shared.flow.reading.corrections import Edit
from shared.flow.reading.revision import Correction, StaleRevision
from shared.outputs.printable import tidy

if TYPE_CHECKING:
    from starlette.requests import Request

    from shared.model import Recording
    from shared.ports import Ports
    from shared.results import Transcript


def listed(request: Request, ports: Ports) -> list[RevisionRow]:
    """`GET /recordings/ID/revisions`, the oldest first."""
    return of(find(request, ports), ports)


def of(one: Recording, ports: Ports) -> list[RevisionRow]:
    """The corrections of a recording, the oldest first."""
    return [
        RevisionRow(number=each.number, author=each.author, created=each.created, note=each.note)
        for each in revision.every(one.id, ports)
    ]


def create(body: RevisionBody, request: Request, ports: Ports) -> RevisionNumber:
    """`POST /recordings/ID/revisions`; 409 with both texts if another editor was faster."""
    one = find(request, ports)
    correction = Correction(
        based_on=body.based_on,
        edits=tuple(Edit(first=each.first, stop=each.to, text=each.text) for each in body.edits),
        speakers=_speakers(body, one, ports),
        author=who(request),
        note=body.note,
    )
    try:
        made = revision.create(one.id, correction, ports)
    except StaleRevision as error:
        theirs = next(
            (each for each in revision.every(one.id, ports) if each.number == error.theirs.revision), None
        )
        more = {
            "theirs": {
                "number": error.theirs.revision,
                "author": theirs.author if theirs else "",
                "created": theirs.created if theirs else 0.0,
                "note": theirs.note if theirs else "",
                **_shown(error.theirs),
            },
            "yours": _shown(error.yours),
        }
        raise ApiError(409, "stale", str(error), more) from error
    return RevisionNumber(number=made.number)


def _speakers(body: RevisionBody, one: Recording, ports: Ports) -> dict[int, str]:
    """Names by the numbers of speakers; the API counts those of `speakers` in its words."""
    if not body.speakers:
        return {}
    before = revision.transcript(one, body.based_on, ports)
    heard = sorted({each.speaker for each in before.words if each.speaker is not None} | set(before.speakers))
    found = {}
    for place, name in body.speakers.items():
        if not place.isdecimal() or len(place) > 6 or int(place) >= len(heard):
            raise bad_request(f"There is no speaker {place[:20]!r}: there are {len(heard)}, from 0.")
        found[heard[int(place)]] = name
    return found


def _shown(one: Transcript) -> dict[str, object]:
    shown = words.shown(tidy(one.words), one.speakers, number=one.revision)
    return {"words": msgspec.to_builtins(shown)}
