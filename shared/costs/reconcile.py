"""Compare the ledger with what providers counted and charged, day by day. Pure."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.engines import is_hosted
from shared.state.documents import chunk_key

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shared.results import Bill, LedgerRow

CENT = 0.01
"""US dollars a day up to which two sums count as equal: providers round each call."""

SECOND = 1.0
"""Seconds of audio up to which a call counts as equal."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One day of one provider."""

    day: str
    """UTC date."""
    ledger_usd: float
    """What the ledger says, US dollars."""
    billed_usd: float
    """What the provider says."""

    @property
    def difference(self) -> float:
        """US dollars that the provider charged more than the ledger says; negative: less."""
        return self.billed_usd - self.ledger_usd

    @property
    def agrees(self) -> bool:
        """Whether the two are equal but for rounding."""
        return abs(self.difference) <= CENT


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """A call of which the two sides count different audio."""

    tag: str
    """Key of the chunk."""
    ledger_seconds: float
    """Seconds of audio in the ledger; 0: it knows no such call."""
    billed_seconds: float
    """Seconds that the provider counted; 0: it knows no such call."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """The ledger and one provider."""

    who: str
    """Name of the provider, for people."""
    lines: tuple[Line, ...]
    """The days on which either side has a cost."""
    calls: tuple[Call, ...] = ()
    """Calls that differ, those that cost most first."""

    @property
    def agrees(self) -> bool:
        """Whether every day and every call agrees."""
        return not self.calls and all(one.agrees for one in self.lines)

    @property
    def total(self) -> Line:
        """The sum of all days."""
        return Line(
            day="total",
            ledger_usd=math.fsum(one.ledger_usd for one in self.lines),
            billed_usd=math.fsum(one.billed_usd for one in self.lines),
        )


def hosted(who: str, rows: Iterable[LedgerRow], engine: str, bill: Bill) -> Comparison:
    """The calls of a hosted engine: by day in dollars, by call in seconds over all days.

    A call before midnight whose answer came after it is on one day here and on the other there, so calls are compared
    over all days. What sending the audio cost is on Google's bill, not on this one.
    """
    mine = [row for row in rows if row.engine == engine and row.kind == "attempt"]
    ledger, theirs = _seconds(mine), defaultdict[str, float](float)
    for one in bill.counted:
        theirs[one.tag] += one.seconds
    calls = [
        Call(tag=tag, ledger_seconds=ledger.get(tag, 0.0), billed_seconds=theirs.get(tag, 0.0))
        for tag in {*ledger, *theirs}
        if abs(ledger.get(tag, 0.0) - theirs.get(tag, 0.0)) > SECOND
    ]
    calls.sort(key=lambda one: (-abs(one.billed_seconds - one.ledger_seconds), one.tag))
    spent = [(row.day, row.usd - row.egress_usd) for row in mine]
    return Comparison(who=who, lines=_lines(spent, bill), calls=tuple(calls))


def workers(who: str, rows: Iterable[LedgerRow], bill: Bill) -> Comparison:
    """The time of our workers: attempts, start-up and idle time."""
    return Comparison(
        who=who, lines=_lines(((row.day, row.usd) for row in rows if not is_hosted(row.engine)), bill)
    )


def _seconds(rows: Iterable[LedgerRow]) -> dict[str, float]:
    found: defaultdict[str, float] = defaultdict(float)
    for row in rows:
        if row.billed_seconds:
            found[chunk_key(row.recording, row.chunk)] += row.billed_seconds
    return found


def _lines(spent: Iterable[tuple[str, float]], bill: Bill) -> tuple[Line, ...]:
    ledger: defaultdict[str, list[float]] = defaultdict(list)
    for day, usd in spent:
        ledger[day].append(usd)
    lines = (
        Line(day=day, ledger_usd=math.fsum(ledger.get(day, ())), billed_usd=bill.usd.get(day, 0.0))
        for day in sorted({*ledger, *bill.usd})
    )
    return tuple(one for one in lines if abs(one.ledger_usd) > 0 or abs(one.billed_usd) > 0)
