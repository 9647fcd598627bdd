"""`dropscribe flags`: settings that take effect while a deployment runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from local.commands import options  # noqa: TC001 - Typer reads it at run time
from local.commands.context import deployment, errors
from local.commands.terminal import local_time, output, print_json, table
from shared.errors import BadRequest
from shared.routing import conditions, flags, parakeet_share
from shared.routing.flags import NAMES, Flags
from shared.settings import Settings
from shared.state import audit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.ports import Ports


def command(
    *,
    assignments: Annotated[
        list[str] | None, typer.Argument(help="NAME=VALUE sets a flag, NAME= removes it.")
    ] = None,
    as_json: options.AsJson = False,
    state_dir: options.StateDir = None,
) -> None:
    """Show and change the settings that take effect while a deployment runs, such as ROLLOUT_PERCENT=50."""
    with errors(), deployment(state_dir, begin=True) as ports:
        found = _changed(assignments or [], ports)
        settings = found.applied(ports.settings)
        share = _share(found, settings, ports)
        if as_json:
            report = {
                name: {"value": getattr(settings, field), "flag": name in found.values}
                for name, field in NAMES.items()
            }
            print_json({"flags": report, "rollout": {"percent": share.percent, "why": share.why_less}})
            return
        console = output()
        columns = ("flag", "value", "from")
        shown = table(*columns, whole=columns)
        for name, field in NAMES.items():
            shown.add_row(name, _told(getattr(settings, field)), _origin(name, found, ports.settings))
        console.print(shown)
        if share.why_less:
            console.print(
                f"Parakeet gets {share.percent:g} % of the recordings: {share.why_less}.",
                highlight=False,
                markup=False,
            )
            console.print(f"Set {parakeet_share.VARIABLE} again to continue.", highlight=False)


def _changed(pairs: Sequence[str], ports: Ports) -> Flags:
    """The flags after these assignments."""
    assignments = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals:
            raise BadRequest(f"{pair} sets nothing: write NAME=VALUE, or NAME= to remove the flag.")
        assignments[name.strip()] = value.strip()
    if not assignments:
        return flags.read(ports)
    flags.check(assignments, ports)
    audit.note("flags", [f"{name}={value}" for name, value in assignments.items()], ports)
    return flags.change(assignments, ports)


def _share(found: Flags, settings: Settings, ports: Ports) -> parakeet_share.Share:
    asked = parakeet_share.Asked(
        percent=settings.rollout_percent, since=found.since.get(parakeet_share.VARIABLE, 0.0)
    )
    return parakeet_share.share(conditions.read(ports).rollout, asked)


def _told(value: object) -> str:
    return (
        str(value).lower()
        if isinstance(value, bool)
        else f"{value:g}"
        if isinstance(value, float)
        else str(value)
    )


def _origin(name: str, found: Flags, settings: Settings) -> str:
    if name in found.values:
        since = found.since.get(name, 0.0)
        return f"flag since {local_time(since)}" if since else "flag"
    default = Settings.__dataclass_fields__[NAMES[name]].default
    return "default" if getattr(settings, NAMES[name]) == default else "environment"
