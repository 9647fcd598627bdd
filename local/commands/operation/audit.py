"""`dropscribe audit`: who asked for what, and when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from local.commands import options  # noqa: TC001 - Typer reads it at run time
from local.commands.context import deployment, errors
from local.commands.terminal import local_time, output, print_json_line
from shared.messages import to_fields
from shared.state import audit

if TYPE_CHECKING:
    from shared.ports import Ports


def command(
    *,
    after: Annotated[
        str,
        typer.Option("--after", help="Only entries after the one with this key.", show_default=False),
    ] = "",
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object per line, with its key.")
    ] = False,
    state_dir: options.StateDir = None,
) -> None:
    """Show who asked for what, and when. --json prints JSON lines for other systems."""
    with errors(), deployment(state_dir) as ports:
        run(after, ports, as_json=as_json)


def run(after: str, ports: Ports, *, as_json: bool) -> None:
    """Print the entries, the oldest first.

    Args:
        after: key of the last entry that was seen; empty: all.
        ports: the deployment, this machine's or a project's.
        as_json: print a JSON object a line. With the key of the last one as `after`, the next call goes on there.

    Raises:
        Transient: the records did not answer.
    """
    console = output()
    for key, one in audit.entries(ports.records, after=after):
        if as_json:
            print_json_line({"key": key, **to_fields(one)})
        else:
            about = ", ".join(one.about) + (" …" if one.count > len(one.about) else "")
            console.print(
                Text(f"{local_time(one.time)} {one.who}: {one.action} {about}".rstrip()), soft_wrap=True
            )
