"""`dropscribe cost`: the sums of the ledger, and advice on what to change."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - Typer reads it at run time
from typing import TYPE_CHECKING, Annotated

import typer

from local.commands import options  # noqa: TC001 - Typer reads it at run time
from local.commands.context import deployment, errors
from local.commands.terminal import output, print_json, print_text
from local.commands.views import cost_screen, reconcile
from shared.connect import settings_here
from shared.costs import hour_price, prices_file, report
from shared.costs.report import Question
from shared.costs.summary import By  # noqa: TC001 - Typer reads it at run time
from shared.errors import BadRequest
from shared.in_words import listed

if TYPE_CHECKING:
    from collections.abc import Mapping


app = typer.Typer(invoke_without_command=True, add_completion=False)
app.command("reconcile")(reconcile.command)


@app.callback()
def command(
    context: typer.Context,
    *,
    since: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"], help="First day (UTC). By default a month ago; with --by month, a year."
        ),
    ] = None,
    until: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Last day (UTC). By default today.")
    ] = None,
    by: Annotated[By | None, typer.Option(help="What to group by.")] = None,
    as_json: options.AsJson = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print the groups as CSV.")] = False,
    table: Annotated[
        bool,
        typer.Option(
            "--table", help="Print the price of an hour of audio at several speeds, with the sources."
        ),
    ] = False,
    state_dir: options.StateDir = None,
) -> None:
    """Show what transcripts cost, how much of it was wasted, what a hosted engine would have charged, and what to change."""
    if context.invoked_subcommand is not None:
        return
    with errors():
        forms = {"--json": as_json, "--csv": as_csv, "--table": table}
        check(forms | {"--since": since, "--until": until, "--by": by})
        if table:
            settings = settings_here()
            typer.echo(hour_price.markdown(prices_file.table(settings), settings), nl=False)
            return
        with deployment(state_dir) as ports:
            question = Question(
                since=since and since.date(),
                until=until and until.date(),
                by=by,
                form="json" if as_json else "csv" if as_csv else "screen",
            )
            found = report.make(question, ports)
            if as_json:
                print_json(report.as_json(found, ports))
            elif as_csv:
                print_text(report.as_csv(found), end="")
            else:
                cost_screen.show(found, ports, output())


def check(asked: Mapping[str, object]) -> None:
    """Check that the options of the command go together.

    What was not given is false.

    Raises:
        BadRequest: they do not; says which.
    """
    given = [name for name, value in asked.items() if value]
    if len(forms := [name for name in given if name in {"--json", "--csv", "--table"}]) > 1:
        raise BadRequest(f"Choose one of {listed(forms, 'and')}.")
    if "--table" in given and len(given) > 1:
        rest = listed((name for name in given if name != "--table"), "and")
        raise BadRequest(f"--table shows prices, not what was spent: leave out {rest}, or --table.")
