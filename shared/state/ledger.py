"""What every attempt cost: one row for each (chunk, engine, attempt), written once and never changed.

    heard    words came of it; whether they were used or wasted says the chunk's document (`attempt` of the result
             that stands): a row cannot know what comes after it
    failed   it ended without words, and was paid all the same
    lost     its answer never came; taken as paid, because it may have been

A bill is the sum of rows. Those of one worker and the rows of its start-up and idle time (`executions.py`) add up
to what Cloud Run asks for it.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from shared.costs import prices_file
from shared.messages import to_fields
from shared.results import LedgerRow
from shared.state import documents

if TYPE_CHECKING:
    from shared.messages import ChunkMessage
    from shared.model import Engine
    from shared.ports import Ports

Outcome = Literal["heard", "failed", "lost"]


def worker_row(
    message: ChunkMessage,
    ports: Ports,
    *,
    engine: Engine,
    attempt: str,
    busy_seconds: float,
    decoded: float,
    owned: float = 0.0,
    outcome: Outcome = "heard",
    worker: str = "",
    machine: Engine | None = None,
) -> LedgerRow:
    """The row of an attempt of an engine of ours: its share of the engine's time, at the price of the machine.

    Args:
        message: the chunk.
        ports: settings with the prices.
        engine: who heard it.
        attempt: which delivery of which message it was.
        busy_seconds: its share of the engine's wall time, by audio seconds.
        decoded: seconds of audio that the engine got, overlap included.
        owned: seconds of them between the chunk's own bounds.
        outcome: what came of it.
        worker: execution and task, see `executions.Place.worker`.
        machine: whose machine it ran on, where that is another's: a GPU costs what it costs while a processor
            beside it works.
    """
    table, busy = prices_file.table(ports.settings), round(busy_seconds, 6)
    return LedgerRow(
        recording=message.recording,
        chunk=message.chunk.index,
        engine=engine,
        attempt=attempt,
        audio_seconds=decoded,
        busy_seconds=busy,
        usd=busy * table.engine_second(machine or engine, ports.settings),
        prices=table.version,
        outcome=outcome,
        owned_seconds=owned,
        label=label_of(message),
        prefix=prefix_of(message.source.name),
        worker=worker,
    )


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


def prefix_of(name: str) -> str:
    """Folder of an object's name, `calls/2026` of `calls/2026/one.mp3`; empty at the top."""
    return name.rpartition("/")[0]


def label_of(message: ChunkMessage) -> str:
    """What the recording is accounted under: its option `label`, empty where it has none."""
    return message.options.label or ""
