"""`dropscribe cancel`: end recordings in progress."""

from __future__ import annotations

import typer
from rich.text import Text

from local import exit_codes
from local.commands import lookup, options
from local.commands.context import deployment, errors
from local.commands.operation.agreement import each
from local.commands.terminal import output, print_json
from shared.flow import record
from shared.in_words import printable
from shared.state import audit


def command(
    *,
    places: lookup.Places,
    as_json: options.AsJson = False,
    state_dir: options.StateDir = None,
) -> None:
    """Cancel recordings in progress. Chunks already with an engine may still be charged."""
    with errors(), deployment(state_dir) as ports:
        wanted = lookup.each_of(places, ports, can=lambda one: not one.ended)
        if in_progress := [one.id for one in wanted if not one.ended]:
            audit.note("cancel", in_progress, ports)
        ended = each(
            [one.id for one in wanted], lambda one: record.cancel(one, ports), "recording", "cancelled"
        )
        others = [one for one in ended if one.state != "CANCELLED"]
        if as_json:
            print_json([{"recording": one.id, "uri": one.source.uri, "state": one.state} for one in ended])
        for one in () if as_json else ended:
            uri = one.source.uri
            told = f"{uri} had already ended: {one.state}." if one in others else f"Cancelled {uri}."
            output().print(Text(printable(told)), soft_wrap=True)
        raise typer.Exit(exit_codes.INCOMPLETE if others else exit_codes.DONE)
