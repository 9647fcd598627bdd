"""`dropscribe transcribe`: files in, transcripts out, a table at the end."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from local.commands import options
from local.commands.audio.destinations import STDOUT
from local.commands.audio.run_files import Request, run
from local.commands.audio.sources import check_name
from local.commands.context import errors, local_ports, options_from
from shared.audio.containers import SUFFIXES
from shared.bundled import bundled
from shared.errors import BadRequest, ConfigurationError
from shared.formats import BESIDE, FORMATS, PRINTED, STANDARD, of_recording
from shared.model import Options

SAMPLES = bundled("samples")
OUT = Path("transcripts")
"""Folder for the transcripts if none is named."""


@options.of_a_recording(without=("title", "formats"))
def command(
    *,
    # Typer does not check them: one file that cannot be read must not stop the others.
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE|URI",
            help="Audio or video files, folders of them, https:// addresses, or - for standard input.",
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            help=f"Folder for the transcripts, by default {OUT}; - prints one format (txt, if you name none) on "
            "standard output.",
        ),
    ] = None,
    beside: Annotated[
        bool,
        typer.Option(
            "--beside",
            help="Put the output next to each file, named after it: talk.srt beside talk.mp4 (srt, if you name no format).",
        ),
    ] = False,
    formats: Annotated[
        str | None,
        typer.Option(
            "--format",
            "-f",
            help=f"Only these output formats, separated by commas: some of {', '.join(FORMATS)}; "
            f"by default {', '.join(STANDARD)}.",
        ),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(help="File name for audio from standard input or a URL."),
    ] = None,
    asked: options.Asked,
    as_json: options.AsJson = False,
    json_lines: Annotated[
        bool, typer.Option("--jsonl", help="Print one line of JSON per file as soon as it is done.")
    ] = False,
    quiet: options.Quiet = False,
    state_dir: options.StateDir = None,
) -> None:
    """Transcribe files and folders now. Recordings already finished are skipped."""
    with errors(), local_ports(state_dir, hurried=True) as ports:
        check_name(name or "", inputs)
        if beside and out is not None:
            raise BadRequest("--beside and --out are two places for the same files. Leave out one of them.")
        to_stdout = str(out) == STDOUT
        if as_json + json_lines + to_stdout > 1:
            raise BadRequest("Of --json, --jsonl and --out -, only one can have standard output. Choose one.")
        default = [BESIDE] if beside else [PRINTED] if to_stdout else of_recording(ports.settings.formats)
        request = Request(
            inputs=inputs,
            name=name or "",
            out=None if beside or to_stdout else out or OUT,
            to_stdout=to_stdout,
            formats=default
            if formats is None
            else list(dict.fromkeys(one.strip() for one in formats.split(","))),
            options=options_from(**asked),
            as_json=as_json,
            json_lines=json_lines,
            quiet=quiet,
        )
        raise typer.Exit(run(request, ports))


def demo(
    *,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the transcripts.")] = OUT,
) -> None:
    """Transcribe the bundled samples with the bundled demo model: no download, no account."""
    # A new state directory, so that every demo does all of the work.
    with (
        tempfile.TemporaryDirectory(prefix="dropscribe-demo-") as state,
        errors(),
        local_ports(Path(state), hurried=True) as ports,
    ):
        request = Request(
            inputs=list(map(str, _samples())),
            out=out,
            formats=STANDARD,
            options=Options(model="tiny"),
            preview=True,
        )
        raise typer.Exit(run(request, ports))


def _samples() -> list[Path]:
    """The recordings that the demo transcribes.

    Raises:
        ConfigurationError: they are not there.
    """
    if not SAMPLES.is_dir():
        raise ConfigurationError(
            f"The recordings of the demo are not in {SAMPLES}. Install Dropscribe again, or transcribe a file of yours."
        )
    return [path for path in sorted(SAMPLES.iterdir()) if path.suffix in SUFFIXES]
