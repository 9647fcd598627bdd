"""What to change, with the arithmetic that says so. Pure.

Each piece of advice says what was found, what to do, and what a month of it would save.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.costs.prices import reference
from shared.costs.summary import WASTE
from shared.engines import PARAKEET_GPU, is_hosted
from shared.in_words import dollars

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.costs.prices import PriceTable
    from shared.costs.rows import Account
    from shared.costs.summary import Sums
    from shared.settings import Settings

MONTH = 30.0
"""Days that savings are given for."""

ENOUGH_SECONDS = 86400.0
"""Between the first and the last row: of minutes nobody can tell what a month is like."""

WORTH = 0.01
"""US dollars a month from which something is worth saying."""

DELAYS = (30.0, 60.0, 90.0, 120.0, 180.0, 300.0)
"""Start delays that are tried, seconds."""

ENOUGH = 0.9
"""Share of the longest delay's savings from which a shorter one will do."""

MOST_IDLE, MOST_OVERLAP, MOST_WASTED = 0.25, 0.10, 0.03
"""Shares of the cost up to which nothing needs to be said."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Advice:
    """One recommendation."""

    text: str
    """What was found and what to do, in words, with the arithmetic."""
    usd_per_month: float
    """What it would save."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Execution:
    """All tasks of one execution, as the ledger shows them."""

    began: float
    """When its time began to cost, seconds since 1970."""
    idle_usd: float
    """What start-up and idle time cost."""


def advise(account: Account, sums: Sums, prices: PriceTable, settings: Settings) -> list[Advice]:
    """What to change, the largest savings first.

    Args:
        account: the rows, of a day or more (`spanned`).
        sums: the same, summed up.
        prices: US dollars, of now.
        settings: what the deployment chose.
    """
    # From the first day that cost anything: a deployment of last week has no month behind it.
    first = min((row.day for row in account.rows), default=account.until.isoformat())
    days = (account.until - dt.date.fromisoformat(first)).days + 1
    found = [
        _idle(account, sums, days, settings),
        _overlap(sums, days),
        _wasted(sums, days),
        _method(account, days, prices),
    ]
    told = [one for one in found if one is not None and one.usd_per_month >= WORTH]
    return sorted(told, key=lambda one: -one.usd_per_month)


def spanned(account: Account) -> float:
    """Seconds between the first and the last row; 0 if there are none."""
    times = [row.time for row in account.rows]
    return max(times) - min(times) if times else 0.0


def executions(account: Account) -> list[Execution]:
    """The executions of an account, in order of their start."""
    began: dict[str, float] = {}
    usd: defaultdict[str, float] = defaultdict(float)
    for row in account.rows:
        if row.worker:
            spent = (row.billed_seconds or 0.0) if row.kind == "execution" else row.busy_seconds
            # Without the task: tasks that were started together were meant to be.
            name = row.worker.rpartition(".")[0]
            began[name] = min(began.get(name, row.time), row.time - max(0.0, spent))
            usd[name] += row.usd if row.kind == "execution" else 0.0
    every = [Execution(began=began[name], idle_usd=usd[name]) for name in began]
    return sorted(every, key=lambda one: one.began)


def saved_by(delay: float, every: Sequence[Execution]) -> float:
    """US dollars of start-up and idle time that collecting work for so long would have saved.

    Workers that began within the delay after another would not have been started: the first one would have done
    their work. What they cost beside their work is saved.

    Args:
        delay: seconds.
        every: in order of their start.
    """
    saved, first = 0.0, float("-inf")
    for one in every:
        if one.began - first <= delay:
            saved += max(0.0, one.idle_usd)
        else:
            first = one.began
    return saved


