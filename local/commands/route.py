"""`dropscribe route` and `dropscribe flags`: what would be chosen, and what may be changed while all runs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from local.commands.screen import printable
from local.commands.submit import uri_of
from local.commands.terminal import moment, output
from shared.errors import BadRequest
from shared.flow import probe, request
from shared.in_words import dollars, human_duration, human_size
from shared.messages import to_fields
from shared.model import recording_id
from shared.routing import conditions, flags, rollout, route
from shared.routing.case import Case
from shared.routing.flags import NAMES
from shared.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.model import Considered, Options
    from shared.ports import Ports
    from shared.routing.flags import Flags


def explain(uri: str, options: Options, ports: Ports, *, as_json: bool) -> None:
    """Print who would transcribe a recording, and why not somebody else. Nothing is stored or transcribed.

    Args:
        uri: `gs://bucket/name`, or a path of this machine.
        options: as the caller would send them.
        ports: the deployment.
        as_json: print JSON on standard output.

    Raises:
        Permanent: it could not be transcribed at all.
    """
    source = request.locate(uri_of(uri, ports), ports)
    audio = probe.look_at(source, options, ports)
    case = Case(key=recording_id(source, options), size=source.size, audio=audio, options=options)
    choice = route.choose(case, route.known(ports))
    decision = choice.decision
    if as_json:
        report = {"uri": source.uri, "audio": audio, "chunks": len(choice.chunks), **to_fields(decision)}
        print(json.dumps(to_fields(report), ensure_ascii=False, indent=2))  # noqa: T201 - output
        return
    console = output()
    heading = (
        f"{printable(source.uri)}: {human_duration(audio.duration)}, {audio.codec}, {human_size(source.size)}"
    )
    console.print(heading, highlight=False, markup=False)
    chunks = "1 chunk" if len(choice.chunks) == 1 else f"{len(choice.chunks)} chunks"
    console.print(f"{decision.method}, {chunks}: {decision.reason}", highlight=False, markup=False)
    console.print(_considered(decision.considered))


def _considered(found: Sequence[Considered]) -> Table:
    shown = Table(box=SIMPLE_HEAD, pad_edge=False)
    shown.add_column("method", no_wrap=True)
    for name in ("cost", "done in", "with waiting"):
        shown.add_column(name, justify="right", no_wrap=True)
    shown.add_column("why not", overflow="fold")
    for one in found:
        shown.add_row(
            one.method,
            "" if one.usd is None else dollars(one.usd),
            "" if one.wait is None else human_duration(one.wait),
            "" if one.score is None else dollars(one.score),
            Text(one.why_not or "chosen"),
        )
    return shown


def change_flags(pairs: Sequence[str], ports: Ports, *, as_json: bool) -> None:
    """Set the flags that are named, then print all of them.

    Args:
        pairs: `NAME=VALUE`; an empty value takes the flag away.
        ports: the deployment.
        as_json: print JSON on standard output.

    Raises:
        BadRequest: names the pair that is none, or the flag that is unknown or wrong.
    """
    assignments = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals:
            raise BadRequest(f"{pair} sets nothing: write NAME=VALUE, or NAME= to take the flag away.")
        assignments[name.strip()] = value.strip()
    found = flags.change(assignments, ports) if assignments else flags.read(ports)
    settings = found.applied(ports.settings)
    share, why = _share(found, settings, ports)
    if as_json:
        report = {
            name: {"value": getattr(settings, field), "flag": name in found.values}
            for name, field in NAMES.items()
        }
        print(json.dumps({"flags": report, "rollout": {"percent": share, "why": why}}, indent=2))  # noqa: T201 - output
        return
    console = output()
    shown = Table(box=SIMPLE_HEAD, pad_edge=False)
    for column in ("flag", "value", "from"):
        shown.add_column(column, no_wrap=True)
    for name, field in NAMES.items():
        shown.add_row(name, _told(getattr(settings, field)), _origin(name, found, ports.settings))
    console.print(shown)
    if why:
        console.print(f"Parakeet gets {share:g} % of the recordings: {why}.", highlight=False, markup=False)
        console.print(f"Set {rollout.VARIABLE} again to go on.", highlight=False)


def _share(found: Flags, settings: Settings, ports: Ports) -> tuple[float, str]:
    asked = rollout.Asked(percent=settings.rollout_percent, since=found.since.get(rollout.VARIABLE, 0.0))
    return rollout.share(conditions.read(ports).rollout, asked)


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
        return f"flag since {moment(since)}" if since else "flag"
    default = Settings.__dataclass_fields__[NAMES[name]].default
    return "default" if getattr(settings, NAMES[name]) == default else "environment"
