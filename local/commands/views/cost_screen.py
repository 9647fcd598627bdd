"""The cost report in a terminal: sums, groups, a bar for each day, and what to change."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from rich.text import Text

from local.commands.terminal import pairs, table
from shared.costs.prices import reference
from shared.costs.rows import days_of
from shared.costs.summary import PERIODS, WASTE, Sums
from shared.in_words import counted, dollars, human_duration, printable
from shared.state import documents

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from shared.costs.report import Report
    from shared.ports import Ports

BAR = 40
"""Characters of the longest bar."""

WIDE = 120
"""Columns of a terminal wide enough for bars beside the numbers of the days."""

MOST_DAYS = 62
"""Days that get a bar each; if there are more, the months do."""

EIGHTHS = " ▏▎▍▌▋▊▉█"
"""Parts of a character's width."""

MOST_GROUPS = 31
"""Groups that are shown; `--csv` and `--json` print all."""


def show(report: Report, ports: Ports, console: Console) -> None:
    """Print it."""
    account, sums = report.account, report.sums
    console.print(f"{account.since} to {account.until} (UTC)", style="bold", highlight=False)
    if account.unread:
        said = counted(account.unread, "row")
        console.print(
            f"{said} of the ledger cannot be read, so what they cost is not in this report: the log names them.",
            style="yellow",
            highlight=False,
        )
    if not account.rows:
        ever = dollars(ports.records.sum(documents.LEDGER, "usd"))
        console.print(
            f"Nothing was spent on these days ({ever} in all). Choose others with --since and --until."
        )
        return
    console.print(_totals(report))
    console.print()
    beside = report.by in PERIODS and console.width >= WIDE
    console.print(_groups(report, bars_beside=beside))
    if len(report.days) > 1 and not beside:
        console.print()
        console.print(_chart(report.days))
    console.print()
    for one in report.advice:
        console.print(Text(f"→ {one.text}"), style="yellow")
    if report.withheld and sums.usd:
        console.print(report.withheld, highlight=False)
    if price := report.prices.price(reference().name, "minute"):
        name = reference().in_sentences
        console.print(
            f"{name}: ${price.usd} per {price.per} ({price.source}; {price.date}).", highlight=False
        )
    if ports.settings.platform == "local" and ports.settings.cpu_usd_per_hour == 0 and not sums.usd:
        console.print(
            "Your own computer counts as free. If it costs you something, "
            "set DROPSCRIBE_CPU_USD_PER_HOUR to its price per hour.",
            highlight=False,
        )


def _totals(report: Report) -> Table:
    sums, would = report.sums, report.sums.reference_usd(report.prices)
    shown = pairs(figures=True)
    shown.add_row("recordings transcribed", f"{len(sums.recordings):,}")
    shown.add_row("audio", human_duration(sums.seconds))
    shown.add_row("cost", dollars(sums.usd))
    if sums.usd_per_recording is not None:
        shown.add_row("  per recording", dollars(sums.usd_per_recording))
    if sums.usd_per_hour is not None:
        shown.add_row("  per hour of audio", dollars(sums.usd_per_hour))
    shown.add_row("  start-up and idle time", _share(sums.fates["idle"], sums.usd))
    shown.add_row("  wasted", _share(sums.wasted, sums.usd))
    for fate, said in WASTE.items():
        if sums.fates[fate]:
            shown.add_row(f"    {said}", dollars(sums.fates[fate]))
    shown.add_row(f"{reference().in_sentences} would have charged", dollars(would))
    if round(would - sums.usd, 4) > 0:
        shown.add_row("saved", _share(would - sums.usd, would))
    if report.forecast is not None:
        days = counted(report.forecast.days, "day")
        shown.add_row(f"forecast for this month (average of {days})", dollars(report.forecast.usd))
    for one in report.budgets:
        name = "budget for today" if one.limit.period == "day" else "budget for this month"
        shown.add_row(name, f"{dollars(one.usd)} of {dollars(one.limit.usd)} ({one.usd / one.limit.usd:.0%})")
    return shown


def _groups(report: Report, *, bars_beside: bool) -> Table:
    figures = ("recordings", "audio", "cost", "share", "per hour", "wasted")
    bars = ("",) if bars_beside else ()
    shown = table(report.by, *figures, *bars, figures=figures, whole=("",))
    every = list(report.groups.items())
    most = max(one.usd for _, one in every)
    # The newest days or months, or the most expensive of other groups.
    for name, one in every[-MOST_GROUPS:] if report.by in PERIODS else every[:MOST_GROUPS]:
        more = [Text(bar(one.usd, most), style="cyan")] if bars_beside else []
        shown.add_row(*_cells(name, one, report.sums), *more)
    if len(report.groups) > MOST_GROUPS:
        shown.caption = f"{len(report.groups) - MOST_GROUPS} more: `--csv` prints all."
    return shown


def _cells(name: str, one: Sums, every: Sums) -> list[str | Text]:
    return [
        Text(printable(name)),
        f"{len(one.recordings):,}",
        human_duration(one.seconds) if one.seconds else "",
        dollars(one.usd),
        f"{one.usd / every.usd:.0%}" if every.usd else "",
        dollars(one.usd_per_hour) if one.usd_per_hour is not None else "",
        dollars(one.wasted) if one.wasted else "",
    ]


def _chart(days: dict[str, float]) -> Table:
    found = bars(days)
    most = max(found.values())
    shown = pairs(figures=True)
    shown.add_column(no_wrap=True)
    for name, usd in found.items():
        shown.add_row(name, dollars(usd), Text(bar(usd, most), style="cyan"))
    return shown


def bars(days: dict[str, float]) -> dict[str, float]:
    """US dollars of each day from the first to the last, also of days without cost; of each month if there are many."""
    first, last = (dt.date.fromisoformat(day) for day in (min(days), max(days)))
    every = days_of(first, last)
    if len(every) <= MOST_DAYS:
        return {day: days.get(day, 0.0) for day in every}
    months = dict.fromkeys((day[:7] for day in every), 0.0)
    for day, usd in days.items():
        months[day[:7]] += usd
    return months


def bar(value: float, most: float) -> str:
    """A bar of up to `BAR` characters, to an eighth of one."""
    eighths = round(max(0.0, value) / most * BAR * 8) if most > 0 else 0
    return EIGHTHS[8] * (eighths // 8) + (EIGHTHS[eighths % 8] if eighths % 8 else "")


def _share(usd: float, of: float) -> str:
    return f"{dollars(usd)} ({usd / of:.0%})" if of and usd else dollars(usd)
