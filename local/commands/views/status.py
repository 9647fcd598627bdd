"""`dropscribe status`: what is waiting, running, done and failed, and why."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, get_args

import typer

from local.commands import lookup, options
from local.commands.context import deployment, errors
from local.commands.terminal import output, print_json
from local.commands.views import details, watch
from local.commands.views.overview import Wanted, as_values, location, look
from local.commands.views.status_screen import screen
from shared.errors import BadRequest
from shared.model import State

if TYPE_CHECKING:
    from shared.ports import Ports


OneState = StrEnum("OneState", list(get_args(State)))  # type: ignore[misc]  # the states are listed once
"""A state on a command line: Typer makes no lists of literals."""


def command(
    *,
    places: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="FILE|ID",
            help=f"Only these recordings, in full. {lookup.HELP}",
        ),
    ] = None,
    states: Annotated[
        list[OneState] | None,
        typer.Option(
            "--state",
            case_sensitive=False,
            help="Only recordings in this state; can be repeated.",
        ),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Number of recordings to show.")] = 20,
    ids: Annotated[
        bool,
        typer.Option("--ids", help="Show IDs, files and states only."),
    ] = False,
    follow: Annotated[
        bool,
        typer.Option(
            "--watch",
            "-w",
            help="Keep showing changes until Ctrl-C, or until the named recordings have ended.",
        ),
    ] = False,
    as_json: options.AsJson = False,
    state_dir: options.StateDir = None,
) -> None:
    """Show what is waiting, running, done and failed, and why."""
    with errors():
        if places and (states or ids):
            raise BadRequest("Name recordings, or choose them with --state and --ids, not both.")
        wanted = Wanted(
            limit=limit,
            places=tuple(places or ()),
            states=tuple(state for state in get_args(State) if state.lower() in (states or ())),
            ids=ids,
        )
        with deployment(state_dir) as ports:
            if follow:
                watch.run(
                    lambda: look(wanted, ports),
                    lambda it: screen(it, wanted, ports),
                    ports,
                    as_json=as_json,
                    until_ended=bool(places),
                )
            else:
                run(wanted, ports, as_json=as_json)


def run(wanted: Wanted, ports: Ports, *, as_json: bool) -> None:
    """Print the state of all recordings as counts, and of the newest ones in a table; or those that are named in full.

    Raises:
        NotFound: there is no recording of a name.
        BadRequest: a name fits several recordings.
    """
    console = output()
    if wanted.places:
        named = lookup.each_of(wanted.places, ports)
        if as_json:
            print_json({"recordings": [details.values(one, ports) for one in named]} | location(ports))
            return
        for number, one in enumerate(named):
            if number:
                console.print()
            details.show(one, ports, console)
        return
    report = look(wanted, ports)
    if as_json:
        print_json(as_values(report, ports))
    else:
        console.print(screen(report, wanted, ports))
