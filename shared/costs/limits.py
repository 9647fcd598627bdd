"""The rules for what a day and a month may cost. Pure; `budget.py` keeps what was spent and committed."""

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
"""Full days whose mean the forecast uses for the days to come."""

CENT = 1e-9
"""US dollars below which a sum is rounding."""

Period = Literal["day", "month"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Spending:
    """What was spent, as the sweeper last saw it."""

    time: float = 0.0
    """When it looked, seconds since 1970."""
    days: Mapping[str, float] = field(default_factory=dict)
    """US dollars of each day of this month, and of the last full days."""
    limits: Mapping[str, float] = field(default_factory=dict)
    """The budgets at that time, US dollars by period: a process that reads this may have other settings."""
    mode: Literal["hard", "soft"] = "hard"
    """What a recording beyond them led to: `hard` held it, `soft` took the cheapest method."""

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
    usd: float
    """US dollars."""
    variable: str
    """The setting that sets it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Admission:
    """Whether a recording may go on, and why."""

    action: Literal["go", "cheaper", "hold"]
    """`cheaper`: by the cheapest method."""
    reason: str = ""
    """Why it may not go on as planned, for its owner, with the current sums."""
    lasting: str = ""
    """The same for the document of a held recording: without numbers that change before it is read."""
    short: str = ""
    """Only which budget is short, and by how much."""
    variable: str = ""
    """The setting of that budget."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Forecast:
    """What a month will have cost at its end."""

    usd: float
    """US dollars."""
    days: int
    """Days whose mean it uses, 1 to 7."""


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


def admit(usd: float, sums: Spending, committed: float, now: float, settings: Settings) -> Admission:
    """Whether one more recording fits into every budget. Pure.

    `usd` is its expected cost, `committed` what is committed for other recordings, US dollars.
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
        way = f"It continues {new}once you raise {limit.variable}."
        lasting = f"Held: it did not fit into the {name} budget. {way}"
        reason = f"Held: {said}. {way}"
        return Admission(action="hold", reason=reason, lasting=lasting, short=said, variable=limit.variable)
    return GO


def forecast(days: Mapping[str, float], now: float) -> Forecast | None:
    """What this month will have cost at its end. Pure.

    The sum so far, and for the rest of the month the mean of up to seven days before today. None if nothing was spent
    before today: the first hours say nothing about a month. `days` are US dollars by date.
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
    return Forecast(usd=Spending(days=days).of("month", now) + rate * left, days=len(full))
