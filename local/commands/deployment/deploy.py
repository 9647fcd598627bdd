"""`dropscribe deploy`: from an empty project to a deployment, or what that would change."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Annotated

import typer

from local.commands import options  # noqa: TC001 - Typer reads it at run time
from local.commands.context import errors
from local.commands.deployment import place
from local.commands.terminal import say

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.ports import Ports


def command(
    *,
    project: place.Project = "",
    region: place.Region = "",
    variables: place.Variables = None,
    plan: Annotated[bool, typer.Option("--plan", help="Only show what would change.")] = False,
    yes: options.Yes = False,
) -> None:
    """Deploy to a Google Cloud project, from nothing to a transcript, or show what that would change.

    Runs preflight, base resources, build, plan, your confirmation, apply and a smoke test. A second run changes nothing.
    """
    with errors():
        from deployment import api, plans, smoke, source, target  # noqa: PLC0415 - `--help` needs none of it
        from deployment.deploy import Deploy, Person  # noqa: PLC0415 - as above

        where = target.read(project, region, variables)
        google = api.Api(where.project)
        with contextlib.ExitStack() as opened:

            def ports_of(environment: Mapping[str, str]) -> Ports:
                return opened.enter_context(place.records(environment))

            deploy = Deploy(
                where,
                google,
                plans.Terraform(where),
                Person(say=say, agrees=place.agrees_with(yes=yes), key_of=place.key_of),
                ports_of,
                lambda ports: smoke.run(where, google, ports, say),
            )
            sources = source.archive(where.model)
            if plan:
                deploy.plan(sources)
            elif not deploy.run(sources):
                raise typer.Exit(1)
