"""What to change, with the arithmetic behind it. Pure.

Each piece of advice says what was found, what to do, and what that saves in a month.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.costs.prices import PriceTable, reference
from shared.costs.summary import WASTE, Sums
from shared.engines import PARAKEET_GPU, is_hosted
from shared.in_words import dollars

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.costs.rows import Account
    from shared.settings import Settings

MONTH = 30.0
"""Days of a month, for savings."""

ENOUGH_SECONDS = 86400.0
"""Least seconds between the first and the last row: a few minutes say nothing about a month."""

WORTH = 0.01
"""Least savings worth mentioning, US dollars a month."""

DELAYS = (30.0, 60.0, 90.0, 120.0, 180.0, 300.0)
"""Start delays to try, seconds."""

ENOUGH = 0.9
"""The shortest delay that saves this share of what the longest one saves is recommended."""

MOST_IDLE, MOST_OVERLAP, MOST_WASTED = 0.25, 0.10, 0.03
"""Shares up to which there is no advice."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Advice:
    """One recommendation."""

    text: str
    """What was found and what to do, in words, with the arithmetic."""
    usd_per_month: float
    """What it would save, US dollars."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Execution:
    """All tasks of one execution, as the ledger shows them."""

    began: float
    """When its billed time began, seconds since 1970."""
    idle_usd: float
    """Cost of start-up and idle time, US dollars."""


def advise(account: Account, sums: Sums, prices: PriceTable, settings: Settings) -> list[Advice]:
    """What to change, the largest savings first.

    The account is of a day or more (`spanned`).
    """
    # From the first day with a row: a deployment of last week has no month behind it.
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
            # Without the task: several tasks of one execution were started together on purpose.
            name = row.worker.rpartition(".")[0]
            began[name] = min(began.get(name, row.time), row.time - max(0.0, spent))
            usd[name] += row.usd if row.kind == "execution" else 0.0
    every = [Execution(began=began[name], idle_usd=usd[name]) for name in began]
    return sorted(every, key=lambda one: one.began)


def saved_by(delay: float, every: Sequence[Execution]) -> float:
    """US dollars of start-up and idle time that a start delay would have saved.

    Workers that began within the delay after another would not have been started: the first one would have done their
    work. Their start-up and idle time is saved. `delay` are seconds; the executions are in order of their start.
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
        text=f"GPU workers were idle for {idle / paid:.0%} of their paid time ({dollars(idle)} of {dollars(paid)}, "
        f"{len(every)} executions). Collect work for {delay:.0f} s before a worker is started "
        f"(DROPSCRIBE_START_DELAY={delay:.0f}): those that began within {delay:.0f} s of another would not have "
        f"been needed, which saves {dollars(saved_by(delay, every))} in {_in_days(days)}, {dollars(monthly)} a month.",
        usd_per_month=monthly,
    )


def _overlap(sums: Sums, days: int) -> Advice | None:
    more = max(0.0, sums.decoded - sums.seconds)
    if not sums.decoded or more / sums.decoded <= MOST_OVERLAP:
        return None
    # Chunks twice as long have half as many seams.
    monthly = sums.fates["used"] * more / sums.decoded / 2 / days * MONTH
    return Advice(
        text=f"{more / sums.decoded:.0%} of the transcribed audio was overlap of chunks ({more / 3600:.1f} of "
        f"{sums.decoded / 3600:.1f} h). Chunks twice as long (CHUNK_DURATION_MINUTES) halve that: "
        f"{dollars(sums.fates['used'])} × {more / sums.decoded:.3f} / 2 in {_in_days(days)}, {dollars(monthly)} a month.",
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
        f"what went wrong; fixing it saves {dollars(monthly)} a month.",
        usd_per_month=monthly,
    )


def _method(account: Account, days: int, prices: PriceTable) -> Advice | None:
    """The cheaper of Parakeet and the hosted reference by the hour, all costs included, if it is not in use."""
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
            text=f"Parakeet cost {dollars(usd / hours)} per hour of audio, idle time included; {theirs.in_sentences} "
            f"charges {dollars(prices.hosted(theirs.name, 3600))}. With so little work per worker {theirs.in_sentences} "
            f"is cheaper: TRANSCRIPTION_METHOD={theirs.method} saves {dollars(monthly)} a month. A start delay may, too.",
            usd_per_month=monthly,
        )
    paid = sum(row.usd for row in hosted)
    if hours and hosted_hours and paid / hosted_hours > usd / hours:
        monthly = (paid - usd / hours * hosted_hours) / days * MONTH
        return Advice(
            text=f"{theirs.in_sentences} transcribed {hosted_hours:.1f} h for {dollars(paid)} "
            f"({dollars(paid / hosted_hours)} an hour); Parakeet cost {dollars(usd / hours)} an hour. The same hours on "
            f"Parakeet save {dollars(monthly)} a month (TRANSCRIPTION_METHOD={PARAKEET_GPU.method}), if waiting for a "
            "GPU is acceptable and no speakers are needed.",
            usd_per_month=monthly,
        )
    return None


def _in_days(days: int) -> str:
    return "1 day" if days == 1 else f"{days} days"
