"""What a day and a month may cost: the rules. Pure; what was spent and committed is kept by `budget.py`."""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from shared.in_words import dollars
from shared.state import ledger

if TYPE_CHECKING:
    from shared.settings import Settings

AVERAGED = 7
"""Full days whose mean the forecast goes on with."""

CENT = 1e-9
"""US dollars below which a sum is rounding."""

Period = Literal["day", "month"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Sums:
    """What was spent, as the sweeper last saw it."""

    time: float = 0.0
    """When it looked, seconds since 1970."""
    days: Mapping[str, float] = field(default_factory=dict)
    """US dollars of each day of this month, and of the last full days."""
    limits: Mapping[str, float] = field(default_factory=dict)
    """The budgets that held then, US dollars by period: who asks why something waits may have other settings."""
    mode: Literal["hard", "soft"] = "hard"
    """What was to be done beyond them."""

    def of(self, period: Period, now: float) -> float:
        """US dollars spent today, or in this month."""
        today = ledger.day_of(now)
        if period == "day":
            return self.days.get(today, 0.0)
        return sum(usd for day, usd in self.days.items() if day[:7] == today[:7])


@dataclass(frozen=True, kw_only=True, slots=True)
class Limit:
    """One budget."""

    period: Period
    """What it is for."""
    usd: float
    """US dollars."""
    variable: str
    """Where it is set."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Admission:
    """Whether a recording may go on, and why."""

    action: Literal["go", "cheaper", "hold"]
    """`cheaper`: by the cheapest method."""
    reason: str = ""
    """For its owner, where it may not go on as it was: with the sums of now."""
    lasting: str = ""
    """The same for the record of a recording that is held: without what changes before it is read."""
    short: str = ""
    """Only what is short, and of what."""
    variable: str = ""
    """Where that budget is set."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Forecast:
    """What a month will have cost."""

    usd: float
    """At its end, US dollars."""
    days: int
    """Days whose mean it goes on with, 1 to 7."""


GO = Admission(action="go")


def limits_of(settings: Settings) -> list[Limit]:
    """The budgets that are set."""
    return limits_by({"day": settings.budget_daily_usd, "month": settings.budget_monthly_usd})


def limits_by(usd: Mapping[str, float]) -> list[Limit]:
    """Budgets from US dollars by period."""
    every = [
        Limit(period="day", usd=usd.get("day", 0.0), variable="DROPSCRIBE_BUDGET_DAILY_USD"),
        Limit(period="month", usd=usd.get("month", 0.0), variable="DROPSCRIBE_BUDGET_MONTHLY_USD"),
    ]
    return [one for one in every if one.usd > 0]


def admit(usd: float, sums: Sums, committed: float, now: float, settings: Settings) -> Admission:
    """Whether one more recording fits into every budget. Pure.

    Args:
        usd: what it is expected to cost.
        sums: what was spent.
        committed: what is committed, without it.
        now: seconds since 1970.
        settings: the budgets, and what to do beyond them.
    """
    for limit in limits_of(settings):
        spent = sums.of(limit.period, now)
        if spent + committed + usd <= limit.usd + CENT:
            continue
        name = "daily" if limit.period == "day" else "monthly"
        used = f"{dollars(spent)} spent and {dollars(committed)} committed of {dollars(limit.usd)}"
        short = "is used up" if usd <= limit.usd else "is too small for this recording"
        said = f"the {name} budget {short} ({used}; this recording needs about {dollars(usd)})"
        if settings.budget_mode == "soft":
            return Admission(action="cheaper", reason=said, short=said, variable=limit.variable)
        new = f"when a new {limit.period} begins (UTC), or " if usd <= limit.usd else ""
        way = f"It goes on {new}once you raise {limit.variable}."
        lasting = f"Held: it did not fit into the {name} budget. {way}"
        reason = f"Held: {said}. {way}"
        return Admission(action="hold", reason=reason, lasting=lasting, short=said, variable=limit.variable)
    return GO


def forecast(days: Mapping[str, float], now: float) -> Forecast | None:
    """What this month will have cost at its end. Pure.

    What was spent so far, and for the rest of the month the mean of up to seven days before today. None if
    nothing was spent before today: a first hour says nothing of a month.

    Args:
        days: US dollars of each day, by its date.
        now: seconds since 1970.
    """
    moment = dt.datetime.fromtimestamp(now, dt.UTC)
    today = moment.date()
    passed = (now % 86400) / 86400
    first = min((day for day, usd in days.items() if usd), default=today.isoformat())
    full = [(today - dt.timedelta(days=back)).isoformat() for back in range(1, AVERAGED + 1)]
    full = [day for day in full if day >= first]
    if not full:
        return None
    rate = sum(days.get(day, 0.0) for day in full) / len(full)
    left = calendar.monthrange(today.year, today.month)[1] - today.day + 1 - passed
    return Forecast(usd=Sums(days=days).of("month", now) + rate * left, days=len(full))
