"""A chunk that may kill its worker's process without any other trace.

An engine that runs out of memory, or crashes in native code, takes the worker down. Then every chunk that it was processing is
delivered again. That says nothing about any of them: workers are killed for many reasons. So whatever is redelivered
runs alone, and its row is in the ledger before the engine begins with it. A worker that is asked to stop ends that
row; one that dies leaves it open.

    open rows of a chunk    what becomes of it
    none, or one            it runs alone
    two                     it killed its worker: it is not run again; the next engine gets it, or its recording ends

Its message may come twice, so that two workers are at work on it at a time. The open row of one that may be alive is no
death; and whoever begins meanwhile has no row in advance, as both may end in the same moment, for one reason.

If workers die with other chunks as well, the cause is more likely elsewhere: one more death is asked for with each of
those. Those that a worker died with run last, so that others show whether it is them.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from shared.engines import own_specs
from shared.errors import EngineLimit
from shared.results import LedgerRow
from shared.state import documents, ledger
from shared.telemetry import log

if TYPE_CHECKING:
    from shared.messages import ChunkMessage
    from shared.model import Engine
    from shared.ports import Ports

PROOF, MOST = 2, 8
"""Workers that must have died with a chunk alone before it is given up: at least, and at most."""

LATELY = 3600.0
"""Seconds for which the end of a worker with another chunk makes a difference, and in which an attempt ends."""

MOST_READ = 1000
"""Open rows of a day that are read."""


def times_alone(message: ChunkMessage, engine: Engine, ports: Ports) -> int:
    """How many workers have died while their engine worked on this chunk and nothing else.

    Raises:
        EngineLimit: so many that it is the cause.
    """
    rows = ledger.numbered(message.recording, message.chunk.index, engine, ports)
    died = sum(
        row.life == message.life and row.outcome == "open" and not _may_live(row, ports) for row in rows
    )
    if died < PROOF or died < min(MOST, PROOF + _others(message, ports)):
        return died
    raise EngineLimit(
        f"Its worker died {died} times without an error message while it recognised this part of the recording and "
        "nothing else. The log of the worker or of the system says why: most often it ran out of memory, or its engine "
        "never returned."
    )


def begin(row: LedgerRow, ports: Ports) -> LedgerRow | None:
    """Write the row of an attempt that runs alone, before its engine begins; gives it with its number.

    None, and nothing is written, if another delivery of the chunk may be at work: the end of this worker proves nothing.
    """
    while True:
        before = ledger.numbered(row.recording, row.chunk, row.engine, ports)
        if any(_may_live(one, ports) for one in before):
            return None
        begun = ledger.begin(row, len(before) + 1, ports.clock.now() + LATELY, ports)
        if begun is not None:
            return begun


def _may_live(row: LedgerRow, ports: Ports) -> bool:
    """Whether the worker that began an attempt may still be at work on it."""
    # What a dead one was processing is redelivered once its lease is over, of which two thirds are left at least.
    lasts = ports.settings.lease_seconds * 2 / 3
    since = ports.clock.now() - row.time
    return row.outcome == "open" and since < lasts and not ports.is_gone(row.process)


def _others(message: ChunkMessage, ports: Ports) -> int:
    """How many other chunks a worker has begun with alone lately, and has not ended."""
    now = ports.clock.now()
    where = {"outcome": "open", "day": ledger.day_of(now)}
    ours = {one.name for one in own_specs()}
    chunks = {
        (row.recording, row.chunk)
        for _, row in islice(documents.every(documents.LEDGER, LedgerRow, ports.records, where), MOST_READ)
        if row.engine in ours and now - row.time < LATELY
    }
    others = len(chunks - {(message.recording, message.chunk.index)})
    if others:
        log.warning("workers died with %d other chunks lately: %s is tried on", others, message.recording)
    return others
