"""`dropscribe cost reconcile`: the ledger beside what Deepgram and Google say, day by day."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING, Annotated, Any

import typer

from local.commands import options  # noqa: TC001 - Typer reads it at run time
from local.commands.context import deployment, errors
from local.commands.terminal import output, print_json, table
from shared.costs import reconcile, rows
from shared.engines import DEEPGRAM
from shared.errors import BadRequest
from shared.in_words import dollars, human_duration

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console
    from rich.table import Table

    from shared.costs.reconcile import Comparison, Line
    from shared.ports import Ports
    from shared.results import LedgerRow

DAYS = 7
"""Days that are compared by default, without today and yesterday, which no bill is complete for."""

MOST_DAYS = 100
"""Deepgram is asked for each day."""

MOST_CALLS = 20
"""Calls that are shown; `--json` prints all."""

OURS = re.compile(r"[0-9A-Za-z]{26}\.\d{5}")
"""The tag of a call: key of a chunk, see `documents.chunk_key`."""


def command(
    *,
    since: Annotated[
        dt.datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="First day (UTC); default: six days before the last day."),
    ] = None,
    until: Annotated[
        dt.datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="Last day (UTC); default: the day before yesterday."),
    ] = None,
    billing_table: Annotated[
        str,
        typer.Option(
            help="Google's billing export: PROJECT.DATASET.gcp_billing_export_v1_ACCOUNT. Without it, only Deepgram's bill is checked.",
        ),
    ] = "",
    deepgram_project: Annotated[
        str,
        typer.Option(help="ID of the Deepgram project, if the key belongs to several."),
    ] = "",
    as_json: options.AsJson = False,
    state_dir: options.StateDir = None,
) -> None:
    """Compare the ledger with what Deepgram and Google say. The exit code is 1 if they differ."""
    with errors(), deployment(state_dir) as ports:
        days = days_of(since and since.date(), until and until.date(), ports)
        found = compare(days, ports, table=billing_table, project=deepgram_project)
        if as_json:
            print_json(as_values(days, found))
        else:
            show(days, found, output())
        if not all(one.agrees for one in found):
            raise typer.Exit(1)


def days_of(since: dt.date | None, until: dt.date | None, ports: Ports) -> list[dt.date]:
    """The days to compare.

    Raises:
        BadRequest: they make no sense.
    """
    today = dt.datetime.fromtimestamp(ports.clock.now(), dt.UTC).date()
    until = until or today - dt.timedelta(days=2)
    since = since or until - dt.timedelta(days=DAYS - 1)
    if since > until:
        raise BadRequest(f"The first day, {since}, is after the last, {until}: give an earlier --since.")
    if (until - since).days >= MOST_DAYS:
        raise BadRequest(f"{since} to {until} is more than {MOST_DAYS} days: give a later --since.")
    return [since + dt.timedelta(days=number) for number in range((until - since).days + 1)]


def compare(days: list[dt.date], ports: Ports, *, table: str, project: str) -> list[Comparison]:
    """The ledger beside each provider that can be asked.

    Raises:
        BadRequest: there is no provider to ask, or a name is wrong.
        ConfigurationError: a key, a role or a table is missing; says which.
        Transient: the records or a provider did not answer.
    """
    settings = ports.settings
    key = settings.api_keys.get(DEEPGRAM.name, "")
    if not key and not table:
        raise BadRequest(
            "There is no bill to compare the ledger with: set DEEPGRAM_API_KEY, or name Google's billing export with "
            "--billing-table."
        )
    if table and settings.platform == "local":
        raise BadRequest(
            "--billing-table is for a project: set DROPSCRIBE_PLATFORM=google and GOOGLE_CLOUD_PROJECT."
        )
    account = rows.read(ports, days[0], days[-1])
    found = []
    if key:
        found.append(_with_deepgram(days, account.rows, key, settings.addresses[DEEPGRAM.name], project))
    if table:
        from shared.adapters.bills import google_bill  # noqa: PLC0415 - imports Google's client

        bill = google_bill.read(settings.project, table, days[0], days[-1])
        found.append(reconcile.workers("Google, workers", account.rows, bill))
    return found


def _with_deepgram(
    days: list[dt.date], ledger: tuple[LedgerRow, ...], key: str, url: str, project: str
) -> Comparison:
    from shared.adapters.bills import deepgram_bill  # noqa: PLC0415 - imports Deepgram's client

    bill = deepgram_bill.read(
        deepgram_bill.client(key, url), days, lambda tag: OURS.fullmatch(tag) is not None, project
    )
    return reconcile.hosted(DEEPGRAM.in_sentences, ledger, DEEPGRAM.name, bill)


def as_values(days: list[dt.date], found: list[Comparison]) -> dict[str, Any]:
    """The comparisons as plain values."""
    return {
        "since": days[0].isoformat(),
        "until": days[-1].isoformat(),
        "agrees": all(one.agrees for one in found),
        "comparisons": [
            {
                "with": one.who,
                "agrees": one.agrees,
                "days": [
                    {
                        "day": line.day,
                        "ledger_usd": round(line.ledger_usd, 6),
                        "billed_usd": round(line.billed_usd, 6),
                        "difference_usd": round(line.difference, 6),
                    }
                    for line in one.lines
                ],
                "calls": [
                    {
                        "tag": call.tag,
                        "ledger_seconds": round(call.ledger_seconds, 3),
                        "billed_seconds": round(call.billed_seconds, 3),
                    }
                    for call in one.calls
                ],
            }
            for one in found
        ],
    }


def show(days: list[dt.date], found: list[Comparison], console: Console) -> None:
    """Print them as tables."""
    console.print(f"{days[0]} to {days[-1]} (UTC)", style="bold", highlight=False)
    for one in found:
        console.print(_days(one))
        if one.calls:
            console.print(_calls(one))
        verdict = "The ledger and the bill agree." if one.agrees else f"The ledger and {one.who} differ."
        console.print(verdict, highlight=False, style="" if one.agrees else "yellow")


def _days(one: Comparison) -> Table:
    names = ("ledger", "billed", "difference")
    shown = table("day", *names, figures=names, whole=("day",), title=one.who)
    for line in one.lines:
        shown.add_row(line.day, *_figures(line), style="" if line.agrees else "yellow")
    if len(one.lines) > 1:
        shown.add_section()
        shown.add_row("total", *_figures(one.total))
    return shown


def _figures(line: Line) -> Iterator[str]:
    return map(dollars, (line.ledger_usd, line.billed_usd, line.difference))


def _calls(one: Comparison) -> Table:
    names = ("ledger", "billed")
    title = f"Calls that differ: {len(one.calls):,}"
    shown = table("chunk", *names, figures=names, whole=("chunk",), title=title)
    for call in one.calls[:MOST_CALLS]:
        seconds = (call.ledger_seconds, call.billed_seconds)
        shown.add_row(call.tag, *(human_duration(value) if value else "none" for value in seconds))
    return shown
