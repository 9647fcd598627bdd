"""What transcripts cost: the numbers of `dropscribe cost`."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, get_args

from starlette.responses import Response

from console.api.answers import bad_request
from console.api.words import download
from shared.costs import report
from shared.costs.report import Question
from shared.costs.summary import By

if TYPE_CHECKING:
    from starlette.requests import Request

    from shared.ports import Ports


def costs(request: Request, ports: Ports) -> dict[str, Any]:
    """`GET /costs`: the object of `dropscribe cost --json`."""
    return report.as_json(report.make(_question(request, "json"), ports), ports)


def as_csv(request: Request, ports: Ports) -> Response:
    """`GET /costs.csv`: the table of `dropscribe cost --csv`."""
    text = report.as_csv(report.make(_question(request, "csv"), ports))
    return Response(text, headers=download("costs.csv"), media_type="text/csv; charset=utf-8")


def _question(request: Request, form: Any) -> Question:
    query = request.query_params
    given = query.get("by") or None
    by: By | None = next((one for one in get_args(By) if one == given), None)
    if by != given:
        known = ", ".join(get_args(By))
        raise bad_request(f"Costs cannot be grouped by {given!r:.40}. Choose from {known}.")
    return Question(since=_day(query.get("since")), until=_day(query.get("until")), by=by, form=form)


def _day(given: str | None) -> dt.date | None:
    if not given:
        return None
    try:
        return dt.date.fromisoformat(given)
    except ValueError as error:
        raise bad_request(f"{given[:40]!r} is not a date. Write it as 2026-11-29.") from error
