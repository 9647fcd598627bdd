"""The cost report: the sums of the ledger over some days, and advice on what to change.

Its columns are in summary.py, `Sums.columns`.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from shared.costs import advice, budget, limits, prices_file, rows, summary
from shared.costs.advice import Advice
from shared.costs.limits import Forecast, Limit
from shared.costs.prices import PriceTable, reference
from shared.costs.rows import Account
from shared.costs.summary import By, Sums, reference_column
from shared.engines import is_hosted
from shared.errors import BadRequest
from shared.in_words import human_duration
from shared.state import documents

if TYPE_CHECKING:
    from shared.ports import Ports

DAYS = 30
"""Days that are reported by default."""

MONTHS = 12
"""Months that a report by month covers by default, this one included."""

MOST_DAYS = 3660
"""Ten years: each day is a query of its own."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """What to report."""

    since: dt.date | None
    """First day (UTC); None: a month before the last, for a report by month the first day of the last twelve."""
    until: dt.date | None
    """Last day (UTC); None: today."""
    by: By | None
    """How to group."""
    form: Literal["screen", "json", "csv"]
    """Form of the answer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BudgetUse:
    """A budget and what is spent of it."""

    limit: Limit
    """The budget."""
    usd: float
    """Cost of its day or month so far, US dollars."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """The answer."""

    account: Account
    """The rows."""
    sums: Sums
    """All of them."""
    by: By
    """What the groups are."""
    groups: dict[str, Sums]
    """By the names of the groups."""
    days: dict[str, float]
    """US dollars of each day that cost anything."""
    advice: list[Advice]
    """What to change."""
    forecast: Forecast | None
    """Expected cost of this month; None if the report covers other days, or too few."""
    budgets: list[BudgetUse]
    """The budgets in force; none if the report covers other days."""
    withheld: str
    """Why there is no advice and no forecast, in words; empty if there are enough rows."""
    prices: PriceTable
    """Current prices, to compare with."""


def make(question: Question, ports: Ports) -> Report:
    """Read the rows and sum them up.

    Raises:
        BadRequest: the days make no sense.
    """
    now = ports.clock.now()
    today = dt.datetime.fromtimestamp(now, dt.UTC).date()
    until = question.until or today
    since = question.since or _first(until, question.by)
    if since > until:
        if question.until is None:
            raise BadRequest(f"{since} is after today ({until}, UTC): give an earlier --since.")
        raise BadRequest(
            f"The first day, {since}, is after the last, {until}: give an earlier --since or a later --until."
        )
    if (until - since).days >= MOST_DAYS:
        raise BadRequest(f"{since} to {until} is more than ten years: give a later --since.")
    account, prices = rows.read(ports, since, until), prices_file.table(ports.settings)
    sums, by = summary.total(account), question.by or ("day" if question.form == "csv" else "method")
    days = {day: one.usd for day, one in summary.grouped(account, "day").items()}
    # The days of this month, and the full days before today whose mean it goes on with.
    told = until == today and since <= min(today.replace(day=1), today - dt.timedelta(days=limits.AVERAGED))
    withheld = _withheld(account, "Advice and a forecast need" if told else "Advice needs")
    return Report(
        account=account,
        sums=sums,
        by=by,
        groups=summary.grouped(account, by),
        days=days,
        advice=[] if withheld else advice.advise(account, sums, prices, ports.settings),
        forecast=limits.forecast(days, now) if told and not withheld else None,
        budgets=_budgets(days, now, ports) if told else [],
        withheld=withheld,
        prices=prices,
    )


def _first(until: dt.date, by: By | None) -> dt.date:
    """The first day of a report that names none."""
    if by != "month":
        return until - dt.timedelta(days=DAYS)
    months = until.year * 12 + until.month - MONTHS
    return dt.date(months // 12, months % 12 + 1, 1)


def _budgets(days: dict[str, float], now: float, ports: Ports) -> list[BudgetUse]:
    spent = limits.Spending(days=days)
    return [BudgetUse(limit=one, usd=spent.of(one.period, now)) for one in budget.limits_of_now(ports)]


def _withheld(account: Account, need: str) -> str:
    span = advice.spanned(account)
    if not account.rows or span >= advice.ENOUGH_SECONDS:
        return ""
    said = human_duration(span // 60 * 60) if span >= 60 else "less than a minute"
    return f"{need} at least a day of rows; these span {said}."


def as_json(report: Report, ports: Ports) -> dict[str, Any]:
    """The report as plain values: US dollars, hours and counts."""
    return {
        "since": report.account.since.isoformat(),
        "until": report.account.until.isoformat(),
        **report.sums.columns(report.prices),
        # Whose price `saved_usd` is measured against, for sentences, and its sum above.
        "reference": {"name": reference().in_sentences, "column": reference_column()},
        "failed_usd": round(report.sums.fates["failed"], 6),
        "lost_usd": round(report.sums.fates["lost"], 6),
        "unused_usd": round(report.sums.fates["wasted"], 6),
        "busy_hours": round(_busy_seconds(report.account) / 3600, 6),
        "forecast_usd": None if report.forecast is None else round(report.forecast.usd, 6),
        "forecast_from_days": None if report.forecast is None else report.forecast.days,
        "budgets": [
            {"period": one.limit.period, "limit_usd": one.limit.usd, "spent_usd": round(one.usd, 6)}
            for one in report.budgets
        ],
        "ever_usd": round(ports.records.sum(documents.LEDGER, "usd"), 6),
        "unread_rows": report.account.unread,
        "by": report.by,
        "groups": [{"name": name} | one.columns(report.prices) for name, one in report.groups.items()],
        "days": {day: round(usd, 6) for day, usd in report.days.items()},
        "advice": [{"text": one.text, "usd_per_month": round(one.usd_per_month, 4)} for one in report.advice],
        "advice_withheld": report.withheld or None,
        "prices": report.prices.version,
        "cpu_usd_per_hour": ports.settings.cpu_usd_per_hour,
    }


def _busy_seconds(account: Account) -> float:
    """Time of our own engines: while a hosted one works, nothing of ours is busy."""
    return sum(row.busy_seconds for row in account.rows if not is_hosted(row.engine))


def as_csv(report: Report) -> str:
    """The groups as a table with a line for each."""
    out = io.StringIO()
    first = {report.by: ""} | report.sums.columns(report.prices)
    writer = csv.DictWriter(out, list(first), lineterminator="\n")
    writer.writeheader()
    for name, one in report.groups.items():
        values = one.columns(report.prices)
        writer.writerow({report.by: name} | {key: _decimal(value) for key, value in values.items()})
    return out.getvalue()


def _decimal(value: float | None) -> str:
    """Without an exponent, which not every spreadsheet reads as a number."""
    return "" if value is None else f"{value + 0.0:.6f}".rstrip("0").rstrip(".")