def _idle(account: Account, sums: Sums, days: int, settings: Settings) -> Advice | None:
    idle = sums.fates["idle"]
    paid = sum(row.usd for row in account.rows if row.worker)
    if not paid or idle / paid <= MOST_IDLE:
        return None
    every = executions(account)
    best = saved_by(DELAYS[-1], every)
    delay = next(one for one in DELAYS if saved_by(one, every) >= ENOUGH * best)
    if delay <= settings.start_delay or not best:
        return None
    monthly = saved_by(delay, every) / days * MONTH
    return Advice(
        text=f"GPU workers idled {idle / paid:.0%} of their paid time ({dollars(idle)} of {dollars(paid)}, {len(every)} "
        f"executions). Collect work for {delay:.0f} s before one is started (DROPSCRIBE_START_DELAY={delay:.0f}): "
        f"those that began within {delay:.0f} s of another would not have been needed, which saves "
        f"{dollars(saved_by(delay, every))} in {_told(days)}, {dollars(monthly)} a month.",
        usd_per_month=monthly,
    )


def _overlap(sums: Sums, days: int) -> Advice | None:
    more = max(0.0, sums.decoded - sums.seconds)
    if not sums.decoded or more / sums.decoded <= MOST_OVERLAP:
        return None
    # Chunks twice as long have half as many seams.
    monthly = sums.fates["used"] * more / sums.decoded / 2 / days * MONTH
    return Advice(
        text=f"{more / sums.decoded:.0%} of the audio that engines heard was overlap of chunks ({more / 3600:.1f} of "
        f"{sums.decoded / 3600:.1f} h). Chunks twice as long (CHUNK_DURATION_MINUTES) halve that: "
        f"{dollars(sums.fates['used'])} × {more / sums.decoded:.3f} / 2 in {_told(days)}, {dollars(monthly)} a month.",
        usd_per_month=monthly,
    )


def _wasted(sums: Sums, days: int) -> Advice | None:
    if not sums.usd or sums.wasted / sums.usd <= MOST_WASTED:
        return None
    monthly = sums.wasted / days * MONTH
    parts = ", ".join(
        f"{dollars(sums.fates[fate])} for {said}" for fate, said in WASTE.items() if sums.fates[fate]
    )
    return Advice(
        text=f"{sums.wasted / sums.usd:.0%} of the money bought nothing: {parts}. `dropscribe status` and the log say "
        f"what went wrong; without it {dollars(monthly)} a month would stay.",
        usd_per_month=monthly,
    )


def _method(account: Account, days: int, prices: PriceTable) -> Advice | None:
    """Whether Parakeet or the hosted reference was clearly dearer by the hour, all its costs included."""
    theirs = reference()
    mine = [row for row in account.rows if not is_hosted(row.engine)]
    hosted = [row for row in account.rows if row.engine == theirs.name]
    hours = sum(row.owned_seconds for row in mine) / 3600
    hosted_hours = sum(row.owned_seconds for row in hosted) / 3600
    usd = sum(row.usd for row in mine)
    would = prices.hosted(theirs.name, hours * 3600)
    if hours and usd > would:
        monthly = (usd - would) / days * MONTH
        return Advice(
            text=f"Parakeet cost {dollars(usd / hours)} an hour of audio, idle time included; {theirs.in_sentences} asks "
            f"{dollars(prices.hosted(theirs.name, 3600))}. With so little work for each worker {theirs.in_sentences} is "
            f"cheaper: TRANSCRIPTION_METHOD={theirs.method} saves {dollars(monthly)} a month, collecting work may as well.",
            usd_per_month=monthly,
        )
    paid = sum(row.usd for row in hosted)
    if hours and hosted_hours and paid / hosted_hours > usd / hours:
        monthly = (paid - usd / hours * hosted_hours) / days * MONTH
        return Advice(
            text=f"{theirs.in_sentences} transcribed {hosted_hours:.1f} h for {dollars(paid)} "
            f"({dollars(paid / hosted_hours)} an hour); Parakeet took {dollars(usd / hours)} an hour. The same hours on "
            f"Parakeet save {dollars(monthly)} a month (TRANSCRIPTION_METHOD={PARAKEET_GPU.method}), where waiting for a "
            "GPU does not matter and nobody asked for speakers.",
            usd_per_month=monthly,
        )
    return None


def _told(days: int) -> str:
    return "1 day" if days == 1 else f"{days} days"
