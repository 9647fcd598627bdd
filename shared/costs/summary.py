"""Sums over an account: in all, by day, method, folder or label. Pure.

Start-up and idle time of a worker belongs to no recording. Where a report asks for something other than days, it
is shared out over the attempts that the worker made, by seconds of audio; so the groups add up to the whole, but
for workers that did nothing (`NOTHING`).
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from shared.costs.prices import reference
from shared.costs.rows import Fate
from shared.engines import HYBRID, spec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from shared.costs.prices import PriceTable
    from shared.costs.rows import Account
    from shared.results import LedgerRow

By = Literal["day", "method", "prefix", "label"]

WASTE: dict[Fate, str] = {
    "failed": "attempts that failed",
    "lost": "answers that were lost",
    "wasted": "results that were not used",
}
"""What money buys that nobody uses, in words."""

NOTHING = "(workers without work)"
"""The group of what no attempt can be charged with."""


@dataclass(kw_only=True, slots=True)
class Sums:
    """One group, or all of them."""

    usd: float = 0.0
    """What it cost, US dollars."""
    fates: dict[Fate, float] = field(default_factory=lambda: defaultdict(float))
    """The same by what became of it."""
    seconds: float = 0.0
    """Audio of the chunks whose results were used, without overlap."""
    decoded: float = 0.0
    """The same with overlap: what engines heard."""
    hosted_seconds: float = 0.0
    """Of `seconds`, those that the reference of `prices.py` heard."""
    hosted_usd: float = 0.0
    """What it asked for them, overlap left out, US dollars."""
    attempts: int = 0
    """Attempts, whatever came of them."""
    recordings: set[str] = field(default_factory=set)
    """Keys of the recordings with results."""

    @property
    def hours(self) -> float:
        """Hours of audio."""
        return self.seconds / 3600

    @property
    def wasted(self) -> float:
        """US dollars for what nobody uses: attempts that failed, were lost, or came second."""
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
        """US dollars that the reference would have asked for the same audio; what it did hear, at what it asked."""
        return prices.hosted(reference().name, self.seconds - self.hosted_seconds) + self.hosted_usd

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
                # At its own price: that of several languages, of speakers, or of another year.
                self.hosted_seconds += row.owned_seconds
                self.hosted_usd += row.usd * row.owned_seconds / row.billed_seconds

    def charge(self, usd: float, fate: Fate) -> None:
        """Count some money."""
        self.usd += usd
        self.fates[fate] += usd


def total(account: Account) -> Sums:
    """Everything."""
    sums = Sums()
    for row, fate in zip(account.rows, account.fates, strict=True):
        sums.add(row, fate)
    # Of thousands of small numbers: added up without rounding in between.
    sums.usd = math.fsum(row.usd for row in account.rows)
    return sums


def grouped(account: Account, by: By) -> dict[str, Sums]:
    """The same in groups, by their names; days in order, the others by what they cost."""
    groups: defaultdict[str, Sums] = defaultdict(Sums)
    name = _names(account.rows, by)
    shares = {} if by == "day" else share_out(account.rows, name)
    for row, fate in zip(account.rows, account.fates, strict=True):
        if fate != "idle" or by == "day":
            groups[name(row)].add(row, fate)
            continue
        for group, share in shares.get(row.worker, {NOTHING: 1.0}).items():
            groups[group].charge(row.usd * share, fate)
    if by == "day":
        return dict(sorted(groups.items()))
    return dict(sorted(groups.items(), key=lambda item: (-item[1].usd, item[0])))


def share_out(rows: Iterable[LedgerRow], name: Callable[[LedgerRow], str]) -> dict[str, dict[str, float]]:
    """How much of the idle time of each worker each group answers for, by seconds of audio. Pure.

    Args:
        rows: the rows.
        name: the group of an attempt: `lambda row: row.recording` shares it out over recordings.

    Returns:
        By worker, the shares of the groups: they sum up to 1. Workers that did nothing are left out.
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
    """Gives the name of the group that a row belongs to."""
    if by == "day":
        return lambda row: row.day
    if by == "prefix":
        return lambda row: row.prefix or "(top)"
    if by == "label":
        return lambda row: row.label or "(no label)"
    methods: defaultdict[str, set[str]] = defaultdict(set)
    for row in rows:
        if row.kind == "attempt" and row.outcome == "heard":
            methods[row.recording].add(spec(row.engine).method)
    return lambda row: HYBRID if len(methods[row.recording]) > 1 else row.engine
