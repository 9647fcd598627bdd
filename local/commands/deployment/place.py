"""What the commands of a deployment share: options, its records, and a person to ask."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from local.commands.operation.agreement import at_terminal
from shared.errors import BadRequest, ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from deployment.api import Api
    from deployment.rollout.phases import Phases
    from deployment.rollout.services import CloudRun
    from deployment.target import Target
    from shared.ports import Ports


def variable(name: str, said: str, **more: Any) -> Any:
    """The declaration of an option that a variable of the environment gives as well, as make passes it on."""
    return typer.Option(help=f"{said} \\[env: {name}]", envvar=name, show_envvar=False, **more)


Project = Annotated[str, variable("PROJECT", "ID of the project.")]
Region = Annotated[str, variable("REGION", "Region for all resources, such as europe-west4.")]
Variables = Annotated[
    Path | None,
    typer.Option(
        "--variables",
        help="JSON file with Terraform variable values (terraform/README.md); by default "
        "terraform/PROJECT.tfvars.json, if it exists.",
    ),
]


def agrees_with(*, yes: bool) -> Callable[[str], bool]:
    """How a person is asked for a yes.

    YES=1 in the environment is the same as `yes`.
    """
    yes = yes or os.environ.get("YES", "") not in {"", "0"}  # as make passes it on

    def agrees(question: str) -> bool:
        if yes:
            return True
        if not at_terminal():
            raise BadRequest(
                "There is no terminal to ask at. Add YES=1 (or --yes) to continue without a question."
            )
        return typer.confirm(question, err=True)

    return agrees


def key_of(variable: str) -> str:
    """An API key from standard input: hidden at a terminal, else the first line of what is piped in."""
    if at_terminal():
        return str(typer.prompt(variable, hide_input=True, default="", show_default=False, err=True))
    return sys.stdin.readline()


@contextlib.contextmanager
def records(environment: Mapping[str, str]) -> Iterator[Ports]:
    """The deployment's records and queue, from the settings that Terraform gives out."""
    from shared.adapters.google_ports import open_ports  # noqa: PLC0415 - `--help` needs no clients
    from shared.settings import Settings  # noqa: PLC0415 - as above

    with contextlib.closing(open_ports(Settings.from_environment(dict(environment)))) as ports:
        yield ports


def must_be_deployed(target: Target, api: Api) -> None:
    """Look for a deployment before Terraform does, which would say it in its own words.

    Raises:
        ConfigurationError: nothing is deployed, or there are no credentials.
    """
    from deployment import preflight  # noqa: PLC0415 - `--help` needs no clients

    if not preflight.has_state(target, api):
        raise _nothing(target)


def _nothing(target: Target) -> ConfigurationError:
    return ConfigurationError(f"Nothing is deployed in {target.project}: run `make deploy` first.")


@contextlib.contextmanager
def moving(target: Target) -> Iterator[tuple[Phases, CloudRun, Ports]]:
    """What a rollout is made with.

    Raises:
        ConfigurationError: nothing is deployed.
    """
    from deployment import api, plans  # noqa: PLC0415 - `--help` needs no clients
    from deployment.rollout import figures, phases, services  # noqa: PLC0415 - as above

    google, terraform = api.Api(target.project), plans.Terraform(target)
    terraform.check()
    must_be_deployed(target, google)
    outputs = terraform.outputs()
    if "environment" not in outputs:
        raise _nothing(target)
    with records(outputs["environment"]) as ports:
        cloud = services.CloudRun(target, google)
        watch = figures.Watch(ports, target.project, google)
        yield phases.Phases(cloud, terraform.apply, watch, ports), cloud, ports
