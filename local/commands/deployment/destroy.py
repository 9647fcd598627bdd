"""`dropscribe destroy`: take a deployment down."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from local.commands import options  # noqa: TC001 - Typer reads it at run time
from local.commands.context import errors
from local.commands.deployment import place
from local.commands.operation.agreement import at_terminal
from local.commands.terminal import say
from shared.errors import BadRequest


def command(
    *,
    project: place.Project = "",
    region: place.Region = "",
    variables: place.Variables = None,
    data: Annotated[
        Literal["keep", "delete"],
        place.variable("DATA", "`delete`: also audio, transcripts, records, keys and images."),
    ] = "keep",
    yes: options.Yes = False,
) -> None:
    """Delete a deployment. Your data is kept unless you say otherwise."""
    with errors():
        from deployment import api, plans, target  # noqa: PLC0415 - `--help` needs none of it

        where = target.read(project, region, variables)
        terraform = plans.Terraform(where)
        terraform.check()
        place.must_be_deployed(where, api.Api(where.project))
        if data == "delete":
            _check_typed(where.project)
            terraform.apply(None, delete_data=True)
            terraform.destroy(delete_data=True)
            say(f"Deleted. Terraform's state stays in gs://{where.state_bucket} until you delete it.")
            return
        agrees = place.agrees_with(yes=yes)
        if not agrees(
            f"Stop everything in {where.project}? Audio, transcripts and records stay; `make deploy` starts it again."
        ):
            raise typer.Exit(1)
        terraform.apply(None)


def _check_typed(project: str) -> None:
    if not at_terminal():
        raise BadRequest("Data can only be deleted from a terminal, where you type the project's name.")
    warning = (
        f"This permanently deletes all audio, transcripts, records and costs of {project}. "
        "Type the name of the project to continue"
    )
    if str(typer.prompt(warning, err=True)).strip() != project:
        raise BadRequest("That is not the name of the project. Nothing was changed.")
