"""`dropscribe cancel`: end recordings in progress."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from local.commands import options  # noqa: TC001 - Typer reads it at run time
from local.commands.context import deployment, errors
from local.commands.operation import found
from local.commands.terminal import output, print_json
from shared.flow import record
from shared.in_words import printable
from shared.state import audit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.model import Recording
    from shared.ports import Ports


def command(
    *,
    keys: Annotated[
        list[str], typer.Argument(metavar="KEY...", help="Keys, as `dropscribe status --keys` shows them.")
    ],
    as_json: options.AsJson = False,
    state_dir: options.StateDir = None,
) -> None:
    """End recordings in progress: what no engine has yet is not transcribed."""
    with errors(), deployment(state_dir) as ports:
        raise typer.Exit(run(keys, ports, as_json=as_json))


def run(keys: Sequence[str], ports: Ports, *, as_json: bool) -> int:
    """Cancel recordings, and print how each of them stands.

    Returns:
        0 if all are cancelled, 1 if some had ended in another way.

    Raises:
        BadRequest: there is no recording with one of the keys; none is cancelled.
        Transient: some may be cancelled; run it again.
    """
    wanted = [one.id for one in found.by_key(keys, ports.records)]
    audit.note("cancel", wanted, ports)
    ended = [record.cancel(one, ports) for one in wanted]
    if as_json:
        report = [{"recording": one.id, "uri": one.source.uri, "state": one.state} for one in ended]
        print_json(report)
    else:
        for one in ended:
            output().print(Text(printable(_told(one))), soft_wrap=True)
    return 0 if all(one.state == "CANCELLED" for one in ended) else 1


def _told(one: Recording) -> str:
    if one.state == "CANCELLED":
        return f"{one.source.uri} is cancelled."
    return f"{one.source.uri} had ended already: {one.state}."
