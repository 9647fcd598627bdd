"""`dropscribe transcribe`: files in, transcripts out, a table at the end."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from gpu_job import parakeet_onnx, weights
from local import export, inputs, oneshot, report
from local.screen import Screen
from shared.errors import BadRequest
from shared.flow.record import DEMO_WARNING
from shared.model import Options

if TYPE_CHECKING:
    from local.platform import LocalPorts

FILES = {
    "json": ("transcript.json",),
    "csv": ("words.csv", "paragraphs.csv"),
    "srt": ("transcript.srt",),
    "vtt": ("transcript.vtt",),
    "txt": ("transcript.txt",),
}
"""Output files of each format that one can ask for."""

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
    """Show the first lines of one transcript."""


def file_names(formats: str) -> list[str]:
    """The files of `json,srt,…`.

    Raises:
        BadRequest: names the format that does not exist.
    """
    names: list[str] = []
    for one in formats.split(","):
        if one.strip() not in FILES:
            raise BadRequest(f"There is no format {one.strip()!r}. Choose from {', '.join(FILES)}.")
        names.extend(FILES[one.strip()])
    return names


def run(request: Request, ports: LocalPorts) -> int:
    """Transcribe everything that was asked for.

    Returns:
        0 when all came out, 1 when some failed, 130 when the person stopped it.

    Raises:
        Permanent: nothing could be begun: a wrong path, no weights, no place to write.
    """
    console = Console(stderr=True)
    found = inputs.collect(request.paths, never_below=[request.out])
    if found.passed_over:
        console.print(f"{found.passed_over} files in folders passed over: not audio or video by their names")
    # The key of a recording holds the weights by name, so that other weights give another transcript.
    model = request.options.model or ports.settings.model
    options = replace(request.options, model=model)
    submitted = oneshot.look(found.files, options, ports)
    lines: dict[str, report.Line] = {}
    names = {one.key: str(one.file.output) for one in submitted}
    todo = sum(not one.skipped for one in submitted)
    if len(submitted) > todo:
        console.print(
            f"{len(submitted) - todo} of {len(submitted)} were finished before and are not repeated"
        )
    export.check(request.out)
    if todo:
        weights.locate(model)  # a download, or an error before anything is begun
    oneshot.submit(submitted, ports)
    try:
        with Screen(console, names) as screen:
            for one, recording in oneshot.follow(
                submitted, ports, parakeet_onnx.load, watcher=screen, warm=model
            ):
                screen.ended(recording)
                folder = None
                if recording.state == "DONE":
                    folder = request.out / one.file.output
                    export.export(recording, folder, request.files, ports)
                lines[one.key] = report.line(names[one.key], recording, folder, ports, skipped=one.skipped)
    except KeyboardInterrupt:
        oneshot.forget(submitted, ports)
        console.print(
            f"Stopped. {len(lines)} of {len(submitted)} are done; the same command goes on from there."
        )
        return 130
    ordered = [lines[one.key] for one in submitted]
    _show(ordered, request, model)
    return 0 if all(one.recording.state == "DONE" for one in ordered) else 1


def _show(lines: list[report.Line], request: Request, model: str) -> None:
    if request.as_json:
        print(json.dumps([one.as_json() for one in lines], ensure_ascii=False, indent=2))  # noqa: T201 - output
        return
    console = Console(width=None if Console().is_terminal else 160)
    shown = [replace(one, folder=_short(one.folder)) for one in lines]
    console.print(report.table(shown, console.width))
    if len(lines) > report.MOST_ROWS:
        console.print(f"(Only failed files are listed, of {len(lines)}; --json lists all.)")
    if any(one.folder for one in lines):
        files = ", ".join(request.files)
        console.print(f"Transcripts: {_short(request.out)}/FILE/ ({files})", highlight=False, markup=False)
    first = next((one.folder for one in lines if one.folder), None)
    text = None if first is None else first / "transcript.txt"
    if request.preview and text is not None and text.is_file():
        console.print(f"\n{_short(text)}:", highlight=False)
        for line in text.read_text("utf-8").splitlines()[:PREVIEW_LINES]:
            console.print("  " + line, highlight=False, markup=False, soft_wrap=True)
    if model == "tiny":
        console.print(f"\nNote: {DEMO_WARNING}", style="yellow", highlight=False)


def _short(path: Path | None) -> Path | None:
    if path is None:
        return None
    here = os.path.relpath(path)
    return path if here.startswith("..") else Path(here)
