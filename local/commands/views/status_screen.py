"""How `dropscribe status` looks on a terminal: counts, a table, and what an operator should look at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.text import Text

from local.backend.embedded_ports import LocalPorts
from local.commands import lookup
from local.commands.terminal import color_of, local_time, short_time, table
from local.commands.views import details
from shared.in_words import human_duration, listed, printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.table import Table

    from local.commands.views.overview import Report, Wanted
    from shared.model import Recording
    from shared.ports import Ports


def screen(report: Report, wanted: Wanted, ports: Ports) -> RenderableType:
    """The report for a terminal: counts, a table, and what an operator should look at."""
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
        yield Text(f"No recording is {listed(wanted.states, 'or')}.")
    rest = list(_rest(report, ports))
    if rest:
        yield Text()
        yield from rest


def _rest(report: Report, ports: Ports) -> Iterator[Text]:
    if report.more:
        yield Text(f"{report.more:,} more: raise --limit to see them.")
    yield from _unreadable(report)
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
            told = " ".join(filter(None, [local_time(one["time"]), one["where"]]))
            why = one["reason"] or "no reason was recorded; see the logs"
            yield Text(f"  {printable(f'{told}: {why}')}\n    {printable(one['message'])}")
    if report.failed_attempts:
        yield Text(
            f"Failed attempts, including those that a retry made good: {_failure_counts(report.failed_attempts)}."
        )
    for pool, why in report.no_workers.items():
        kind = "worker without a GPU" if pool == "cpu" else "worker"
        yield Text(printable(f"No {kind} is available now. {why}"))


def _unreadable(report: Report) -> Iterator[Text]:
    if report.unreadable:
        yield Text(f"Recordings that cannot be read: {len(report.unreadable):,}.")
    for key, why in report.unreadable.items():
        yield Text(printable(f"  {key}: {why}"))


def _failure_counts(failed: dict[str, dict[str, int]]) -> str:
    """As `router 3 EngineFailed, 1 BadMedia; merger 2 StoreUnavailable`: the place, then counts by class of error."""
    return "; ".join(
        f"{where} "
        + ", ".join(
            f"{count} {kind}" for kind, count in sorted(kinds.items(), key=lambda one: (-one[1], one[0]))
        )
        for where, kinds in failed.items()
    )


def _is_idle(ports: Ports) -> bool:
    """Whether neither `up` nor a `transcribe` goes on with what is in progress."""
    return ports.nothing_runs() and not (isinstance(ports, LocalPorts) and ports.queue.in_hand())


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
        file, state = Text(printable(lookup.name_of(one))), Text(one.state, style=color_of(one.state))
        if ids:
            shown.add_row(one.id, state, file)
            continue
        length = "" if one.length is None else human_duration(one.length)
        what = Text(printable(details.summary(one, ports)))
        shown.add_row(file, state, length, short_time(one.created, now), what)
    return shown
