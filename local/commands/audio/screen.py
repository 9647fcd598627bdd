"""Progress on stderr: bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from rich.progress import BarColumn, Progress, TaskID, TextColumn
from rich.text import Text

from local.commands.audio.progress import RunProgress
from shared import concurrency
from shared.flow.assemble import DEMO_WARNING
from shared.in_words import human_duration, printable

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console

    from shared.model import Recording

BARS = 6
"""Recordings with a bar at one time, below the bar for all."""
LINE_EVERY = 30.0
"""Seconds between two lines of progress where there is no terminal."""
LONGEST_NAME = 40
"""Characters of a name that are shown."""


class Screen:
    """Shows the progress of a run. `heard` may be called from any thread."""

    def __init__(
        self,
        console: Console,
        names: dict[str, str],
        *,
        quiet: bool = False,
        bars: bool = True,
        clock: Callable[[], float] = concurrency.monotonic,
    ) -> None:
        """Prepare to show.

        Args:
            console: where to.
            names: what to call each recording, by its key.
            quiet: say nothing but what failed.
            bars: draw on a terminal; False if something else is written there meanwhile.
            clock: seconds that pass.
        """
        self._console = console
        self._names = names
        self._quiet = quiet
        self._clock = clock
        self._run = RunProgress(names, clock)
        self._lock = concurrency.Lock()
        self._tasks: dict[str, TaskID] = {}
        self._last_line = clock()
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=16),
            TextColumn("{task.fields[note]}", markup=False),
            console=console,
            transient=True,
            disable=quiet or not bars or not console.is_terminal,
        )
        self._all = self._progress.add_task("all", total=None, note=self._run.told())

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop drawing, and leave the terminal as it was."""
        self._progress.stop()

    def heard(self, key: str, seconds: float) -> None:
        """Some seconds of a recording were recognised."""
        with self._lock:
            so_far = self._run.heard(key, seconds)
            if key not in self._tasks and len(self._tasks) < BARS and key in self._names:
                self._tasks[key] = self._progress.add_task(
                    _short(self._names[key]), total=self._run.length(key), note=""
                )
            if key in self._tasks:
                self._progress.update(self._tasks[key], completed=so_far, note=human_duration(so_far))
            self._update()

    def planned(self, key: str, duration: float | None) -> None:
        """The length of a recording is known."""
        with self._lock:
            if self._run.planned(key, duration):
                if key in self._tasks:
                    self._progress.update(self._tasks[key], total=duration)
                self._update()

    def ended(self, recording: Recording, *, problem: str = "", skipped: bool = False) -> None:
        """A recording has ended.

        `problem` says why its outputs could not be written, empty if they were; `skipped`: an earlier run had finished
        it.
        """
        name = printable(self._names.get(recording.id, recording.source.name))
        with self._lock:
            if recording.id in self._tasks:
                self._progress.remove_task(self._tasks.pop(recording.id))
            self._run.ended(recording.id, recording.duration, skipped=skipped)
            self._update()
        if recording.state != "DONE" or problem:
            state = "failed" if recording.state == "DONE" else recording.state.lower()
            reason = problem or recording.reason
            self._say(Text(f"{state:<7} ", style="red").append(printable(f"{name}: {reason}"), style=""))
            return
        if self._quiet:
            return
        if not self._console.is_terminal:
            self._say(Text(f"done    {name}: {human_duration(recording.duration)}, {recording.words} words"))
        for warning in recording.warnings:
            if warning != DEMO_WARNING:
                self._say(Text("warning ", style="yellow").append(printable(f"{name}: {warning}"), style=""))

    def _update(self) -> None:
        """Show how far all files are. The caller has the lock."""
        note = self._run.told(briefly=True)
        self._progress.update(self._all, completed=self._run.done, total=self._run.total, note=note)
        if self._quiet or self._console.is_terminal or self._run.complete:
            return
        if (now := self._clock()) - self._last_line >= LINE_EVERY:
            self._last_line = now
            self._say(Text(f"        {self._run.told()}"))

    def _say(self, text: Text) -> None:
        self._console.print(text, soft_wrap=True)


def _short(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else "…" + name[-(LONGEST_NAME - 1) :]
