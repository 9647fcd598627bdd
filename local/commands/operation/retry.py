"""`dropscribe retry`: continue recordings that failed or were cancelled."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from local import exit_codes
from local.commands import lookup, options
from local.commands.context import deployment, errors, say_if_nothing_runs
from local.commands.operation.agreement import each, settled
from local.commands.terminal import output, print_json, say
from shared import concurrency
from shared.errors import BadRequest
from shared.flow import retry
from shared.in_words import counted, dollars, human_duration, printable
from shared.routing import route
from shared.state import audit, documents

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.flow.retry import Left
    from shared.model import Recording
    from shared.ports import Ports


READERS = 16
"""Recordings that are looked at at one time."""


def command(
    *,
    places: Annotated[
        list[str] | None,
        typer.Argument(metavar="FILE|ID", help=lookup.HELP),
    ] = None,
    failed: Annotated[bool, typer.Option("--failed", help="All recordings that failed.")] = False,
    since: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M"],
            help="With --failed: only those that failed since this day or minute (UTC).",
        ),
    ] = None,
    yes: options.Yes = False,
    as_json: options.AsJson = False,
    state_dir: options.StateDir = None,
) -> None:
    """Continue recordings that failed or were cancelled. Parts that are done are not paid for again."""
    with errors():
        if bool(places) == failed or (since and not failed):
            raise BadRequest("Name the recordings to continue, or use --failed, with or without --since.")
        with deployment(state_dir) as ports:
            if failed:
                recordings = _failed(since.replace(tzinfo=UTC).timestamp() if since else 0.0, ports)
            else:
                recordings = lookup.each_of(places or (), ports, can=lambda one: one.ended_without)
            raise typer.Exit(run(recordings, ports, yes=yes, as_json=as_json))


def run(recordings: Sequence[Recording], ports: Ports, *, yes: bool, as_json: bool) -> int:
    """Say what trying again means, then ask the router to continue the recordings.

    Returns:
        The exit code: 0 if all were asked for, or there are none; 1 if some could not be, or the person said no; 69 if
        nothing runs here that could go on.

    Raises:
        BadRequest: there is no terminal to ask.
        Transient: some may have been asked for; run it again.
    """
    known = route.known(ports)
    with concurrency.ThreadPoolExecutor(READERS) as pool:
        reasons = list(pool.map(lambda one: retry.obstacle(one, ports), recordings))
        why_not = {one.id: reason for one, reason in zip(recordings, reasons, strict=True)}
        able = [one for one in recordings if not why_not[one.id]]
        parts = list(pool.map(lambda one: retry.left(one, known, ports), able))
    left = {one.id: part for one, part in zip(able, parts, strict=True)}
    for one in recordings:
        if why_not[one.id]:
            say(printable(f"Skipping {one.source.uri}: {why_not[one.id]}."))
    waits = False
    goes_on = bool(able) and settled(_told(able, list(left.values())), len(able), yes=yes)
    if goes_on:
        audit.note("retry", [one.id for one in able], ports)
        each(able, lambda one: retry.ask(one, ports), "recording", "continued")
        waits = say_if_nothing_runs(ports)
    if as_json:
        report = [_as_json(one, left.get(one.id), why_not[one.id], asked=goes_on) for one in recordings]
        print_json(report)
    elif not recordings:
        output().print("No recording has failed.", highlight=False)
    elif goes_on:
        output().print(
            f"Continued {counted(len(able), 'recording')}. Follow with `dropscribe status`.", highlight=False
        )
    if recordings and not (goes_on and len(able) == len(recordings)):
        return exit_codes.INCOMPLETE
    return exit_codes.UNAVAILABLE if waits else exit_codes.DONE


def _failed(since: float, ports: Ports) -> list[Recording]:
    every = documents.recordings(ports.records, {"state": "FAILED"})
    return sorted(
        (one for one in every if (one.finished or 0.0) >= since), key=lambda one: one.finished or 0.0
    )


def _told(recordings: Sequence[Recording], left: Sequence[Left]) -> str:
    """What will be done: how many, why they ended, what is missing, and the expected cost."""
    count = len(recordings)
    codes = Counter(one.code or one.state for one in recordings).most_common()
    why = ", ".join(f"{code} {times}" for code, times in codes)
    lines = [f"{counted(count, 'recording')} to continue ({why})."]
    if planned := [one for one in left if one.of]:
        missing, all_of = sum(one.chunks for one in planned), sum(one.of for one in planned)
        seconds = sum(one.seconds or 0.0 for one in planned)
        usd = sum(one.usd or 0.0 for one in planned)
        lines.append(
            f"Missing: {missing} of {all_of} parts, {human_duration(seconds)}. Expected cost: {dollars(usd)}."
        )
    if unknown := count - len(planned):
        lines.append(
            f"{unknown} of them {'was' if unknown == 1 else 'were'} never planned: the cost is not known."
        )
    return "\n".join(lines)


def _as_json(one: Recording, left: Left | None, why_not: str, *, asked: bool) -> dict[str, object]:
    return {
        "recording": one.id,
        "uri": one.source.uri,
        "state": one.state,
        "code": one.code or None,
        "asked": asked and not why_not,
        "why_not": why_not or None,
        "chunks": left.of if left else None,
        "chunks_left": left.chunks if left else None,
        "seconds_left": left.seconds if left else None,
        "expected_usd": left.usd if left else None,
    }
