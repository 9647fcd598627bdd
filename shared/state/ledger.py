"""What every attempt cost, and the only record of it: one row for each, which is changed once if it was begun here.

    open     it was written before its engine began, with the price that is expected
    heard    it produced words; the chunk's document says whether they were used or wasted (`attempt` of the
             stored result), because a row cannot know what comes after it
    failed   it ended without words
    lost     its answer never came; counted as paid, because it may have been

A process that dies leaves its row open. From its `until` on it counts as lost, without being changed (`as_of`);
if the answer comes after all, the row has it.

A bill is the sum of rows. The rows of a worker's attempts, start-up and idle time (`shared/costs/executions.py`)
add up to what Cloud Run charges for it.
"""

from __future__ import annotations

import datetime as dt
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from shared.clock import is_ahead
from shared.errors import Damaged, Transient
from shared.messages import to_fields
from shared.results import LedgerRow
from shared.state import documents
from shared.telemetry import log

if TYPE_CHECKING:
    from shared.model import Engine
    from shared.ports import Ports


def numbered(recording: str, chunk: int, engine: Engine, ports: Ports) -> list[LedgerRow]:
    """The attempts of an engine at a chunk whose rows were written before they began, in order.

    They are read by their keys, one read for each and one more: no query, so none is overlooked.

    Raises:
        Damaged: one cannot be read, so what was paid for is not known.
    """
    found: list[LedgerRow] = []
    while row := documents.find(
        documents.LEDGER, _key(recording, chunk, engine, str(len(found) + 1)), LedgerRow, ports.records
    ):
        found.append(row)
    return found


def begin(row: LedgerRow, number: int, until: float, ports: Ports) -> LedgerRow | None:
    """Write the row of an attempt before its engine begins.

    Args:
        row: the attempt, at its expected price.
        number: one more than there are in `numbered`.
        until: when the attempt has certainly ended, result included, seconds since 1970.
        ports: the adapters to use.

    Returns:
        The row as it is stored, or None if another process began an attempt of this number.
    """
    begun = replace(row, attempt=str(number), outcome="open", until=until, process=ports.process)
    begun = _stamped(begun, ports)
    try:
        return begun if ports.records.create(documents.LEDGER, key_of(begun), to_fields(begun)) else None
    except Transient:
        with suppress(Transient):
            _take_back(begun, ports)
        raise


def _take_back(begun: LedgerRow, ports: Ports) -> None:
    """End a row that may have been written, because its engine is not asked: it need not be waited for, and is free."""

    def over(stored: LedgerRow) -> LedgerRow | None:
        free = replace(stored, outcome="failed", usd=0.0, egress_usd=0.0, billed_seconds=None, until=0.0)
        return free if stored == begun else None  # another process may have begun an attempt of this number

    documents.change(documents.LEDGER, key_of(begun), LedgerRow, over, ports.records)


def write(row: LedgerRow, ports: Ports) -> bool:
    """Write the row of an attempt that has ended, or end its open one, with the current time.

    Returns:
        False if the attempt had ended already; then nothing is written.
    """
    ended, key = _stamped(row, ports), key_of(row)

    def from_open(stored: LedgerRow) -> LedgerRow | None:
        return ended if stored.outcome == "open" else None

    if row.attempt.isdecimal():
        try:
            stands = documents.change(documents.LEDGER, key, LedgerRow, from_open, ports.records)
        except Damaged as error:
            log.warning("the end of the attempt replaces its row: %s", error)
            documents.overwrite(documents.LEDGER, key, lambda _: ended, ports.records)
            return True
        if stands is not None:
            return stands == ended
    return ports.records.create(documents.LEDGER, key, to_fields(ended))


def give_up(key: str, ports: Ports) -> None:
    """End the time of an open row, because its process is gone: it counts as lost from now on."""

    def over(stored: LedgerRow) -> LedgerRow | None:
        return replace(stored, until=0.0) if stored.outcome == "open" else None

    documents.change(documents.LEDGER, key, LedgerRow, over, ports.records)


def is_under_way(row: LedgerRow, now: float) -> bool:
    """Whether the process of an attempt may be at work still: on the call, or on keeping its result. Pure."""
    return row.outcome in {"open", "heard"} and now < row.until and not is_ahead(row.time, now)


def as_of(row: LedgerRow, now: float) -> LedgerRow:
    """The row as it counts: lost if it is open and no process can end it any more. Pure."""
    return replace(row, outcome="lost") if row.outcome == "open" and row.until <= now else row


def key_of(row: LedgerRow) -> str:
    """Key of a row's document."""
    if row.kind == "execution":
        return f"execution.{row.worker}.{row.attempt}"
    return _key(row.recording, row.chunk, row.engine, row.attempt)


def day_of(time: float) -> str:
    """The UTC date of a time in seconds since 1970: providers bill by UTC or a time zone near it."""
    return dt.datetime.fromtimestamp(time, dt.UTC).date().isoformat()


def _key(recording: str, chunk: int, engine: Engine, attempt: str) -> str:
    return f"{documents.chunk_key(recording, chunk)}.{engine}.{attempt}"


def _stamped(row: LedgerRow, ports: Ports) -> LedgerRow:
    """With the time of writing. A row that ends on another day moves there, before the day before is closed."""
    now = ports.clock.now()
    return replace(row, time=now, day=day_of(now), minute=int(now // 60), release=ports.settings.release)
