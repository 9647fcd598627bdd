"""The commands `dropscribe dead-letters …`: look at messages that could not be handled, replay or discard them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from local import exit_codes
from local.commands import lookup, options
from local.commands.context import deployment, errors, say_if_nothing_runs
from local.commands.operation.agreement import each, settled
from local.commands.terminal import local_time, output, print_json, say
from local.commands.views.overview import beginning
from shared.errors import BadRequest, NotFound
from shared.flow import retry
from shared.in_words import counted, dollars, printable
from shared.recovery import replay
from shared.routing import route
from shared.state import audit, dead_letters, documents
from shared.topology import EXPORTER, topology

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.ports import Ports
    from shared.state.dead_letters import Letter

app = typer.Typer(
    help="Show, replay and discard messages that could not be handled.",
    no_args_is_help=True,
    add_completion=False,
)

From = Annotated[
    str,
    typer.Option("--from", help="Only those from this subscription or topic, e.g. chunks-cpu."),
]
OfRecording = Annotated[
    str,
    typer.Option(
        "--recording",
        metavar="FILE|ID",
        help="Only those about this recording: a path, a file name, gs://bucket/name, or an ID.",
    ),
]
Keys = Annotated[
    list[str] | None,
    typer.Argument(metavar="KEY...", help="Keys, as `dropscribe dead-letters list` shows them."),
]
All = Annotated[bool, typer.Option("--all", help="All of them, or all that match --from and --recording.")]


@dataclass(frozen=True, kw_only=True, slots=True)
class Chosen:
    """Which letters a command line means."""

    keys: tuple[str, ...] = ()
    """Keys of letters."""
    every: bool = False
    """All of them."""
    source: str = ""
    """With `every`: only those of this subscription or topic."""
    recording: str = ""
    """With `every`: only those about this recording, by file, address or ID."""

    def __post_init__(self) -> None:
        """Check that the options go together.

        Raises:
            BadRequest: says what to name.
        """
        if bool(self.keys) == self.every or (self.keys and (self.source or self.recording)):
            raise BadRequest(
                "Name dead letters by their keys, or use --all, with or without --from and --recording."
            )
        known = {
            EXPORTER,
            *(name for one in topology(webhooks=True).subscriptions for name in (one.name, one.topic)),
        }
        if self.source and self.source not in known:
            raise BadRequest(
                f"There is no subscription or topic {self.source!r}. Choose from {', '.join(sorted(known))}."
            )


@app.command("list")
def show_list(
    *,
    source: From = "",
    recording: OfRecording = "",
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Number of messages to show.")] = 20,
    as_json: options.AsJson = False,
    state_dir: options.StateDir = None,
) -> None:
    """List messages that could not be handled, newest first."""
    with errors(), deployment(state_dir) as ports:
        if source or recording:
            chosen = Chosen(every=True, source=source, recording=recording)
            found = sorted(choose(chosen, ports), key=lambda one: -one.time)[:limit]
        else:
            found = dead_letters.newest(ports.records, limit)
        if as_json:
            print_json([_as_json(one, ports) for one in found])
            return
        for one in found:
            again = f", replayed {local_time(one.replayed)}" if one.replayed else ""
            output().print(
                Text(
                    f"{one.key}  {local_time(one.time)}  {one.source or 'unknown'}{again}\n  {_why(one, ports)}\n  "
                )
                + Text(beginning(one), style="dim"),
                soft_wrap=True,
            )
        if not found:
            output().print("There are no dead letters.", highlight=False)


@app.command("show")
def show_one(
    *,
    key: Annotated[str, typer.Argument(help="Key of a dead letter.")],
    as_json: options.AsJson = False,
    state_dir: options.StateDir = None,
) -> None:
    """Show one message with its attributes, why it was given up, and whether it can be replayed."""
    with errors(), deployment(state_dir) as ports:
        (one,) = choose(Chosen(keys=(key,)), ports)
        why_not = replay.obstacle(one, ports)
        recording = documents.glance(ports.records, one.about.recording) if one.about.recording else None
        if as_json:
            more = {
                "attributes": one.published,
                "why_not": why_not or None,
                "state": recording and recording.state,
            }
            print_json(_as_json(one, ports) | more)
            return
        lines = {
            "key": one.key,
            "given up": local_time(one.time),
            "from": one.source or "unknown",
            "why": _why(one, ports),
            "recording": f"{recording.id} {recording.state} {recording.source.uri}" if recording else "",
            "request": one.about.request,
            "attributes": " ".join(f"{name}={value}" for name, value in one.published.items()),
            "bytes": f"{one.size:,}" + ("" if one.whole else " (not all of them are kept)"),
            "replay": f"not possible: {why_not}" if why_not else f"to {replay.topic_of(one)}",
        }
        for name, told in lines.items():
            if told:
                output().print(Text(f"{name:<11}{printable(told)}"), soft_wrap=True)
        output().print(Text(printable(one.text, lines=True)), soft_wrap=True)


@app.command("replay")
def replay_some(
    *,
    keys: Keys = None,
    every: All = False,
    source: From = "",
    recording: OfRecording = "",
    again: Annotated[
        bool, typer.Option("--again", help="Include letters that were already replayed.")
    ] = False,
    yes: options.Yes = False,
    as_json: options.AsJson = False,
    state_dir: options.StateDir = None,
) -> None:
    """Publish messages again where they came from, and continue the recordings that failed because of them."""
    with errors():
        chosen = Chosen(keys=tuple(keys or ()), every=every, source=source, recording=recording)
        with deployment(state_dir) as ports:
            found = choose(chosen, ports)
            why_not = {one.key: replay.obstacle(one, ports, again=again) for one in found}
            able = [one for one in found if not why_not[one.key]]
            for one in found:
                if why_not[one.key]:
                    say(printable(f"Skipping {one.key}: {why_not[one.key]}."))
            done: dict[str, str] = {}
            waits = False
            if able and settled(_replay_told(able, ports), len(able), yes=yes):
                audit.note("dead-letters replay", [one.key for one in able], ports)
                outcomes = each(
                    able, lambda one: replay.replay(one, ports, again=again), "message", "replayed"
                )
                done = dict(zip([one.key for one in able], outcomes, strict=True))
                waits = say_if_nothing_runs(ports)
            _ended(
                [(one, {"outcome": done.get(one.key), "why_not": why_not[one.key] or None}) for one in found],
                f"Replayed {counted(len(done), 'message')}.",
                as_json=as_json,
                complete=len(done) == len(found),
                waits=waits,
            )


@app.command("discard")
def discard_some(
    *,
    keys: Keys = None,
    every: All = False,
    source: From = "",
    recording: OfRecording = "",
    yes: options.Yes = False,
    as_json: options.AsJson = False,
    state_dir: options.StateDir = None,
) -> None:
    """Delete messages for good. Recordings stay as they are."""
    with errors():
        chosen = Chosen(keys=tuple(keys or ()), every=every, source=source, recording=recording)
        with deployment(state_dir) as ports:
            found = choose(chosen, ports)
            told = f"{_counted(found)} to discard. This cannot be undone."
            goes_on = bool(found) and settled(told, len(found), yes=yes)
            if goes_on:
                audit.note("dead-letters discard", [one.key for one in found], ports)
            meant = found if goes_on else []
            gone = each(
                meant, lambda one: dead_letters.discard(one.key, ports.records), "message", "discarded"
            )
            done = [one for one, is_gone in zip(meant, gone, strict=True) if is_gone]
            _ended(
                [(one, {"outcome": "discarded" if one in done else None}) for one in found],
                f"Discarded {counted(len(done), 'message')}.",
                as_json=as_json,
                complete=goes_on or not found,
            )


def choose(chosen: Chosen, ports: Ports) -> list[Letter]:
    """The letters that a command line means, in order of their keys if all are meant.

    Raises:
        BadRequest: several files fit the name of the recording.
        NotFound: there is no letter with one of the keys, or no such recording.
    """
    if chosen.every:
        found = [
            one
            for one in dead_letters.every(ports.records)
            if not chosen.source or chosen.source in {one.source, replay.topic_of(one)}
        ]
        return _about(chosen.recording, found, ports) if chosen.recording else found
    by_key = {key: dead_letters.find(key, ports.records) for key in chosen.keys}
    for key, one in by_key.items():
        if one is None:
            raise NotFound(f"There is no dead letter {key}. `dropscribe dead-letters list` shows the keys.")
    return [one for one in by_key.values() if one is not None]


def _about(place: str, found: Sequence[Letter], ports: Ports) -> list[Letter]:
    # A letter may outlive its recording, or be about one whose document cannot be read.
    by_id = [one for one in found if one.about.recording == place]
    if by_id:
        return by_id
    meant = {one.id for one in lookup.of_one_object(place, ports)}
    return [one for one in found if one.about.recording in meant]


def _counted(found: Sequence[Letter]) -> str:
    """As `3 messages (cpu-worker 2, merger 1)`."""
    sources = Counter(one.source or "unknown" for one in found).most_common()
    told = ", ".join(f"{source} {count}" for source, count in sources)
    return f"{counted(len(found), 'message')} ({told})"


def _replay_told(able: Sequence[Letter], ports: Ports) -> str:
    keys = {one.about.recording for one in able if one.about.recording}
    failed = [
        one for key in sorted(keys) if (one := documents.glance(ports.records, key)) and one.ended_without
    ]
    told = f"{_counted(able)} to replay."
    if not failed:
        return told
    known = route.known(ports)
    left = [retry.left(one, known, ports) for one in failed]
    usd = dollars(sum(one.usd or 0.0 for one in left))
    unknown = sum(one.usd is None for one in left)
    more = f", and that of {unknown} that were never planned" if unknown else ""
    continued = f"{counted(len(failed), 'recording')} that failed"
    return f"{told} This continues {continued} because of them. Expected cost: {usd}{more}."


def _ended(
    found: Sequence[tuple[Letter, dict[str, Any]]],
    told: str,
    *,
    as_json: bool,
    complete: bool,
    waits: bool = False,
) -> None:
    if as_json:
        print_json([{"key": one.key, "from": one.source or None, **more} for one, more in found])
    else:
        output().print(told if found else "No dead letters match.", highlight=False)
    if not complete:
        raise typer.Exit(exit_codes.INCOMPLETE)
    raise typer.Exit(exit_codes.UNAVAILABLE if waits else exit_codes.DONE)


def _why(one: Letter, ports: Ports) -> str:
    return printable(dead_letters.reason(one, ports.records)) or "no reason was recorded; see the logs"


def _as_json(one: Letter, ports: Ports) -> dict[str, Any]:
    return {
        "key": one.key,
        "time": one.time,
        "from": one.source or None,
        "topic": replay.topic_of(one) or None,
        "recording": one.about.recording or None,
        "request": one.about.request or None,
        "reason": dead_letters.reason(one, ports.records) or None,
        "message": one.text,
        "bytes": one.size,
        "replayed": one.replayed,
    }
