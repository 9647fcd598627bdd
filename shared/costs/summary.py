"""Sums over an account: in total, by day, month, method, engine, folder or label. Pure.

A worker's start-up and idle time belongs to no recording. Unless a report is by day or month, it is distributed over the
worker's attempts by seconds of audio; so the groups add up to the total, workers without attempts being a group
of their own (`NOTHING`).
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from shared.costs.prices import PriceTable, reference
from shared.costs.rows import Account, Fate
from shared.engines import HYBRID, spec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from shared.results import LedgerRow

By = Literal["day", "month", "method", "engine", "prefix", "label"]
"""`method`: as callers ask for it; hybrid for a recording of which our own engines and a hosted one heard parts."""

PERIODS: frozenset[By] = frozenset({"day", "month"})
"""What groups by time: idle time then counts when it was, and groups are in order."""

WASTE: dict[Fate, str] = {
    "failed": "attempts that failed",
    "lost": "answers that were lost",
    "wasted": "results that were not used",
}
"""What was paid for and not used, in words."""

NOTHING = "(workers without work)"
"""The group of idle time that cannot be charged to an attempt."""


@dataclass(kw_only=True, slots=True)
class Sums:
    """One group, or all of them."""

    usd: float = 0.0
    """Cost, US dollars."""
    fates: dict[Fate, float] = field(default_factory=lambda: defaultdict(float))
    """The cost by what became of the attempts, US dollars."""
    seconds: float = 0.0
    """Seconds of audio of the chunks whose results were used, without overlap."""
    decoded: float = 0.0
    """The same with overlap, as engines heard it."""
    hosted_seconds: float = 0.0
    """The part of `seconds` that `prices.reference` transcribed."""
    hosted_usd: float = 0.0
    """What it charged for them, without overlap, US dollars."""
    attempts: int = 0
    """Number of attempts, whatever became of them."""
    recordings: set[str] = field(default_factory=set)
    """Keys of the recordings with results."""

    @property
    def hours(self) -> float:
        """Hours of audio."""
        return self.seconds / 3600

    @property
    def wasted(self) -> float:
        """US dollars for what was not used: attempts that failed, were lost, or came second."""
        return sum(self.fates[fate] for fate in WASTE)

    @property
    def usd_per_recording(self) -> float | None:
        """Mean price of a recording, None if there is none."""
        return self.usd / len(self.recordings) if self.recordings else None

    @property
    def usd_per_hour(self) -> float | None:
        """Price of an hour of audio, None if there is none."""
        return self.usd / self.hours if self.hours else None

    def reference_usd(self, prices: PriceTable) -> float:
        """US dollars that the reference would charge for all the audio, at the lowest price; its own part as it was counted."""
        ours = self.seconds - self.hosted_seconds
        return prices.hosted(reference().name, ours, lowest=True) + self.hosted_usd

    def columns(self, prices: PriceTable) -> dict[str, float | int | None]:
        """Its columns in the JSON and the CSV of a report: US dollars, hours and counts."""
        would, each, hourly = self.reference_usd(prices), self.usd_per_recording, self.usd_per_hour
        return {
            "recordings": len(self.recordings),
            "audio_hours": round(self.hours, 6),
            "attempts": self.attempts,
            "usd": round(self.usd, 6),
            "usd_per_recording": None if each is None else round(each, 6),
            "usd_per_audio_hour": None if hourly is None else round(hourly, 6),
            "idle_usd": round(self.fates["idle"], 6),
            "wasted_usd": round(self.wasted, 6),
            reference_column(): round(would, 6),
            # Sums of the same rows in another order differ by a bit, which is not a saving of -0.
            "saved_usd": round(would - self.usd, 6) + 0.0,
        }

    def add(self, row: LedgerRow, fate: Fate) -> None:
        """Count one row."""
        self.charge(row.usd, fate)
        if fate == "idle":
            return
        self.attempts += 1
        if fate == "used":
            self.seconds += row.owned_seconds
            self.decoded += row.audio_seconds
            self.recordings.add(row.recording)
            if row.engine == reference().name and row.billed_seconds:
                # At the price that was paid: it may be for several languages, for speakers, or of another year.
                self.hosted_seconds += row.owned_seconds
                self.hosted_usd += row.usd * row.owned_seconds / row.billed_seconds

    def charge(self, usd: float, fate: Fate) -> None:
        """Add to the cost only."""
        self.usd += usd
        self.fates[fate] += usd


def reference_column() -> str:
    """The column with what the reference would charge."""
    return f"{reference().name}_usd"


def total(account: Account) -> Sums:
    """The sums over all rows."""
    sums = Sums()
    for row, fate in zip(account.rows, account.fates, strict=True):
        sums.add(row, fate)
    # Thousands of small numbers: `fsum` adds them up without intermediate rounding.
    sums.usd = math.fsum(row.usd for row in account.rows)
    return sums


def grouped(account: Account, by: By) -> dict[str, Sums]:
    """The sums of each group by its name; days and months in order, other groups by their cost."""
    groups: defaultdict[str, Sums] = defaultdict(Sums)
    name = _names(account.rows, by)
    shares = {} if by in PERIODS else share_out(account.rows, name)
    for row, fate in zip(account.rows, account.fates, strict=True):
        if fate != "idle" or by in PERIODS:
            groups[name(row)].add(row, fate)
            continue
        for group, share in shares.get(row.worker, {NOTHING: 1.0}).items():
            groups[group].charge(row.usd * share, fate)
    if by in PERIODS:
        return dict(sorted(groups.items()))
    return dict(sorted(groups.items(), key=lambda item: (-item[1].usd, item[0])))


def share_out(rows: Iterable[LedgerRow], name: Callable[[LedgerRow], str]) -> dict[str, dict[str, float]]:
    """Each group's share of the idle time of each worker, by seconds of audio. Pure.

    `name` gives the group of an attempt: `lambda row: row.recording` distributes it over recordings.

    Returns:
        By worker, the shares of the groups, which sum up to 1. Workers without attempts are left out.
    """
    heard: defaultdict[str, defaultdict[str, float]] = defaultdict(lambda: defaultdict(float))
    for row in rows:
        if row.worker and row.kind == "attempt" and row.audio_seconds > 0:
            heard[row.worker][name(row)] += row.audio_seconds
    return {
        worker: {group: seconds / math.fsum(groups.values()) for group, seconds in groups.items()}
        for worker, groups in heard.items()
    }


def _names(rows: Iterable[LedgerRow], by: By) -> Callable[[LedgerRow], str]:
    """The function from a row to the name of its group."""
    if by == "day":
        return lambda row: row.day
    if by == "month":
        return lambda row: row.day[:7]
    if by == "engine":
        return lambda row: row.engine
    if by == "prefix":
        return lambda row: row.prefix or "(top)"
    if by == "label":
        return lambda row: row.label or "(no label)"
    methods: defaultdict[str, set[str]] = defaultdict(set)
    for row in rows:
        if row.kind == "attempt" and row.outcome == "heard":
            methods[row.recording].add(spec(row.engine).method)
    return lambda row: HYBRID if len(methods[row.recording]) > 1 else spec(row.engine).method
