"""`dropscribe status`: what is waiting, running, done and failed, and why."""

from __future__ import annotations

import json
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from shared.flow import documents
from shared.flow.give_up import DEAD_LETTERS
from shared.flow.record import DEMO_WARNING
from shared.flow.route import human_duration
from shared.model import FILES_BUCKET

if TYPE_CHECKING:
    from local.platform import LocalPorts
    from shared.model import Recording

NEWEST = 20
"""Recordings shown of each state."""


def run(ports: LocalPorts, *, as_json: bool) -> None:
    """Print where every recording stands."""
    recordings = sorted(documents.recordings(ports.records), key=lambda one: one.created, reverse=True)
    waiting = {one.name: ports.queue.pending(one.name) for one in ports.queue.topology.subscriptions}
    given_up = ports.records.count(DEAD_LETTERS)
    if as_json:
        report = {
            "states": Counter(one.state for one in recordings),
            "recordings": [_as_json(one, ports) for one in recordings],
            "messages_waiting": waiting,
            "dead_letters": given_up,
            "state_dir": str(ports.settings.state_dir),
        }
        print(json.dumps(report, ensure_ascii=False, indent=2))  # noqa: T201 - output
        return
    console = Console(width=None if Console().is_terminal else 160)
    if not recordings:
        console.print(f"Nothing was ever transcribed with the state in {ports.settings.state_dir}.")
        console.print("Try `dropscribe demo`, or `dropscribe transcribe FILE`.", highlight=False)
        return
    states = Counter(one.state for one in recordings)
    console.print(", ".join(f"{states[name]} {name.lower()}" for name in sorted(states)), highlight=False)
    console.print(_table([one for one in recordings if not one.ended] + recordings, ports))
    busy = {name: count for name, count in waiting.items() if count}
    if busy:
        told = ", ".join(f"{count} for {name}" for name, count in busy.items())
        console.print(f"Messages waiting: {told}.", highlight=False)
    if given_up:
        console.print(f"{given_up} messages were given up after too many tries (dead letters).")


def _table(recordings: list[Recording], ports: LocalPorts) -> Table:
    shown = Table(pad_edge=False)
    for name in ("when", "file", "state", "length", "what"):
        shown.add_column(name, overflow="fold", no_wrap=name in {"when", "state", "length"})
    for one in list({one.id: one for one in recordings}.values())[:NEWEST]:
        when = time.strftime("%Y-%m-%d %H:%M", time.localtime(one.created))
        shown.add_row(
            when,
            Text(f"/{one.source.name}" if one.source.bucket == FILES_BUCKET else one.source.name),
            Text(one.state, style={"DONE": "green", "FAILED": "red"}.get(one.state, "yellow")),
            human_duration(one.duration or (one.audio.duration if one.audio else None)),
            Text(_what(one, ports)),
        )
    return shown


def _what(one: Recording, ports: LocalPorts) -> str:
    if one.state == "FAILED":
        return one.reason
    if one.state == "DONE":
        demo = " (demo model)" if DEMO_WARNING in one.warnings else ""
        more = [warning for warning in one.warnings if warning != DEMO_WARNING]
        return "; ".join([f"{one.words} words{demo}", *more])
    done = ports.records.count(documents.CHUNKS, {"recording": one.id})
    return f"{done} of {len(one.chunks)} chunks" if one.chunks else "not looked at yet"


def _as_json(one: Recording, ports: LocalPorts) -> dict[str, Any]:
    return {
        "recording": one.id,
        "uri": one.source.uri,
        "state": one.state,
        "created": one.created,
        "finished": one.finished,
        "duration": one.duration,
        "words": one.words,
        "chunks": len(one.chunks),
        "chunks_done": ports.records.count(documents.CHUNKS, {"recording": one.id}),
        "why": one.decision.reason if one.decision else None,
        "reason": one.reason or None,
        "code": one.code or None,
        "warnings": list(one.warnings),
        "outputs": list(one.outputs),
    }
