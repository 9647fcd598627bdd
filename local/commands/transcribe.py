"""`dropscribe transcribe`: files in, transcripts out, a table at the end."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from gpu_job.speech import loading
from local.commands import downloads, inputs, report
from local.commands.screen import Screen, printable
from local.runtime import export, one_shot
from shared import outputs
from shared.flow.record import DEMO_WARNING
from shared.model import Options, Recording
from shared.routing import pick
from shared.telemetry import log

if TYPE_CHECKING:
    from local.backend.embedded_ports import LocalPorts
    from shared.errors import ModelUnavailable
    from shared.settings import Settings

PREVIEW_LINES = 3
"""Lines of the first transcript shown after the table."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """What the person asked for."""

    paths: Sequence[Path]
    """Files and folders."""
    out: Path
    """Where the outputs go, a folder for each recording."""
    files: Collection[str]
    """Names of the output files to put there."""
    options: Options
    """The same for all of them."""
    as_json: bool
    """Print JSON on standard output instead of the table."""
    preview: bool = False
    """Show the table also where there is no terminal, and the first lines of one transcript."""


def file_names(formats: str) -> list[str]:
    """The files of `json,srt,…`.

    Raises:
        BadRequest: names the format that does not exist.
    """
    return outputs.file_names([one.strip() for one in formats.split(",")])


def run(request: Request, ports: LocalPorts) -> int:
    """Transcribe everything that was asked for.

    Returns:
        0 when all came out, 1 when some failed, 130 when the person stopped it.

    Raises:
        Permanent: nothing could be begun: a wrong path, no weights, no place to write.
    """
    console = Console(stderr=True, soft_wrap=True)
    # What goes wrong is shown as it ends; the log would say it again.
    log.addHandler(logging.NullHandler())
    found = inputs.collect(request.paths, never_below=[request.out])
    if found.passed_over:
        console.print(f"{found.passed_over} files in folders passed over: not audio or video by their names")
    for reason in found.unreadable:
        console.print(Text(f"passed over: {printable(reason)}", style="red"))
    pick.check_speakers(request.options, ports.settings)
    model = _weights(request.options, ports.settings)
    wanted = replace(request.options, model=model)
    submitted = one_shot.look(found.files, wanted, ports)
    before = sum(one.skipped for one in submitted)
    if before:
        console.print(f"{before} of {len(submitted)} were finished before and are not repeated")
    export.check(request.out)
    warm = model
    if model is not None and before < len(submitted):
        # Or an error before anything is begun.
        warm = model if downloads.locate_or_do_without(model, wanted, ports, console) else None
    one_shot.submit(submitted, ports)
    names = {one.key: printable(str(one.file.output)) for one in submitted}
    lines: dict[str, report.Line] = {}
    try:
        with Screen(console, names) as screen:
            do_without = partial(downloads.do_without, options=wanted, ports=ports, console=console)
            for one, recording in _endings(submitted, ports, screen, warm, do_without):
                screen.ended(recording)
                folder = None
                if recording.state == "DONE":
                    folder = export.choose_folder(request.out, one.file.output, one.source, ports)
                    export.export(recording, folder, request.files, ports)
                lines[one.key] = report.line(names[one.key], recording, folder, ports, skipped=one.skipped)
    except KeyboardInterrupt:
        one_shot.forget(submitted, ports)
        console.print(
            f"Stopped. {len(lines)} of {len(submitted)} are done; the same command goes on from there."
        )
        return 130
    ordered = [lines[one.key] for one in submitted]
    _show(ordered, request)
    complete = all(one.recording.state == "DONE" for one in ordered) and not found.unreadable
    return 0 if complete else 1


def _weights(options: Options, settings: Settings) -> str | None:
    """Which weights are wanted here, None where only Deepgram is.

    The key of a recording holds them by name, so that other weights give another transcript.
    """
    method = settings.method if options.method == "auto" else options.method
    return None if method == "deepgram" or options.diarize else options.model or settings.model


def _endings(
    submitted: Sequence[one_shot.Submitted],
    ports: LocalPorts,
    screen: Screen,
    warm: str | None,
    do_without: Callable[[ModelUnavailable], None],
) -> Iterator[tuple[one_shot.Submitted, Recording]]:
    """Every input with its end; those that could not even be looked at come first."""
    for one in submitted:
        if one.problem:
            yield (
                one,
                Recording(
                    id=one.key,
                    source=one.source,
                    options=Options(),
                    state="FAILED",
                    created=ports.clock.now(),
                    reason=one.problem,
                    code="missing",
                ),
            )
    settings = ports.settings
    yield from one_shot.follow(
        submitted,
        ports,
        partial(loading.load, settings),
        load_cpu=partial(loading.load, replace(settings, enable_gpu=False)),
        watcher=screen,
        warm=warm,
        do_without=do_without,
    )


def _show(lines: list[report.Line], request: Request) -> None:
    if request.as_json:
        print(json.dumps([one.as_json() for one in lines], ensure_ascii=False, indent=2))  # noqa: T201 - output
        return
    terminal = Console().is_terminal
    console = Console(soft_wrap=True, width=None if terminal else report.WIDE)
    shown = [replace(one, folder=_short(one.folder)) for one in lines]
    as_table = terminal or request.preview
    if as_table:
        console.print(report.table(shown, console.width))
        if len(lines) > report.MOST_ROWS:
            console.print(f"(Only failed files are listed, of {len(lines)}; --json lists all.)")
    else:
        for one in shown:
            console.print(Text(report.plain(one)))
    for note in report.notes(shown) if as_table else ():
        console.print(Text(note))
    done = [one for one in lines if one.folder]
    if done:
        files = ", ".join(request.files)
        console.print(f"Transcripts: {_short(request.out)}/FILE/ ({files})", highlight=False, markup=False)
    if done and request.preview:
        _preview(done[0], console)
    if any(DEMO_WARNING in one.recording.warnings for one in done):
        console.print(f"\nNote: {DEMO_WARNING}", style="yellow", highlight=False)


def _preview(line: report.Line, console: Console) -> None:
    (name,) = outputs.file_names(["txt"])
    text = line.folder / name if line.folder else None
    if text is not None and text.is_file():
        console.print(f"\n{_short(text)}:", highlight=False, markup=False)
        for one in text.read_text("utf-8").splitlines()[:PREVIEW_LINES]:
            console.print("  " + one, highlight=False, markup=False)


def _short(path: Path | None) -> Path | None:
    if path is None:
        return None
    here = os.path.relpath(path)
    return path if here.startswith("..") else Path(here)
