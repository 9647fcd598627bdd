"""`dropscribe preflight`: what a project lacks for a deployment, and what to do about it."""

from __future__ import annotations

import typer

from local.commands import options  # noqa: TC001 - Typer reads it at run time
from local.commands.context import errors
from local.commands.deployment import place  # noqa: TC001 - as above
from local.commands.terminal import output, print_json


def command(
    *,
    project: place.Project = "",
    region: place.Region = "",
    variables: place.Variables = None,
    as_json: options.AsJson = False,
) -> None:
    """Show what a Google Cloud project lacks for a deployment, and how to fix it. Changes nothing."""
    with errors():
        from deployment import api, preflight, target  # noqa: PLC0415 - `--help` needs none of it

        where = target.read(project, region, variables)
        lacks = preflight.check(where, api.Api(where.project))
        if as_json:
            print_json([{"what": one.what, "cure": one.cure, "blocks": one.blocks} for one in lacks])
        for one in () if as_json else lacks:
            told = f"{'must' if one.blocks else 'may '}  {one.what}\n      {one.cure}"
            output().print(told, highlight=False, markup=False, soft_wrap=True)
        if not lacks and not as_json:
            output().print("Nothing is missing: `make deploy` can continue.", highlight=False, markup=False)
        raise typer.Exit(1 if any(one.blocks for one in lacks) else 0)
