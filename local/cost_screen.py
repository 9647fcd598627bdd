"""The cost report in a terminal: sums, groups, a bar for each day, and what to change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from shared.flow import documents
from shared.flow.route import human_duration
from shared.prices import dollars

if TYPE_CHECKING:
    from rich.console import Console

    from local.cost import Report
    from shared.costs.summary import Sums
    from shared.ports import Ports

BAR = 40
"""Characters of the longest bar."""

EIGHTHS = " ▏▎▍▌▋▊▉█"
"""Parts of a character's width."""

MOST_GROUPS = 25
"""Groups that are shown; `--csv` and `--json` have all."""


def show(report: Report, ports: Ports, console: Console) -> None:
    """Print it."""
    account, sums = report.account, report.sums
    console.print(f"{account.since} to {account.until} (UTC)", style="bold", highlight=False)
    if not account.rows:
        ever = dollars(ports.records.sum(documents.LEDGER, "usd"))
        console.print(f"Nothing was paid for in these days; {ever} ever. `--since` goes further back.")
        return
    console.print(_totals(report))
    if report.by != "day" or len(report.days) <= 1:
        console.print(_groups(report))
    if len(report.days) > 1:
        console.print(_chart(report.days))
    for one in report.advice:
        console.print(Text(f"→ {one.text}"), style="yellow")
    if report.withheld and sums.usd:
        console.print(report.withheld, highlight=False)
    price = report.prices.deepgram_minute
    console.print(f"Deepgram: ${price.usd} a {price.per} ({price.source}; {price.date}).", highlight=False)
    if ports.settings.platform == "local" and ports.settings.cpu_usd_per_hour == 0 and not sums.usd:
        console.print(
            "Your own computer counts as free. If an hour of it costs you something, "
            "set DROPSCRIBE_CPU_USD_PER_HOUR and new work is priced with it.",
            highlight=False,
        )


def _totals(report: Report) -> Table:
    sums, deepgram = report.sums, report.sums.deepgram(report.prices)
    shown = Table(show_header=False, pad_edge=False, box=None)
    shown.add_column(justify="left")
    shown.add_column(justify="right")
    shown.add_row("recordings transcribed", f"{len(sums.recordings):,}")
    shown.add_row("audio", human_duration(sums.seconds))
    shown.add_row("cost", dollars(sums.usd))
    if sums.usd_per_recording is not None:
        shown.add_row("  for each recording", dollars(sums.usd_per_recording))
    if sums.usd_per_hour is not None:
        shown.add_row("  for each hour of audio", dollars(sums.usd_per_hour))
    shown.add_row("  of it start-up and idle time", _share(sums.fates["idle"], sums.usd))
    shown.add_row("  of it wasted", _share(sums.wasted, sums.usd))
    shown.add_row("Deepgram would have asked", dollars(deepgram))
    if round(deepgram - sums.usd, 4) > 0:
        shown.add_row("saved", _share(deepgram - sums.usd, deepgram))
    if report.forecast is not None:
        days = "a day" if report.forecast.days == 1 else f"{report.forecast.days} days"
        shown.add_row(f"forecast for this month (by the mean of {days})", dollars(report.forecast.usd))
    return shown


def _groups(report: Report) -> Table:
    shown = Table(box=SIMPLE_HEAD, pad_edge=False)
    shown.add_column(report.by, overflow="fold")
    for name in ("recordings", "audio", "cost", "share", "an hour", "wasted"):
        shown.add_column(name, justify="right", no_wrap=True)
    for name, one in list(report.groups.items())[:MOST_GROUPS]:
        shown.add_row(*_cells(name, one, report.sums))
    if len(report.groups) > MOST_GROUPS:
        shown.caption = f"{len(report.groups) - MOST_GROUPS} more: `--csv` has all."
    return shown


def _cells(name: str, one: Sums, every: Sums) -> list[str | Text]:
    return [
        Text(name),
        f"{len(one.recordings):,}",
        human_duration(one.seconds) if one.seconds else "",
        dollars(one.usd),
        f"{one.usd / every.usd:.0%}" if every.usd else "",
        dollars(one.usd_per_hour) if one.usd_per_hour is not None else "",
        dollars(one.wasted) if one.wasted else "",
    ]


def _chart(days: dict[str, float]) -> Table:
    most = max(days.values())
    shown = Table(show_header=False, box=None, pad_edge=False)
    for _ in range(2):
        shown.add_column(no_wrap=True)
    shown.add_column(justify="right", no_wrap=True)
    for day, usd in days.items():
        shown.add_row(day, Text(bar(usd, most), style="cyan"), dollars(usd))
    return shown


def bar(value: float, most: float) -> str:
    """A bar of up to `BAR` characters, to an eighth of one."""
    eighths = round(max(0.0, value) / most * BAR * 8) if most > 0 else 0
    return EIGHTHS[8] * (eighths // 8) + (EIGHTHS[eighths % 8] if eighths % 8 else "")


def _share(usd: float, of: float) -> str:
    return f"{dollars(usd)} ({usd / of:.0%})" if of and usd else dollars(usd)
