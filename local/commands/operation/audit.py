"""`dropscribe audit`: who asked for what, and when."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.text import Text

from local.commands import options  # noqa: TC001 - Typer reads it at run time
from local.commands.context import deployment, errors
from local.commands.terminal import local_time, output, print_json_line
from shared.messages import to_fields
from shared.state import audit


def command(
    *,
    after: Annotated[
        str,
        typer.Option("--after", help="Only entries after the entry with this key."),
    ] = "",
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object per line, with its key.")
    ] = False,
    state_dir: options.StateDir = None,
) -> None:
    """Show who asked for what, and when. --json prints JSON lines for other systems."""
    with errors(), deployment(state_dir) as ports:
        console = output()
        for key, one in audit.entries(ports.records, after=after):
            if as_json:
                print_json_line({"key": key, **to_fields(one)})
                continue
            about = ", ".join(one.about) + (" …" if one.count > len(one.about) else "")
            told = f"{local_time(one.time)} {one.who}: {one.action} {about}".rstrip()
            console.print(Text(told), soft_wrap=True)
