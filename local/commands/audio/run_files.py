"""One run of `dropscribe transcribe`: from what a command line names to outputs, and a report of how each file ended."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from gpu_job import loading
from local import exit_codes
from local.backend.incoming import Incoming
from local.commands import downloads
from local.commands.audio import inputs, report
from local.commands.audio.destinations import Beside, Destination, InFolders, ToStdout
from local.commands.audio.screen import Screen
from local.commands.audio.sources import Sources
from local.commands.context import exit_code
from local.commands.terminal import beside, print_json, print_json_line
from local.runtime import one_shot, submission
from shared import formats, outputs
from shared.adapters.web.download import shown
from shared.errors import DropscribeError
from shared.in_words import counted, printable
from shared.model import Options
from shared.routing import eligible, speakers, weights
from shared.telemetry import log

if TYPE_CHECKING:
    from rich.console import Console

    from local.backend.embedded_ports import LocalPorts


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """What the command line asks for."""

    inputs: Sequence[str]
    """Files, folders, addresses, and `-` for standard input."""
    name: str = ""
    """What to call the one input that is no file here; empty: as it says itself."""
    out: Path | None
    """Where the outputs go, a folder for each recording; None: beside each file, or to standard output."""
    to_stdout: bool = False
    """Print the output instead of writing files."""
    formats: Sequence[str]
    """Output formats that are wanted."""
    options: Options
    """The same for all files."""
    as_json: bool = False
    """Print JSON on standard output instead of the table."""
    json_lines: bool = False
    """Print a line of JSON for each file as soon as it ends, instead of the table."""
    quiet: bool = False
    """Print only warnings and errors."""
    preview: bool = False
    """Show the table even if there is no terminal, and the first lines of one transcript."""


def run(request: Request, ports: LocalPorts) -> int:
    """Transcribe all inputs of a request.

    Returns:
        The exit code: 0 if all were transcribed, 1 if some failed, 130 if the person stopped it, else that of the first
        error with which outputs could not be written.

    Raises:
        Permanent: nothing could be started: a wrong path, no weights, no place to write.
        BrokenPipeError: standard output was closed by its reader; nothing is lost.
    """
    # Failures are shown as recordings end; the log would repeat them.
    log.addHandler(logging.NullHandler())
    console = beside(soft_wrap=True)
    try:
        with Incoming(ports.settings.state_dir) as incoming:
            return _Run(request, ports, console).go(incoming)
    except KeyboardInterrupt:
        console.print("Stopped before anything was transcribed. Run the same command again.")
        return exit_codes.STOPPED


class _Run:
    def __init__(self, request: Request, ports: LocalPorts, console: Console) -> None:
        self._request = request
        self._ports = ports
        self._console = console
        self._destination = _destination(request, ports)
        self._lines: dict[str, report.Line] = {}
        self._unwritten: list[DropscribeError] = []
        self._unread: list[report.Line] = []

    def go(self, incoming: Incoming) -> int:
        request, ports = self._request, self._ports
        speakers.check(request.options)
        eligible.check_language(request.options, ports.settings, ports.engines)
        wanted = weights.named(request.options, ports.settings)
        found = self._gather(incoming)
        submitted = submission.look(found.files, wanted, ports)
        before = sum(one.skipped for one in submitted)
        if before:
            self._note(f"Already transcribed: {before} of {len(submitted)}")
        for one in submitted:
            if one.known_as:
                name = Path(one.known_as).name
                self._note(
                    f"{printable(one.file.path.name)} was transcribed as {printable(name)}, and is not paid again"
                )
            elif one.of_up and one.to_do:
                self._note(
                    f"{printable(one.file.path.name)} is in the inbox of `dropscribe up`: this waits for its recording there"
                )
        self._destination.check(found.files)
        warm = wanted.model
        if warm is not None and any(one.to_do for one in submitted):
            # Or an error before anything is started.
            here = downloads.locate_or_do_without(warm, wanted, ports, self._console)
            warm = warm if here else None
        submission.submit(submitted, ports)
        try:
            self._follow(submitted, wanted, warm)
        except (KeyboardInterrupt, BrokenPipeError) as error:
            submission.forget(submitted, ports)
            if isinstance(error, BrokenPipeError):
                raise
            self._console.print(
                f"Stopped: {len(self._lines)} of {len(submitted)} are done. Run the same command again to continue."
            )
            return exit_codes.STOPPED
        ordered = [self._lines[one.key] for one in submitted]
        self._report([*self._unread, *ordered])
        if self._unwritten:
            return exit_code(self._unwritten[0])
        complete = all(one.recording.state == "DONE" for one in ordered) and not found.unreadable
        return exit_codes.DONE if complete else exit_codes.INCOMPLETE

    def _gather(self, incoming: Incoming) -> inputs.Inputs:
        request = self._request
        with downloads.bars(self._console, quiet=request.quiet) as advance:
            sources = Sources(incoming, self._ports.settings, advance, name=request.name)
            never_below = [] if request.out is None else [request.out]
            found = inputs.collect(request.inputs, never_below=never_below, receive=sources)
        if found.passed_over:
            self._note(
                f"Skipped {counted(found.passed_over, 'file')} in folders: not audio or video, by name"
            )
        for name, reason in found.unreadable.items():
            self._console.print(f"Skipped: {printable(reason)}", style="red", markup=False, highlight=False)
            self._unread.append(report.unread(shown(name), reason))
            self._print_line(self._unread[-1])
        return found

    def _follow(self, submitted: Sequence[submission.Submitted], wanted: Options, warm: str | None) -> None:
        settings = self._ports.settings
        names = {one.key: printable(str(one.file.output)) for one in submitted}
        # Bars would paint over what is printed on the same terminal.
        bars = not (sys.stdout.isatty() and (self._request.to_stdout or self._request.json_lines))
        with Screen(self._console, names, quiet=self._request.quiet, bars=bars) as screen:
            endings = one_shot.follow(
                submitted,
                self._ports,
                partial(loading.load, settings),
                load_cpu=partial(loading.load, replace(settings, enable_gpu=False)),
                progress=screen,
                warm=warm,
                do_without=partial(
                    downloads.do_without, options=wanted, ports=self._ports, console=self._console
                ),
            )
            for one, recording in endings:
                placed, problem = None, ""
                try:
                    placed = self._destination.put(one, recording)
                except DropscribeError as error:
                    self._unwritten.append(error)
                    problem = str(error)
                screen.ended(recording, problem=problem, skipped=one.skipped)
                line = report.line(
                    names[one.key], recording, placed, self._ports, skipped=one.skipped, problem=problem
                )
                self._lines[one.key] = line
                self._print_line(line)

    def _print_line(self, line: report.Line) -> None:
        if self._request.json_lines:
            print_json_line(line.as_json())

    def _report(self, lines: list[report.Line]) -> None:
        request = self._request
        if request.as_json:
            print_json([one.as_json() for one in lines])
        elif not (request.quiet or request.json_lines or request.to_stdout):
            lines = [one for one in lines if one not in self._unread]
            folders = [one.folder for one in lines if one.folder]
            where = self._destination.where(folders) if folders else ""
            report.show(lines, where=where, preview=request.preview)

    def _note(self, text: str) -> None:
        if not self._request.quiet:
            self._console.print(text, markup=False)


def _destination(request: Request, ports: LocalPorts) -> Destination:
    shape = outputs.Shape.of(request.options)
    if request.to_stdout:
        return ToStdout(request.formats, ports, shape)
    files = formats.file_names(request.formats)
    if request.out is None:
        return Beside(files, ports, shape)
    return InFolders(request.out, files, ports, shape)
