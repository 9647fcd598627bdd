"""`dropscribe cancel`: end recordings in progress."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer
from rich.text import Text

from local.commands import found, options
from local.commands.context import deployment, errors
from local.commands.operation.agreement import each
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
    places: found.Places,
    as_json: options.AsJson = False,
    state_dir: options.StateDir = None,
) -> None:
    """Cancel recordings in progress. Chunks already with an engine may still be charged."""
    with errors(), deployment(state_dir) as ports:
        raise typer.Exit(run(places, ports, as_json=as_json))


def run(places: Sequence[str], ports: Ports, *, as_json: bool) -> int:
    """Cancel recordings, and print how each of them stands.

    Returns:
        0 if all are cancelled, 1 if some had ended in another way.

    Raises:
        BadRequest: one of the names means no recording, or several; none is cancelled.
        Transient: some may be cancelled; run it again.
    """
    wanted = [one.id for one in found.each_of(places, ports, can=lambda one: not one.ended)]
    audit.note("cancel", wanted, ports)
    ended = each(wanted, lambda one: record.cancel(one, ports), "recording", "cancelled")
    if as_json:
        report = [{"recording": one.id, "uri": one.source.uri, "state": one.state} for one in ended]
        print_json(report)
    else:
        for one in ended:
            output().print(Text(printable(_told(one))), soft_wrap=True)
    return 0 if all(one.state == "CANCELLED" for one in ended) else 1


def _told(one: Recording) -> str:
    if one.state == "CANCELLED":
        return f"Cancelled {one.source.uri}."
    return f"{one.source.uri} had already ended: {one.state}."
