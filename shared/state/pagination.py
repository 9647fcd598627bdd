"""Pages of recordings, the newest first, for those who show them."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from typing import Any, Final, get_args

from shared.errors import BadRequest
from shared.model import Recording, State
from shared.ports import NamedRecords, Records
from shared.state import documents

IN_PROGRESS: Final[tuple[State, ...]] = ("ACCEPTED", "PLANNED")
"""States of recordings that have not ended."""
MARK = "mark"
"""Code of a DELETED document that only stands in the way of an upload's event, see `shared/flow/erase.py`."""
TOGETHER, LOOKED_AT = 500, 20_000
"""Recordings that are read at one time where a name is looked for, and at most for one page."""
Stored = tuple[str, dict[str, Any]]
"""Key and fields of a document."""
_CURSOR = re.compile(r"([0-9.e+]{1,24})~([a-z0-9]{1,64})")


@dataclass(frozen=True, kw_only=True, slots=True)
class Filter:
    """Which recordings are shown; by default all."""

    state: State | None = None
    """Their state."""
    in_progress: bool = False
    """Only those that have not ended, whatever their state."""
    label: str | None = None
    """Their label; empty: those without one."""
    trouble: bool | None = None
    """Whether they failed, or something happened to them on their way that their owner should know."""
    is_held: bool | None = None
    """Whether they wait for a budget."""
    name: str = ""
    """A part of their name, in letters of any case."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """Some recordings."""

    recordings: tuple[Recording, ...]
    """The newest first; those that this version cannot read are left out."""
    cursor: str | None
    """What gives the next page; None if this is the last one. In a project, a page by name may have fewer recordings than
    were asked for and still not be the last: it looks at so many recordings only."""


def states(records: Records) -> dict[State, int]:
    """Number of recordings in each state, in the order of a recording's life; states without any are left out."""
    found = {state: records.count(documents.RECORDINGS, {"state": state}) for state in get_args(State)}
    if found["DELETED"]:
        found["DELETED"] -= records.count(documents.RECORDINGS, {"state": "DELETED", "code": MARK})
    return {state: count for state, count in found.items() if count}


def is_mark(recording: Recording) -> bool:
    """Whether a document stands beside a recording that was deleted, and is no recording."""
    return (recording.state, recording.code) == ("DELETED", MARK)


def page(records: Records, wanted: Filter, limit: int, cursor: str | None = None) -> Page:
    """Up to `limit` recordings, by the time when they were first seen.

    What comes meanwhile belongs to no later page, so that each recording is in one page at most. `cursor` is of the
    page before; None: the first page.

    Raises:
        BadRequest: the cursor is not valid.
    """
    found: list[Recording] = []
    # Where names cannot be asked for, they are looked at.
    name, looked = "" if isinstance(records, NamedRecords) else wanted.name.casefold(), 0
    while True:
        before = None if cursor is None else _read(cursor)
        several = max(limit, TOGETHER) if name else limit
        some = _newest_of(records, wanted, several, before)
        left = len(some)
        for stored in some:
            cursor = f"{stored[1]['created']!r}~{stored[0]}"
            left -= 1
            for _, one in documents.readable(documents.RECORDINGS, [stored], Recording):
                if not name or any(
                    name in each.casefold() for each in (one.source.name, one.options.title or "")
                ):
                    found.append(one)
            if len(found) == limit:
                break
        looked += len(some)
        if len(some) < several and not left:
            cursor = None
        if cursor is None or len(found) == limit or looked >= LOOKED_AT:
            return Page(recordings=tuple(found), cursor=cursor)


def _newest_of(
    records: Records, wanted: Filter, limit: int, before: tuple[float, str] | None
) -> list[Stored]:
    filters = [replace(wanted, state=one) for one in IN_PROGRESS] if wanted.in_progress else [wanted]
    found = [found for one in filters for found in _newest(records, one, limit, before)]
    if wanted.in_progress:
        found = sorted(found, key=lambda one: (one[1]["created"], one[0]), reverse=True)[:limit]
    return found


def _newest(records: Records, wanted: Filter, limit: int, before: tuple[float, str] | None) -> list[Stored]:
    every = {
        "state": wanted.state,
        "label": wanted.label,
        "trouble": wanted.trouble,
        "is_held": wanted.is_held,
    }
    where = {name: value for name, value in every.items() if value is not None}
    if wanted.name and isinstance(records, NamedRecords):
        return records.newest_named(wanted.name, limit, where, before=before)
    return records.newest(documents.RECORDINGS, "created", limit, where, before=before)


def _read(cursor: str) -> tuple[float, str]:
    match = _CURSOR.fullmatch(cursor)
    try:
        created = float(match[1]) if match else math.nan
    except ValueError:
        created = math.nan
    if match is None or not math.isfinite(created):
        raise BadRequest("The cursor of the page is not valid. Begin again with the first page.")
    return created, match[2]
