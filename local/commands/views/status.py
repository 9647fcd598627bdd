"""`dropscribe status`: what is waiting, running, done and failed, and why."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer
from rich.console import Group
from rich.text import Text

from local.backend.embedded_ports import LocalPorts
from local.commands import found, options
from local.commands.context import deployment, errors
from local.commands.table import color_of, short_time, table
from local.commands.terminal import local_time, output, print_json
from local.commands.views import details, letters, watch
from shared.errors import BadRequest
from shared.in_words import human_duration, printable
from shared.messages import to_fields
from shared.model import Recording, State
from shared.routing import conditions
from shared.state import documents, failure_log, pages
from shared.state.dead_letters import DEAD_LETTERS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType
    from rich.table import Table

    from shared.ports import Ports


OneState = StrEnum("OneState", list(get_args(State)))  # type: ignore[misc]  # the states are listed once
"""A state on a command line: Typer makes no lists of literals."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """What the command line asks for."""

    limit: int = 20
    """Most recordings to show."""
    places: tuple[str, ...] = ()
    """What names the recordings to show, see `found.HELP`; none: all."""
    states: tuple[State, ...] = ()
    """Only recordings in these states; none: in any."""
    ids: bool = False
    """Show IDs, files and states only."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """How a deployment stands."""

    states: dict[State, int]
    """Number of recordings by state; states without any are left out."""
    recordings: list[Recording]
    """Those to show."""
    more: int
    """Number of recordings that are wanted and not shown."""
    waiting: dict[str, int] | None
    """Messages waiting by subscription; None where they cannot be counted."""
    dead_letters: int
    """Number of messages that could not be handled."""
    newest_letters: list[letters.Letter] = field(default_factory=list)
    """The newest of them."""
    failed_attempts: dict[str, dict[str, int]] = field(default_factory=dict)
    """Number of failed attempts by place and class of error."""
    no_workers: dict[str, str] = field(default_factory=dict)
    """Why no workers could be started, by pool."""


def command(
    *,
    places: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="FILE|ID",
            help=f"Only these recordings, in full. {found.HELP}",
            show_default=False,
        ),
    ] = None,
    states: Annotated[
        list[OneState] | None,
        typer.Option(
            "--state",
            case_sensitive=False,
            help="Only recordings in this state; may be given several times.",
            show_default=False,
        ),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Number of recordings to show.")] = 20,
    ids: Annotated[
        bool,
        typer.Option("--ids", "--keys", help="Show IDs, files and states only."),
    ] = False,
    follow: Annotated[
        bool,
        typer.Option(
            "--watch",
            "-w",
            help="Go on showing changes until Ctrl-C, or until the named recordings have ended.",
        ),
    ] = False,
    as_json: options.AsJson = False,
    state_dir: options.StateDir = None,
) -> None:
    """Show what is waiting, running, done and failed, and why."""
    with errors():
        if places and (states or ids):
            raise BadRequest("Name recordings, or choose them with --state and --ids, not both.")
        wanted = Wanted(
            limit=limit,
            places=tuple(places or ()),
            states=tuple(state for state in get_args(State) if state.lower() in (states or ())),
            ids=ids,
        )
        with deployment(state_dir) as ports:
            if follow:
                watch.run(
                    lambda: look(wanted, ports),
                    lambda it: screen(it, wanted, ports),
                    ports,
                    as_json=as_json,
                    until_ended=bool(places),
                )
            else:
                run(wanted, ports, as_json=as_json)


def run(wanted: Wanted, ports: Ports, *, as_json: bool) -> None:
    """Print the state of all recordings as counts, and of the newest ones in a table; or those that are named in full.

    Args:
        wanted: what to show.
        ports: the deployment, this machine's or a project's.
        as_json: print JSON on standard output.

    Raises:
        NotFound: there is no recording of a name.
        BadRequest: a name fits several recordings.
        Transient: the records did not answer.
    """
    console = output()
    if wanted.places:
        named = found.each_of(wanted.places, ports)
        if as_json:
            print_json({"recordings": [details.values(one, ports) for one in named]} | _location(ports))
            return
        for number, one in enumerate(named):
            if number:
                console.print()
            details.show(one, ports, console)
        return
    report = look(wanted, ports)
    if as_json:
        print_json(as_values(report, ports))
    else:
        console.print(screen(report, wanted, ports))


def look(wanted: Wanted, ports: Ports) -> Report:
    """How the deployment stands now.

    Raises:
        NotFound: there is no recording of a name.
        BadRequest: a name fits several recordings.
        Transient: the records did not answer.
    """
    states = pages.states(ports.records)
    if wanted.places:
        recordings, more = found.each_of(wanted.places, ports), 0
    else:
        recordings = newest(ports, wanted.limit, wanted.states)
        more = sum(count for state, count in states.items() if state in (wanted.states or states)) - len(
            recordings
        )
    given_up = ports.records.count(DEAD_LETTERS)
    return Report(
        states=states,
        recordings=recordings,
        more=max(0, more),
        waiting=_pending(ports),
        dead_letters=given_up,
        newest_letters=letters.newest(ports.records) if given_up else [],
        failed_attempts=failure_log.by_class(ports.records),
        no_workers=_no_workers(ports),
    )


def as_values(report: Report, ports: Ports) -> dict[str, Any]:
    """The report as plain values."""
    return {
        "states": report.states,
        "recordings": [details.row_values(one, ports) for one in report.recordings],
        "messages_waiting": report.waiting,
        "dead_letters": report.dead_letters,
        "newest_dead_letters": to_fields(report.newest_letters),
        "failed_attempts": report.failed_attempts,
        "no_workers": report.no_workers,
    } | _location(ports)


def screen(report: Report, wanted: Wanted, ports: Ports) -> RenderableType:
    """The report for a terminal: counts, a table, and what somebody should look at."""
    return Group(*_parts(report, wanted, ports))


def _parts(report: Report, wanted: Wanted, ports: Ports) -> Iterator[RenderableType]:
    if report.states:
        yield Text(", ".join(f"{count:,} {state.lower()}" for state, count in report.states.items()))
    else:
        yield Text(printable(_empty(ports), lines=True))
    if report.recordings:
        yield Text()
        yield _table(report.recordings, ports, ids=wanted.ids)
    elif report.states and wanted.states:
        yield Text(f"No recording is {' or '.join(wanted.states)}.")
    rest = list(_rest(report, ports))
    if rest:
        yield Text()
        yield from rest


def _rest(report: Report, ports: Ports) -> Iterator[Text]:
    if report.more:
        yield Text(f"{report.more:,} more: raise --limit to see them.")
    busy = {name: count for name, count in (report.waiting or {}).items() if count}
    if busy:
        yield Text(
            "Messages waiting: " + ", ".join(f"{name} {count:,}" for name, count in busy.items()) + "."
        )
        if _is_idle(ports):
            yield Text("`dropscribe up` is not running: start it to continue.")
    elif any(not one.ended and not one.held for one in report.recordings) and _is_idle(ports):
        yield Text(
            "What is in progress was stopped. Run the same `dropscribe transcribe` again: finished parts are kept."
        )
    if report.dead_letters:
        yield Text(
            f"Dead letters (messages that could not be handled): {report.dead_letters:,}. "
            "See `dropscribe dead-letters`. The newest:"
        )
        for one in report.newest_letters:
            told = " ".join(filter(None, [local_time(one.time), one.where]))
            why = one.reason or "no reason was recorded; see the logs"
            yield Text(f"  {printable(f'{told}: {why}')}\n    {printable(one.message)}")
    if report.failed_attempts:
        yield Text(
            f"Failed attempts, including those that a retry made good: {_failure_counts(report.failed_attempts)}."
        )
    for pool, why in report.no_workers.items():
        kind = "worker without a GPU" if pool == "cpu" else "worker"
        yield Text(printable(f"No {kind} is available now. {why}"))


def newest(ports: Ports, limit: int, states: tuple[State, ...] = ()) -> list[Recording]:
    """Up to `limit` recordings in some states, or in all: those in progress, then the others, each newest first."""
    wanted: list[dict[str, str] | None] = [{"state": state} for state in states or pages.IN_PROGRESS]
    if not states:
        wanted.append(None)
    found = [
        # Beside each recording that was deleted there may be a mark, which is none.
        ports.records.newest(documents.RECORDINGS, "created", limit, where)
        for where in wanted
    ]
    known = {one.id: one for page in found for one in documents.readable(page, Recording)}
    shown = [one for one in known.values() if not pages.is_mark(one)]
    return sorted(shown, key=lambda one: (one.ended, -one.created))[:limit]


def _failure_counts(failed: dict[str, dict[str, int]]) -> str:
    """As `deepgram 3 EngineFailed, 1 BadMedia; merger 2 StoreUnavailable`: the place, then counts by class of error."""
    return "; ".join(
        f"{where} " + ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items(), key=_by_count))
        for where, kinds in failed.items()
    )


def _by_count(item: tuple[str, int]) -> tuple[int, str]:
    return -item[1], item[0]


def _pending(ports: Ports) -> dict[str, int] | None:
    """Number of messages waiting in each subscription; None on Google Cloud, where Pub/Sub cannot be asked."""
    if not isinstance(ports, LocalPorts):
        return None
    return {one.name: ports.queue.pending(one.name) for one in ports.queue.topology.subscriptions}


def _is_idle(ports: Ports) -> bool:
    """Whether neither `up` nor a `transcribe` goes on with what is in progress."""
    return ports.nothing_runs() and not (isinstance(ports, LocalPorts) and ports.queue.in_hand())


def _no_workers(ports: Ports) -> dict[str, str]:
    """Why the sweeper could start no workers, by pool; nothing for pools that are available or were not asked for."""
    return {pool: one.said or one.status for pool, one in conditions.out_of_workers(ports).items()}


def _location(ports: Ports) -> dict[str, str]:
    """Where the records are."""
    if isinstance(ports, LocalPorts):
        return {"state_dir": str(ports.settings.state_dir)}
    return {"project": ports.settings.project}


def _empty(ports: Ports) -> str:
    settings = ports.settings
    if isinstance(ports, LocalPorts):
        return (
            f"Nothing has been transcribed with the state in {settings.state_dir} yet.\n"
            "Try `dropscribe demo`, or `dropscribe transcribe FILE`."
        )
    return (
        f"Nothing has been transcribed in project {settings.project} yet.\n"
        f"Upload audio to gs://{settings.audio_bucket}, or try `dropscribe submit gs://BUCKET/NAME`."
    )


def _table(recordings: list[Recording], ports: Ports, *, ids: bool) -> Table:
    """With IDs there is no room for the rest on a narrow terminal."""
    if ids:
        shown = table("ID", "state", "file", whole=("ID", "state"))
    else:
        shown = table("file", "state", "length", "when", "what", figures=("length",), whole=("state", "when"))
    now = ports.clock.now()
    for one in recordings:
        file, state = Text(printable(found.name_of(one))), Text(one.state, style=color_of(one.state))
        if ids:
            shown.add_row(one.id, state, file)
            continue
        length = "" if one.length is None else human_duration(one.length)
        what = Text(printable(details.summary(one, ports)))
        shown.add_row(file, state, length, short_time(one.created, now), what)
    return shown
