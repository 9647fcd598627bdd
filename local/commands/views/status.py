"""`dropscribe status`: what is waiting, running, done and failed, and why."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer
from rich.table import Table
from rich.text import Text

from local.backend.embedded_ports import LocalPorts
from local.commands import options  # noqa: TC001 - Typer reads it at run time
from local.commands.audio.submit import nothing_runs
from local.commands.context import deployment, errors
from local.commands.terminal import local_time, output, print_json
from local.commands.views import letters
from shared.costs import budget
from shared.flow.assemble import DEMO_WARNING
from shared.in_words import human_duration, printable
from shared.messages import to_fields
from shared.model import FILES_BUCKET, Recording, State
from shared.routing import conditions
from shared.state import claims, documents, failure_log
from shared.state.dead_letters import DEAD_LETTERS

if TYPE_CHECKING:
    from shared.planning.worker_pools import WorkerPool
    from shared.ports import Ports

IN_PROGRESS = ("ACCEPTED", "PLANNED")
"""States of recordings that have not ended."""


def command(
    *,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Number of recordings to show.")] = 20,
    keys: Annotated[
        bool, typer.Option("--keys", help="Show keys, files and states only, for `retry` and `cancel`.")
    ] = False,
    as_json: options.AsJson = False,
    state_dir: options.StateDir = None,
) -> None:
    """Show what is waiting, running, done and failed, and why."""
    with errors(), deployment(state_dir) as ports:
        run(ports, limit=limit, keys=keys, as_json=as_json)


def run(ports: Ports, *, limit: int, as_json: bool, keys: bool = False) -> None:
    """Print the state of all recordings as counts, and of the newest ones in a table.

    Args:
        ports: the deployment, this machine's or a project's.
        limit: number of recordings in the table.
        as_json: print JSON on standard output, which has the keys of recordings.
        keys: print a table of keys, files and states.
    """
    states = {state: ports.records.count(documents.RECORDINGS, {"state": state}) for state in get_args(State)}
    states = {state: count for state, count in states.items() if count}
    recordings = newest(ports, limit)
    waiting = _pending(ports)
    given_up = ports.records.count(DEAD_LETTERS)
    newest_letters = letters.newest(ports.records) if given_up else []
    failed = failure_log.by_class(ports.records)
    no_workers = _no_workers(ports)
    if as_json:
        report = {
            "states": states,
            "recordings": [_as_json(one, ports) for one in recordings],
            "messages_waiting": waiting,
            "dead_letters": given_up,
            "newest_dead_letters": to_fields(newest_letters),
            "failed_attempts": failed,
            "no_workers": no_workers,
        }
        print_json(report | _location(ports))
        return
    console = output()
    if not recordings:
        console.print(_empty(ports), highlight=False)
    else:
        console.print(", ".join(f"{states[name]} {name.lower()}" for name in sorted(states)), highlight=False)
        console.print(_table(recordings, ports, keys=keys))
    left = sum(states.values()) - len(recordings)
    if left > 0:
        console.print(f"{left} more: raise `--limit` to see them.", highlight=False)
    busy = {name: count for name, count in (waiting or {}).items() if count}
    if busy:
        told = ", ".join(f"{count} for {name}" for name, count in busy.items())
        console.print(f"Messages waiting: {told}.", highlight=False)
        if nothing_runs(ports):
            console.print("`dropscribe up` is not running: start it to go on.", highlight=False)
    if given_up:
        console.print(
            f"Dead letters (messages that could not be handled): {given_up}. The newest:", highlight=False
        )
        for one in newest_letters:
            told = " ".join(filter(None, [local_time(one.time), one.where]))
            why = one.reason or "no reason was recorded; see the logs"
            console.print(Text(f"  {printable(f'{told}: {why}')}\n    {printable(one.message)}"))
        console.print("`dropscribe dead-letters` shows, replays and discards them.", highlight=False)
    if failed:
        console.print(
            Text(f"Failed attempts, including those that a retry made good: {_failure_counts(failed)}.")
        )
    for pool, why in no_workers.items():
        kind = "worker without a GPU" if pool == "cpu" else "worker"
        console.print(Text(f"No {kind} is available now. {why}"))


def newest(ports: Ports, limit: int) -> list[Recording]:
    """Up to `limit` recordings: those in progress, then the others, each newest first."""
    places = [{"state": state} for state in IN_PROGRESS]
    found = [ports.records.newest(documents.RECORDINGS, "created", limit, where) for where in (*places, None)]
    known = {one.id: one for page in found for one in documents.readable(page, Recording)}
    return sorted(known.values(), key=lambda one: (one.ended, -one.created))[:limit]


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


def _no_workers(ports: Ports) -> dict[WorkerPool, str]:
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


def _table(recordings: list[Recording], ports: Ports, *, keys: bool) -> Table:
    """With keys there is no room for the rest on a narrow terminal."""
    shown = Table(pad_edge=False)
    for name in ("key", "file", "state") if keys else ("when", "file", "state", "length", "what"):
        shown.add_column(name, overflow="fold", no_wrap=name in {"key", "when", "state", "length"})
    for one in recordings:
        name = f"/{one.source.name}" if one.source.bucket == FILES_BUCKET else one.source.name
        file = Text(printable(name) or "–")
        color = {"DONE": "green", "FAILED": "red", "CANCELLED": "magenta"}.get(one.state, "yellow")
        state = Text(one.state, style=color)
        if keys:
            shown.add_row(one.id, file, state)
            continue
        length = human_duration(one.duration or (one.audio.duration if one.audio else None))
        shown.add_row(local_time(one.created), file, state, length, Text(printable(_summary(one, ports))))
    return shown


def _summary(one: Recording, ports: Ports) -> str:
    if one.ended_without or one.state == "DELETED":
        return one.reason
    if one.state == "DONE" and one.decision is not None:
        demo = " (demo model)" if DEMO_WARNING in one.warnings else ""
        more = [warning for warning in one.warnings if warning != DEMO_WARNING]
        return "; ".join([f"{one.words} words by {one.decision.method}{demo}", *more])
    if one.decision is None:
        return budget.why_held(one, ports) or "not probed yet"
    handed = _handed_on(one, ports)
    told = f", {sum(handed.values())} handed on ({', '.join(handed)})" if handed else ""
    trouble = failure_log.last_trouble(one.id, ports.records)
    last = f"; last error: {trouble}" if trouble else ""
    return f"{_done(one, ports)} of {len(one.chunks)} chunks{told}; {one.decision.reason}{last}"


def _handed_on(one: Recording, ports: Ports) -> dict[str, int]:
    """Chunks that were handed to another engine, counted by that engine."""
    found = claims.of_recording(one.id, ports.records).values() if one.chunks else ()
    return dict(Counter(claim.engine for claim in found if claim.tried))


def _done(one: Recording, ports: Ports) -> int:
    """Number of chunks that have a result."""
    if one.state == "DONE":
        return len(one.chunks)
    return ports.records.count(documents.CHUNKS, {"recording": one.id})


def _as_json(one: Recording, ports: Ports) -> dict[str, Any]:
    return {
        "recording": one.id,
        "uri": one.source.uri if one.source.name else None,
        "state": one.state,
        "created": one.created,
        "finished": one.finished,
        "duration": one.duration,
        "words": one.words,
        "chunks": len(one.chunks),
        "chunks_done": _done(one, ports),
        "chunks_handed_on": _handed_on(one, ports),
        "method": one.decision.method if one.decision else None,
        "why": one.decision.reason if one.decision else None,
        "considered": to_fields(one.decision.considered) if one.decision else [],
        "reason": one.reason or None,
        "last_trouble": (None if one.ended else failure_log.last_trouble(one.id, ports.records)) or None,
        "held": budget.why_held(one, ports) or None,
        "code": one.code or None,
        "warnings": list(one.warnings),
        "outputs": list(one.outputs),
    }
