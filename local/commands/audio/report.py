"""What `dropscribe transcribe` prints at the end: a table of recordings, and sums."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.text import Text

from local.commands import terminal
from local.runtime.export import short
from shared.costs import prices_file
from shared.costs.prices import reference, total
from shared.flow.assemble import DEMO_WARNING
from shared.in_words import counted, dollars, human_duration, printable
from shared.model import FILES_BUCKET, Options, Recording, StoredObject
from shared.results import LedgerRow
from shared.state import documents

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from local.commands.audio.destinations import Placed
    from shared.ports import Ports


PREVIEW_LINES = 3
"""Lines of the first transcript shown after the table."""

MOST_ROWS = 40
"""Rows of a table that people still read."""

WIDE = 130
"""Columns of a terminal wide enough for paths."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One recording, as the table and `--json` show it."""

    file: str
    """As the person named it."""
    recording: Recording
    """Its document."""
    usd: float
    """What it cost, US dollars."""
    busy_seconds: float
    """Decoding and recognising, wall time."""
    reference_usd: float
    """What the reference of `shared/costs/prices.py` would have charged for the same, US dollars."""
    folder: Path | None
    """Where its outputs were put; None if there are none, or they went to standard output."""
    files: tuple[Path, ...] = ()
    """Its outputs there."""
    skipped: bool = False
    """True when an earlier run had finished it."""
    problem: str = ""
    """Why its outputs could not be written; empty if they were."""

    @property
    def speed(self) -> float | None:
        """Seconds of audio per second of work (RTFx); None if nothing was done."""
        seconds = self.recording.duration
        return seconds / self.busy_seconds if seconds and self.busy_seconds else None

    def as_json(self) -> dict[str, Any]:
        """For `--json`: plain values, seconds and US dollars."""
        one, speed = self.recording, None if self.speed is None else round(self.speed, 1)
        return {
            "file": self.file,
            "state": one.state,
            "recording": one.id or None,
            "duration": one.duration,
            "method": one.decision.method if one.decision else None,
            "model": one.decision.model if one.decision else None,
            "why": one.decision.reason if one.decision else None,
            "words": one.words,
            "rtfx": speed,
            # The former name of the same: scripts read it.
            "real_time_factor": speed,
            "usd": round(self.usd, 6),
            f"{reference().name}_usd": round(self.reference_usd, 6) if one.duration else None,
            "folder": str(self.folder) if self.folder else None,
            "outputs": [str(path) for path in self.files],
            "warnings": list(one.warnings),
            "code": one.code or None,
            "reason": one.reason or self.problem or None,
            "skipped": self.skipped,
        }


def line(
    file: str,
    recording: Recording,
    placed: Placed | None,
    ports: Ports,
    *,
    skipped: bool = False,
    problem: str = "",
) -> Line:
    """A recording with its costs.

    `problem` says why its outputs could not be written.
    """
    written = documents.every(documents.LEDGER, LedgerRow, ports.records, {"recording": recording.id})
    rows = [row for _, row in written]
    return Line(
        file=file,
        recording=recording,
        usd=total(rows),
        busy_seconds=sum(row.busy_seconds for row in rows),
        reference_usd=prices_file.table(ports.settings).hosted(
            reference().name, recording.duration or 0.0, recording.options, lowest=True
        ),
        folder=placed.folder if placed else None,
        files=placed.files if placed else (),
        skipped=skipped,
        problem=problem,
    )


def unread(file: str, reason: str) -> Line:
    """Something that could not be read, so there is no recording of it."""
    source = StoredObject(bucket=FILES_BUCKET, name=file, generation=0, size=0)
    recording = Recording(
        id="", source=source, options=Options(), state="FAILED", created=0.0, reason=reason, code="missing"
    )
    return Line(file=file, recording=recording, usd=0.0, busy_seconds=0.0, reference_usd=0.0, folder=None)


