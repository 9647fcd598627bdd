"""`dropscribe rollout` and `rollback`: the next release takes over step by step, or the last one comes back."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from local.commands import options  # noqa: TC001 - Typer reads it at run time
from local.commands.context import errors
from local.commands.deployment import place
from local.commands.terminal import say
from shared.errors import BadRequest, DropscribeError

if TYPE_CHECKING:
    from deployment.rollout.judge import Limits
    from deployment.rollout.phases import Phases
    from deployment.rollout.state import Rollout
    from shared.ports import Ports

STOPPED = "Stopped watching: shares stay as they are. `make rollout` resumes, `make rollback` rolls back."
LEFT = (
    "Stopped showing it. The project's guard keeps watching and moving shares; `make rollout` shows it again and "
    "deploys the rest, `make rollback` rolls back."
)


def command(
    *,
    project: place.Project = "",
    region: place.Region = "",
    variables: place.Variables = None,
    shares: Annotated[
        str, place.variable("SHARES", "Percentages of traffic and recordings, step by step.")
    ] = "10,50,100",
    holds: Annotated[
        str, place.variable("HOLDS", "Minimum minutes for each step except the last.")
    ] = "120,1440",
    least: Annotated[
        int, place.variable("LEAST", "Recordings that must finish before the next step.", min=1)
    ] = 20,
    yes: options.Yes = False,
) -> None:
    """Let this checkout take over a deployment step by step; it rolls back automatically if it fails its checks.

    If interrupted, run the same command to resume. The project's guard keeps watching.
    """
    with errors():
        from deployment import api, build, source, target  # noqa: PLC0415 - `--help` needs none of it
        from deployment.rollout import drive  # noqa: PLC0415 - as above

        limits = limits_of(shares, holds, least)
        where = target.read(project, region, variables)
        with place.moving(where) as (phases, cloud, ports):
            sources, google = source.archive(where.model), api.Api(where.project)
            # Before minutes of a build: whose end would be that there is no terminal to ask, or another release on its way.
            images = build.built(sources, where, google)
            drive.under_way(images, cloud, ports)
            agrees = place.agrees_with(yes=yes)
            if not agrees(f"Roll this release out in {where.project}, at {shares} %?"):
                raise typer.Exit(1)
            images = images or build.build(sources, where, google, say)
            ended = watched(drive.begin(images, cloud, ports, limits), phases, ports)
            raise typer.Exit(0 if ended is not None and ended.phase == "done" else 1)


def back(
    *,
    project: place.Project = "",
    region: place.Region = "",
    variables: place.Variables = None,
) -> None:
    """Return to the release before the last rollout, finished or not."""
    with errors():
        from deployment import target  # noqa: PLC0415 - `--help` needs none of it
        from deployment.rollout import drive  # noqa: PLC0415 - as above

        where = target.read(project, region, variables)
        with place.moving(where) as (phases, cloud, ports):
            ended = watched(drive.rollback(phases, cloud, ports), phases, ports)
            raise typer.Exit(0 if ended is not None and ended.phase == "back" else 1)


def limits_of(shares: str, holds: str, least: int) -> Limits:
    """The limits that a person chose.

    Raises:
        BadRequest: says what is wrong.
    """
    from deployment.rollout.judge import Limits  # noqa: PLC0415 - `--help` needs none of it

    try:
        percent = tuple(float(one) for one in shares.split(","))
        minutes = tuple(float(one) for one in holds.split(","))
    except ValueError:
        raise BadRequest(
            "SHARES and HOLDS are numbers with commas between them: 10,50,100 and 120,1440."
        ) from None
    if (
        list(percent) != sorted(set(percent))
        or not all(0 < one <= 100 for one in percent)
        or percent[-1] != 100
    ):
        raise BadRequest(f"SHARES is {shares}: the shares must grow, and end with 100.")
    if min(minutes) < 0 or len(minutes) < len(percent) - 1:
        raise BadRequest(
            f"HOLDS is {holds}: name the minutes of each share but the last ({len(percent) - 1})."
        )
    return Limits(shares=percent, holds=tuple(one * 60 for one in minutes), least=least)


def watched(rollout: Rollout, phases: Phases, ports: Ports) -> Rollout | None:
    """Go on with a rollout until it has ended; None if the person stopped watching."""
    from deployment.rollout import drive  # noqa: PLC0415 - `--help` needs none of it

    try:
        return drive.run(rollout, phases, ports, say=say, sleep=time.sleep)
    except KeyboardInterrupt:
        say(LEFT if _guards(ports) else STOPPED)
        return None


def _guards(ports: Ports) -> bool:
    from deployment.rollout import drive, state  # noqa: PLC0415 - `--help` needs none of it

    try:
        rollout = state.read(ports)
    except DropscribeError:
        return False
    return rollout is not None and rollout.phase == "shifting" and drive.is_guarded(rollout, ports)
