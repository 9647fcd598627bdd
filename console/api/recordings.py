"""Lists of recordings, and one recording."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

import msgspec

from console.api import audio, revisions
from console.api.answers import bad_request
from console.api.rows import find, row
from console.api.types import Attempt, Detail, Download, MethodEstimate, RecordingPage
from shared.costs import rows
from shared.costs.summary import WASTE
from shared.formats import FILES
from shared.in_words import encodable
from shared.messages import to_fields
from shared.model import Recording, State
from shared.state import pagination

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from starlette.requests import Request

    from shared.ports import Ports

PAGE, MOST = 50, 200
"""Recordings of a page, if nothing is said, and at most."""
WORKING = "working"
"""Stands for all states of recordings that have not ended."""


def listed(request: Request, ports: Ports) -> RecordingPage:
    """`GET /recordings`: a page, the newest first. Deleted ones are in it if their state is asked for."""
    query = request.query_params
    limit, asked = number(query.get("limit"), PAGE, MOST), wanted(query)
    page = pagination.page(ports.records, asked, limit, query.get("cursor") or None)
    found = [one for one in page.recordings if one.source.name and (one.state != "DELETED" or asked.state)]
    return RecordingPage(recordings=[row(one, ports) for one in found], next=page.cursor)


def wanted(query: object) -> pagination.Filter:
    """The filter that a query asks for.

    Raises:
        ApiError: there is no such state.
    """
    get = query.get  # type: ignore[attr-defined]  # Starlette's QueryParams, or a mapping
    state = get("state") or None
    known = (*get_args(State), WORKING)
    if state is not None and state not in known:
        raise bad_request(f"There is no state {state[:40]!r}. Choose from {', '.join(known)}.")
    return pagination.Filter(
        state=None if state == WORKING else state,
        in_progress=state == WORKING,
        label=get("label") or None,
        trouble=True if get("trouble") == "1" else None,
        is_held=True if get("held") == "1" else None,
        name=(get("text") or "").strip(),
    )


def number(given: str | None, usual: int, most: int) -> int:
    """A number of a query, within bounds.

    Raises:
        ApiError: it is not a number.
    """
    if not given:
        return usual
    if not given.isdecimal() or len(given) > 9:
        raise bad_request(f"{given[:40]!r} is not a number. Give one from 1 to {most}.")
    return max(1, min(most, int(given)))


def detail(request: Request, ports: Ports) -> Detail:
    """`GET /recordings/ID`."""
    one = find(request, ports)
    shown = msgspec.structs.asdict(row(one, ports))
    return Detail(
        **shown | {"warnings": [encodable(each) for each in one.warnings]},
        options=to_fields(one.options),
        why=encodable(one.decision.reason) if one.decision else "",
        considered=considered(one.decision.considered) if one.decision else [],
        attempts=list(_attempts(one, ports)),
        downloads=list(_downloads(one)),
        revisions=revisions.of(one, ports) if one.state == "DONE" else [],
        audio=audio.sound(one),
        peaks_url=f"/api/v1/recordings/{one.id}/peaks",
    )


def considered(found: Sequence[object]) -> list[MethodEstimate]:
    """The methods that the router weighed."""
    return [MethodEstimate(**to_fields(each)) for each in found]


def _attempts(one: Recording, ports: Ports) -> Iterator[Attempt]:
    for each, fate in zip(*rows.of_recording(one, ports), strict=True):
        number = one.position(each.chunk)
        yield Attempt(
            chunk=number if number >= 0 else None,
            engine=each.engine,
            started=each.time - each.busy_seconds,
            seconds=each.busy_seconds,
            usd=each.usd,
            outcome=each.outcome,
            wasted=fate in WASTE and each.usd > 0,
        )


def _downloads(one: Recording) -> Iterator[Download]:
    """Every format: those not requested before are written when they are loaded."""
    for file in FILES if one.state == "DONE" else ():
        yield Download(format=file.name, url=f"/api/v1/recordings/{one.id}/outputs/{file.name}", bytes=None)
