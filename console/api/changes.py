"""Cancel, retry, delete: as the commands `cancel`, `retry` and `forget` do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.api.answers import ApiError, bad_request, not_found
from console.api.rows import find, row
from console.api.types import Deleted, RecordingItem, Retries, RetriesBody
from shared.errors import StoreUnavailable
from shared.flow import forget, record, retry
from shared.in_words import broken_off
from shared.routing import route
from shared.state import audit, documents

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from starlette.requests import Request

    from shared.model import Recording
    from shared.ports import Ports

MOST = 1000
"""Recordings that are tried again at one time."""


def who(request: Request) -> str:
    """Who asks, for the audit log: the account that a proxy vouches for; empty: that of this process."""
    return str(getattr(request.state, "who", "") or "")


def cancel(request: Request, ports: Ports) -> RecordingItem:
    """`POST /recordings/ID/cancel`."""
    one = find(request, ports)
    if not one.ended:
        audit.note("cancel", (one.id,), ports, who=who(request))
    ended = record.cancel(one.id, ports)
    if ended.state != "CANCELLED" and ended.withdrawn != "CANCELLED":
        raise ApiError(409, "ended", f"It had ended already: it is {ended.state}. Load it again.")
    return row(ended, ports)


def retry_one(request: Request, ports: Ports) -> RecordingItem:
    """`POST /recordings/ID/retry`."""
    one = find(request, ports)
    if why_not := retry.obstacle(one, ports):
        raise ApiError(409, "cannot_retry", f"It cannot be tried again: {why_not}.")
    audit.note("retry", (one.id,), ports, who=who(request))
    retry.ask(one, ports)
    return row(one, ports)


def delete(request: Request, ports: Ports) -> Deleted:
    """`DELETE /recordings/ID`: all that is stored of it, with `?audio=1` the audio as well."""
    one = find(request, ports)
    audit.note("forget", (one.id,), ports, who=who(request))
    left = forget.forget(one.id, ports, audio=request.query_params.get("audio") == "1")
    return Deleted(id=left.id, state=left.state, complete=left.announced)


def retries(body: RetriesBody, request: Request, ports: Ports) -> Retries:
    """`POST /retries`: first what it means, then, without `dry_run`, do it."""
    able: list[Recording] = []
    left_out: dict[str, str] = {}
    for one in _wanted(body, ports):
        if why := retry.obstacle(one, ports):
            left_out[one.id] = why
        else:
            able.append(one)
        if len(able) == MOST:
            break
    known = route.known(ports)
    left = [retry.left(one, known, ports) for one in able]
    if able and not body.dry_run:
        audit.note("retry", [one.id for one in able], ports, who=who(request))
        for done, one in enumerate(able):
            try:
                retry.ask(one, ports)
            except StoreUnavailable as error:
                said = broken_off(str(error), done, len(able), "recording", "continued")
                raise StoreUnavailable(said) from error
    return Retries(
        count=len(able),
        expected_usd=round(sum(one.usd or 0.0 for one in left), 6),
        unknown=sum(one.usd is None for one in left),
        ids=[one.id for one in able],
        left_out=left_out,
    )


def _wanted(body: RetriesBody, ports: Ports) -> Iterable[Recording]:
    if body.ids is None and not body.trouble:
        raise bad_request("Name recordings in `ids`, or ask for all that failed with `trouble`.")
    if body.ids is None:
        return _failed(ports)
    if len(body.ids) > MOST:
        raise bad_request(f"At most {MOST} recordings are tried again at one time. Name fewer.")
    found = []
    for key in dict.fromkeys(body.ids):
        stored = documents.get_recording(ports.records, key) if key.isalnum() else None
        if stored is None:
            raise not_found(key)
        found.append(stored)
    return found


def _failed(ports: Ports) -> Iterator[Recording]:
    """All that failed. What failed again comes after what was not tried again yet."""
    failed = documents.recordings(ports.records, {"state": "FAILED"})
    for _, key in sorted((one.finished or 0.0, one.id) for one in failed):
        one = documents.glance(ports.records, key)
        if one is not None and one.state == "FAILED":
            yield one
