"""What every attempt cost: one row for each (chunk, engine, attempt), written once and never changed.

    heard    words came of it; whether they were used or wasted says the chunk's document (`attempt` of the result
             that stands): a row cannot know what comes after it
    failed   it ended without words, and was paid all the same
    lost     its answer never came; taken as paid, because it may have been

A bill is the sum of rows. Those of one worker and the rows of its start-up and idle time (`shared/costs/executions.py`) add up
to what Cloud Run asks for it.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import TYPE_CHECKING

from shared.messages import to_fields
from shared.state import documents

if TYPE_CHECKING:
    from shared.ports import Ports
    from shared.results import LedgerRow


def write(row: LedgerRow, ports: Ports) -> bool:
    """Write a row with the time of now; False where this attempt has its row already.

    Raises:
        Transient: it is not known to be written.
    """
    now = ports.clock.now()
    stamped = replace(row, time=now, day=day_of(now), minute=int(now // 60))
    return ports.records.create(documents.LEDGER, key_of(row), to_fields(stamped))


def key_of(row: LedgerRow) -> str:
    """Key of a row's document."""
    if row.kind == "execution":
        return f"execution.{row.worker}.{row.attempt}"
    return f"{documents.chunk_key(row.recording, row.chunk)}.{row.engine}.{row.attempt}"


def day_of(time: float) -> str:
    """The date in UTC of a time in seconds since 1970: bills are made out by UTC or near it."""
    return dt.datetime.fromtimestamp(time, dt.UTC).date().isoformat()
