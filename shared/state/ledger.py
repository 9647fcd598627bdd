"""What every attempt cost: one row for each (chunk, engine, attempt), written once and never changed.

    heard    it produced words; the chunk's document says whether they were used or wasted (`attempt` of the
             stored result), because a row cannot know what comes after it
    failed   it ended without words, and was paid for anyway
    lost     its answer never came; counted as paid, because it may have been

A bill is the sum of rows. The rows of a worker's attempts, start-up and idle time (`shared/costs/executions.py`)
add up to what Cloud Run charges for it.
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
    """Write a row with the current time; False if this attempt has its row already.

    Raises:
        Transient: the write is not confirmed.
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
    """The UTC date of a time in seconds since 1970: providers bill by UTC or a time zone near it."""
    return dt.datetime.fromtimestamp(time, dt.UTC).date().isoformat()
