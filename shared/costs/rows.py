"""Read the ledger rows of a range of days, and find what became of each attempt."""

from __future__ import annotations

import datetime as dt
import math
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from shared import concurrency
from shared.results import LedgerRow
from shared.state import documents, ledger

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from shared.model import Recording
    from shared.ports import Fields, Ports

READERS = 8
"""Days that are read in parallel: a query spends most of its time waiting for the records."""

Fate = Literal["used", "wasted", "open", "failed", "lost", "idle"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Account:
    """The rows of a range of days."""

    since: dt.date
    """First day."""
    until: dt.date
    """Last day."""
    rows: tuple[LedgerRow, ...]
    """In no particular order."""
    fates: tuple[Fate, ...]
    """What became of each: `wasted` means heard, but another result was used, another engine took the whole over,
    or the recording failed."""
    unread: int = 0
    """How many rows cannot be read, so that what they cost is missing here."""


def days_of(since: dt.date, until: dt.date) -> list[str]:
    """The dates from one day to another, both included."""
    return [(since + dt.timedelta(days=number)).isoformat() for number in range((until - since).days + 1)]


def read(ports: Ports, since: dt.date, until: dt.date) -> Account:
    """The account of a range of days."""
    now = ports.clock.now()

    def of_day(day: str) -> list[tuple[str, Fields]]:
        return list(ports.records.query(documents.LEDGER, {"day": day}))

    with concurrency.ThreadPoolExecutor(READERS) as pool:
        found = [one for day in pool.map(of_day, days_of(since, until)) for one in day]
    rows = [ledger.as_of(row, now) for _, row in documents.readable(documents.LEDGER, found, LedgerRow)]
    counts_from: dict[str, float] = {}
    if rows:
        taken = documents.recordings(ports.records, {"taken_over": True})
        counts_from |= {one.id: _counts_from(one) for one in taken}
        for state in ("FAILED", "CANCELLED"):
            query = ports.records.query(documents.RECORDINGS, {"state": state})
            counts_from |= {key: math.inf for key, _ in query}
    return Account(
        since=since,
        until=until,
        rows=tuple(rows),
        fates=judged(rows, counts_from, ports),
        unread=len(found) - len(rows),
    )


def _counts_from(recording: Recording) -> float:
    """Index of the first chunk whose result counts; infinity for a recording that ended without a transcript."""
    deleted_without = recording.state == "DELETED" and recording.chunks and not recording.outputs
    if recording.ended_without or deleted_without:
        return math.inf
    return recording.chunks[0].index if recording.chunks else 0


def of_recording(recording: Recording, ports: Ports) -> tuple[list[LedgerRow], tuple[Fate, ...]]:
    """The attempts of one recording in the order of its chunks and of time, and what became of each."""
    now = ports.clock.now()
    found = documents.every(documents.LEDGER, LedgerRow, ports.records, {"recording": recording.id})
    ordered = sorted((ledger.as_of(one, now) for _, one in found), key=lambda one: (one.chunk, one.time))
    return ordered, judged(ordered, {recording.id: _counts_from(recording)}, ports)


def judged(rows: list[LedgerRow], counts_from: Mapping[str, float], ports: Ports) -> tuple[Fate, ...]:
    """What became of each row; reads the documents of chunks that were heard more than once.

    Of each chunk all rows must be there; `counts_from` as for `fates`.
    """
    used = {
        key: ports.records.get(documents.CHUNKS, documents.chunk_key(*key)) or {} for key in repeated(rows)
    }
    return fates(rows, counts_from, used)


def repeated(rows: Iterable[LedgerRow]) -> set[tuple[str, int]]:
    """Recording and index of each chunk that was heard more than once."""
    times: defaultdict[tuple[str, int], int] = defaultdict(int)
    for row in rows:
        if row.kind == "attempt" and row.outcome == "heard":
            times[row.recording, row.chunk] += 1
    return {key for key, count in times.items() if count > 1}


def fates(
    rows: list[LedgerRow],
    counts_from: Mapping[str, float],
    used: Mapping[tuple[str, int], Mapping[str, object]],
) -> tuple[Fate, ...]:
    """What became of each row. Pure.

    Args:
        rows: the rows.
        counts_from: index of the first chunk whose result counts, by key of the recording, where that is not 0:
            infinity if it ended without a transcript, later than 0 if another engine took over all of it.
        used: documents of the chunks that were heard more than once. If one has expired, the first attempt counts
            as used, because the first result of a chunk is its result.
    """
    first: dict[tuple[str, int], LedgerRow] = {}
    for row in rows:
        key = (row.recording, row.chunk)
        counts = row.outcome == "heard" and not row.wasted
        if key in used and counts and (key not in first or row.time < first[key].time):
            first[key] = row

    def of(row: LedgerRow) -> Fate:
        if row.kind == "execution":
            return "idle"
        if row.outcome != "heard":
            return row.outcome
        if row.wasted or row.chunk < counts_from.get(row.recording, 0):
            return "wasted"
        if (document := used.get((row.recording, row.chunk))) is None:
            return "used"
        best = first[row.recording, row.chunk]
        stands = (document.get("engine", best.engine), document.get("attempt", best.attempt))
        return "used" if (row.engine, row.attempt) == stands else "wasted"

    return tuple(of(row) for row in rows)