def show(lines: list[Line], *, where: str, preview: bool) -> None:
    """Print the recordings: a table on a terminal, elsewhere a line for each.

    `where` says where outputs are, empty if there are none. A preview is a table even where there is no terminal, and
    the first lines of one transcript.
    """
    console = terminal.output(WIDE, soft_wrap=True)
    shown = [replace(one, folder=short(one.folder) if one.folder else None) for one in lines]
    if console.is_terminal or preview:
        console.print(table(shown, console.width))
        console.print()
        if len(lines) > MOST_ROWS:
            console.print(f"(Only the failed ones of {len(lines)} files are listed; --json lists all.)")
        for note in notes(shown):
            console.print(Text(printable(note)))
    else:
        for one in shown:
            console.print(Text(printable(plain(one))))
    done = [one for one in lines if one.folder]
    if where:
        console.print(where, highlight=False, markup=False)
    if done and preview:
        _preview(done[0], console)
    if any(DEMO_WARNING in one.recording.warnings for one in done):
        console.print(f"\nNote: {DEMO_WARNING}", style="yellow", highlight=False)


def table(lines: list[Line], width: int) -> Table:
    """The recordings, and their sum if there are several; `notes` gives the reasons for their methods.

    If there are more than `MOST_ROWS`, only the failed ones are shown, and the sum of all. A wide table has a
    column for the folders of the outputs.
    """
    wide = width >= WIDE
    figures = ("length", "words", "speed", "cost", reference().in_sentences)
    more = ("files in",) if wide else ()
    shown = terminal.table("file", *figures, "method", *more, figures=figures, whole=("method",))
    shown.columns[0].min_width = 14
    rows = lines if len(lines) <= MOST_ROWS else [one for one in lines if one.recording.state != "DONE"]
    for one in rows:
        shown.add_row(*_cells(one)[: 8 if wide else 7])
    if len(lines) > 1:
        done = [one for one in lines if one.recording.state == "DONE"]
        seconds = sum(one.recording.duration or 0 for one in done)
        shown.add_section()
        shown.add_row(
            f"{len(done)} of {len(lines)} files",
            human_duration(seconds),
            str(sum(one.recording.words or 0 for one in done)),
            "",
            dollars(sum(one.usd for one in lines)),
            dollars(sum(one.reference_usd for one in done)),
        )
    return shown


def plain(one: Line) -> str:
    """One recording as one line, for output that is not a terminal."""
    file, length, words, speed, usd, other, method, folder = map(str, _cells(replace(one, problem="")))
    if one.recording.state != "DONE":
        return f"{file}: {one.recording.state}: {one.recording.reason}"
    fast = f", {speed} real time" if speed else ""
    where = f"not written: {one.problem}" if one.problem else f"in {folder}"
    costs = f"{usd} ({reference().in_sentences}: {other})"
    return f"{file}: {length}, {words} words{fast}, {costs}, {method}: {_why(one)}; {where}"


def notes(lines: list[Line]) -> list[str]:
    """Why the methods were chosen, and what failed and why."""
    reasons = Counter(
        f"{one.recording.decision.method}: {_why(one)}" for one in lines if one.recording.decision
    )
    said = [f"{reason} ({counted(count, 'file')})" for reason, count in reasons.items()]
    failed = [one for one in lines if one.recording.state != "DONE"]
    said += [f"{one.recording.state} {one.file}: {one.recording.reason}" for one in failed]
    return said + [f"Not written: {one.file}: {one.problem}" for one in lines if one.problem]


def _preview(line: Line, console: Console) -> None:
    text = next((one for one in line.files if one.name == "transcript.txt"), None)
    if text is not None:
        console.print(f"\n{short(text)}:", highlight=False, markup=False)
        for one in text.read_text("utf-8").splitlines()[:PREVIEW_LINES]:
            console.print("  " + one, highlight=False, markup=False)


def _why(one: Line) -> str:
    return one.recording.decision.reason if one.recording.decision else ""


def _cells(one: Line) -> list[str | Text]:
    recording = one.recording
    if recording.state != "DONE":
        return [Text(one.file), "", "", "", dollars(one.usd), "", Text(recording.state, style="bold red"), ""]
    assert recording.decision is not None, "it is DONE"
    return [
        Text(one.file),
        human_duration(recording.duration),
        str(recording.words),
        f"{one.speed:.0f}×" if one.speed else "",
        dollars(one.usd),
        dollars(one.reference_usd),
        Text("not written", style="bold red")
        if one.problem
        else Text(recording.decision.method + (" (earlier)" if one.skipped else "")),
        Text(str(one.folder) if one.folder else ""),
    ]
