"""`dropscribe reindex`: have the words of all transcripts found."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer
from rich.text import Text

from local.commands import options  # noqa: TC001 - Typer reads it at run time
from local.commands.context import deployment, errors
from local.commands.terminal import output, print_json
from shared.flow.reading import reindex
from shared.in_words import counted, printable

if TYPE_CHECKING:
    from shared.ports import Ports


def command(*, as_json: options.AsJson = False, state_dir: options.StateDir = None) -> None:
    """Add all transcripts to the search index, including those older than the index."""
    with errors(), deployment(state_dir) as ports:
        raise typer.Exit(run(ports, as_json=as_json))


def run(ports: Ports, *, as_json: bool) -> int:
    """Add them, and print how many can be found, and which cannot.

    Returns:
        0 if all can be found, 1 if some cannot.

    Raises:
        Transient: something did not answer; run it again.
    """
    done = list(reindex.every(ports))
    left_out = [(one, why) for one, why in done if why]
    if as_json:
        print_json(
            {
                "added": len(done) - len(left_out),
                "left_out": [
                    {"recording": one.id, "uri": one.source.uri, "why": why} for one, why in left_out
                ],
            }
        )
    else:
        for one, why in left_out:
            output().print(Text(printable(f"{one.source.uri} cannot be searched: {why}")), soft_wrap=True)
        output().print(f"{counted(len(done) - len(left_out), 'transcript')} can be searched.")
    return 1 if left_out else 0
