"""Progress on stderr: bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Self

from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

from shared.flow.assemble import DEMO_WARNING
from shared.in_words import human_duration, printable

if TYPE_CHECKING:
    from rich.console import Console

    from shared.model import Recording

BARS = 6
"""Recordings with a bar at one time, below the bar for all."""


class Screen:
    """Shows the progress of a run. `heard` may be called from any thread."""

    def __init__(self, console: Console, names: dict[str, str]) -> None:
        """Prepare to show.

        Args:
            console: where to.
            names: what to call each recording, by its key.
        """
        self._console = console
        self._names = names
        self._heard: dict[str, float] = {}
        self._lengths: dict[str, float | None] = {}
        self._ended = 0
        self._lock = threading.Lock()
        self._tasks: dict[str, TaskID] = {}
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=30),
            TextColumn("{task.fields[note]}", markup=False),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._all = self._progress.add_task("all files", total=len(names), note=f"0 of {len(names)}")

    def __enter__(self) -> Self:
        """Begin to draw."""
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop drawing, and leave the terminal as it was."""
        self._progress.stop()

    def heard(self, key: str, seconds: float) -> None:
        """Some seconds of a recording were recognised."""
        with self._lock:
            self._heard[key] = so_far = self._heard.get(key, 0.0) + seconds
            if key not in self._tasks and len(self._tasks) < BARS and key in self._names:
                self._tasks[key] = self._progress.add_task(
                    _short(self._names[key]), total=self._lengths.get(key), note=""
                )
            if key in self._tasks:
                # Overlaps are heard twice.
                shown = min(so_far, self._lengths.get(key) or so_far)
                self._progress.update(self._tasks[key], completed=shown, note=human_duration(shown))

    def planned(self, key: str, duration: float | None) -> None:
        """The length of a recording is known."""
        with self._lock:
            if key not in self._lengths:
                self._lengths[key] = duration
                if key in self._tasks:
                    self._progress.update(self._tasks[key], total=duration)

    def ended(self, recording: Recording) -> None:
        """A recording has ended."""
        name = printable(self._names.get(recording.id, recording.source.name))
        with self._lock:
            if recording.id in self._tasks:
                self._progress.remove_task(self._tasks.pop(recording.id))
            self._ended += 1
            self._progress.update(
                self._all, completed=self._ended, note=f"{self._ended} of {len(self._names)}"
            )
        if recording.state != "DONE":
            self._say(
                Text(f"{recording.state.lower():<7} ", style="red").append(
                    printable(f"{name}: {recording.reason}"), style=""
                )
            )
            return
        if not self._console.is_terminal:
            self._say(Text(f"done    {name}: {human_duration(recording.duration)}, {recording.words} words"))
        for warning in recording.warnings:
            if warning != DEMO_WARNING:
                self._say(Text("warning ", style="yellow").append(printable(f"{name}: {warning}"), style=""))

    def _say(self, text: Text) -> None:
        self._console.print(text, soft_wrap=True)


def _short(name: str, longest: int = 40) -> str:
    return name if len(name) <= longest else "…" + name[-(longest - 1) :]
