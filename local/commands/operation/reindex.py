"""`dropscribe reindex`: have the words of all transcripts found."""

from __future__ import annotations

import typer
from rich.text import Text

from local import exit_codes
from local.commands import options  # noqa: TC001 - Typer reads it at run time
from local.commands.context import deployment, errors
from local.commands.terminal import output, print_json
from shared.flow.reading import reindex
from shared.in_words import counted, printable


def command(*, as_json: options.AsJson = False, state_dir: options.StateDir = None) -> None:
    """Add all transcripts to the search index, including those older than the index."""
    with errors(), deployment(state_dir) as ports:
        done = list(reindex.every(ports))
        left_out = [(one, why) for one, why in done if why]
        added = len(done) - len(left_out)
        if as_json:
            told = [{"recording": one.id, "uri": one.source.uri, "why": why} for one, why in left_out]
            print_json({"added": added, "left_out": told})
        else:
            for one, why in left_out:
                output().print(Text(printable(f"{one.source.uri} cannot be searched: {why}")), soft_wrap=True)
            output().print(f"{counted(added, 'transcript')} can be searched.")
        raise typer.Exit(exit_codes.INCOMPLETE if left_out else exit_codes.DONE)
