"""One recording: what is known of it, and why it failed, as plain values and for a terminal."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from rich.text import Text

from local.backend import copies
from local.backend.embedded_ports import LocalPorts
from local.commands.lookup import name_of
from local.commands.terminal import color_of, local_time, pairs, table
from shared.costs import budget, rows
from shared.costs.summary import WASTE
from shared.flow import record, same_content
from shared.flow.assemble import DEMO_WARNING
from shared.flow.reading.output_files import short
from shared.in_words import counted, dollars, human_duration, printable
from shared.messages import to_fields
from shared.state import documents, failure_log
from shared.state.claims import CLAIMS, Claim

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console
    from rich.table import Table

    from shared.model import Recording
    from shared.ports import Ports
    from shared.results import LedgerRow


def row_values(one: Recording, ports: Ports) -> dict[str, Any]:
    """What `status --json` says of each recording: plain values, seconds and seconds since 1970."""
    return {
        "recording": one.id,
        "uri": one.source.uri if one.source.name else None,
        "title": one.options.title,
        "state": one.state,
        "created": one.created,
        "finished": one.finished,
        "duration": one.duration,
        "words": one.words,
        "chunks": len(one.chunks),
        "chunks_done": chunks_done(one, ports),
        "chunks_handed_on": _handed_over(one, ports),
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


def values(one: Recording, ports: Ports) -> dict[str, Any]:
    """The same with the engine, the options, the cost of each attempt, and where the output files are."""
    attempts, fates = rows.of_recording(one, ports)
    return {
        **row_values(one, ports),
        "engine": one.decision.engine if one.decision else None,
        "model": one.decision.model if one.decision else None,
        "options": to_fields(one.options),
        "size": one.source.size,
        "usd": record.cost(one.id, ports),
        "attempts": [
            {
                "chunk": row.chunk,
                "engine": row.engine,
                "attempt": row.attempt,
                "time": row.time,
                "busy_seconds": row.busy_seconds,
                "audio_seconds": row.audio_seconds,
                "usd": round(row.usd, 9),
                "outcome": row.outcome,
                "used": fate == "used",
            }
            for row, fate in zip(attempts, fates, strict=True)
        ],
        "files": places(one, ports),
    }


def show(one: Recording, ports: Ports, console: Console) -> None:
    """Print it."""
    shown = pairs()
    attempts, fates = rows.of_recording(one, ports)
    wasted = sum(row.usd for row, fate in zip(attempts, fates, strict=True) if fate in WASTE)
    ended = f" to {local_time(one.finished)}" if one.finished else ""
    lines = {
        "ID": one.id,
        "time": f"{local_time(one.created)}{ended}",
        "length": "" if one.length is None else human_duration(one.length),
        "words": "" if one.words is None else f"{one.words:,}",
        "parts": f"{chunks_done(one, ports)} of {len(one.chunks)} done" if one.chunks else "",
        "method": f"{one.decision.method} ({one.decision.model})" if one.decision else "",
        "why": one.decision.reason if one.decision else "",
        "cost": dollars(record.cost(one.id, ports)) + (f", {dollars(wasted)} of it wasted" if wasted else ""),
        "label": one.label,
        "reason": one.reason,
        "held": budget.why_held(one, ports),
        "last error": "" if one.ended else failure_log.last_trouble(one.id, ports.records),
    }
    shown.add_row("state", Text(one.state, style=color_of(one.state)))
    for name, told in lines.items():
        if told:
            shown.add_row(name, Text(printable(told)))
    for warning in one.warnings:
        shown.add_row("warning", Text(printable(warning), style="yellow"))
    for folder, files in _by_folder(places(one, ports)):
        shown.add_row("files", Text(printable(f"{folder}/")))
        shown.add_row("", Text(printable(", ".join(files))))
    console.print(Text(printable(name_of(one)), style="bold"))
    console.print(shown)
    if len(attempts) > 1:
        console.print(_attempts(one, attempts, fates))


def _by_folder(found: list[str]) -> Iterable[tuple[str, list[str]]]:
    folders: dict[str, list[str]] = {}
    for place in found:
        folder, _, name = place.rpartition("/")
        folders.setdefault(folder, []).append(name)
    return folders.items()


def _attempts(one: Recording, attempts: list[LedgerRow], fates: tuple[rows.Fate, ...]) -> Table:
    told = table(
        "part", "engine", "audio", "took", "cost", "result", figures=("part", "audio", "took", "cost")
    )
    for row, fate in zip(attempts, fates, strict=True):
        result = {"used": "used", "open": "running"}.get(fate) or WASTE.get(fate, fate)
        part = one.position(row.chunk) + 1
        told.add_row(
            # One of a plan before another engine took the whole over is no part of this one.
            str(part) if part > 0 else "–",
            row.engine,
            human_duration(row.audio_seconds),
            human_duration(row.busy_seconds),
            dollars(row.usd),
            result,
        )
    return told


def places(one: Recording, ports: Ports) -> list[str]:
    """Where its output files are: paths on this machine (the copies for a person, if there are any), else addresses."""
    bucket = ports.settings.transcripts_bucket
    if not isinstance(ports, LocalPorts):
        return [f"gs://{bucket}/{name}" for name in one.outputs]
    is_ours = one.source.bucket == ports.settings.audio_bucket
    folder = copies.folder_of(one.source, ports)
    found = []
    for name in one.outputs:
        copy = folder / short(name)
        found.append(str(copy if is_ours and copy.is_file() else ports.store.path_of(bucket, name)))
    return found


def summary(one: Recording, ports: Ports) -> str:
    """Where it stands, in a few words."""
    if one.ended_without or one.state == "DELETED":
        return one.reason
    if one.state == "DONE" and one.decision is not None:
        demo = " (demo model)" if DEMO_WARNING in one.warnings else ""
        more = [warning for warning in one.warnings if warning != DEMO_WARNING]
        same = filter(None, [same_content.reason_of(one)])
        said = f"{counted(one.words or 0, 'word')} by {one.decision.method}{demo}"
        return "; ".join([said, *same, *more])
    if one.decision is None:
        return budget.why_held(one, ports) or "waiting"
    handed = _handed_over(one, ports)
    told = f", {sum(handed.values())} handed over ({', '.join(handed)})" if handed else ""
    trouble = failure_log.last_trouble(one.id, ports.records)
    last = f"; last error: {trouble}" if trouble else ""
    return (
        f"{chunks_done(one, ports)} of {counted(len(one.chunks), 'part')}{told}; {one.decision.reason}{last}"
    )


def chunks_done(one: Recording, ports: Ports) -> int:
    """Number of chunks that have a result."""
    if one.state == "DONE":
        return len(one.chunks)
    return documents.count_done(one, ports.records) if one.chunks else 0


def _handed_over(one: Recording, ports: Ports) -> dict[str, int]:
    """Chunks of its plan that were handed to another engine, counted by that engine."""
    found = documents.every(CLAIMS, Claim, ports.records, {"recording": one.id}) if one.chunks else ()
    return dict(Counter(claim.engine for _, claim in found if claim.tried and one.chunk(claim.index)))
