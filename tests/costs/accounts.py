"""Rows of a ledger, made up."""

from __future__ import annotations

import datetime as dt
import math

from shared.costs.rows import Account, fates
from shared.results import LedgerRow

DAY = dt.date(2026, 11, 20)
NOON = 1_795_176_000.0


def attempt(recording="r1", chunk=0, usd=1.0, engine="parakeet-gpu", **changes):
    given = {
        "attempt": "m-1", "audio_seconds": 660.0, "busy_seconds": 3.0, "prices": "v", "owned_seconds": 600.0,
        "time": NOON, "day": DAY.isoformat(), "worker": "" if engine == "deepgram" else "gpu-a.0",
    }  # fmt: skip
    return LedgerRow(recording=recording, chunk=chunk, usd=usd, engine=engine, **given | changes)


def idle(usd, worker="gpu-a.0", time=NOON, seconds=60.0, **changes):
    return LedgerRow(
        kind="execution", recording="", chunk=0, engine="parakeet-gpu", attempt="0-0", audio_seconds=0.0,
        busy_seconds=0.0, usd=usd, prices="v", worker=worker, time=time, billed_seconds=seconds,
        day=changes.pop("day", DAY.isoformat()), **changes,
    )  # fmt: skip


def account(*rows, failed=(), used=None, since=DAY, until=DAY):
    found = fates(list(rows), dict.fromkeys(failed, math.inf), used or {})
    return Account(since=since, until=until, rows=tuple(rows), fates=found)
