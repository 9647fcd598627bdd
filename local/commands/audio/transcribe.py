"""`dropscribe transcribe`: files in, transcripts out, a table at the end."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from gpu_job.speech import loading
from local.commands import downloads, options
from local.commands.audio import inputs, report
from local.commands.audio.screen import Screen
from local.commands.context import errors, local_ports, options_from
from local.commands.terminal import beside, print_json
from local.runtime import export, one_shot
from shared import outputs
from shared.bundled import bundled
from shared.errors import ConfigurationError
from shared.formats import FORMATS, STANDARD, of_recording
from shared.in_words import printable
from shared.model import Options
from shared.routing import eligible, pick, weights
from shared.telemetry import log

if TYPE_CHECKING:
    from local.backend.embedded_ports import LocalPorts

SAMPLES = bundled("samples")


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """What the command line asks for."""

    paths: Sequence[Path]
    """Files and folders."""
    out: Path
    """Where the outputs go, a folder for each recording."""
    files: Collection[str]
    """Names of the output files to put there."""
    options: Options
    """The same for all files."""
    as_json: bool
    """Print JSON on standard output instead of the table."""
    preview: bool = False
    """Show the table even if there is no terminal, and the first lines of one transcript."""


def command(
    *,
    # Typer does not check them: one file that cannot be read must not stop the others.
    paths: Annotated[
        list[Path],
        typer.Argument(metavar="FILE", help="Audio or video files, and folders of them.", readable=False),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the transcripts.")] = Path(
        "transcripts"
    ),
    formats: Annotated[
        str | None,
        typer.Option(
            "--format",
            "-f",
            help=f"Only these output formats, separated by commas: some of {', '.join(FORMATS)}; "
            f"by default {', '.join(STANDARD)}.",
            show_default=False,
        ),
    ] = None,
    method: options.Method = None,
    model: options.Model = None,
    language: options.Language = None,
    track: options.Track = None,
    keyterms: options.Keyterms = None,
    filler_words: options.FillerWords = False,
    diarize: options.Diarize = False,
    min_speakers: options.MinSpeakers = None,
    max_speakers: options.MaxSpeakers = None,
    channels: options.Channels = None,
    speaker_names: options.SpeakerNames = None,
    label: options.Label = None,
    as_json: options.AsJson = False,
    state_dir: options.StateDir = None,
) -> None:
    """Transcribe files and folders now. Recordings that an earlier run finished are skipped."""
    with errors(), local_ports(state_dir, hurried=True) as ports:
        request = Request(
            paths=paths,
            out=out,
            files=outputs.file_names(
                of_recording(ports.settings.formats)
                if formats is None
                else [one.strip() for one in formats.split(",")]
            ),
            options=options_from(
                method=method,
                model=model,
                language=language,
                track=track,
                keyterms=keyterms,
                filler_words=filler_words,
                diarize=diarize,
                min_speakers=min_speakers,
                max_speakers=max_speakers,
                channels=channels,
                speaker_names=speaker_names,
                label=label,
            ),
            as_json=as_json,
        )
        raise typer.Exit(run(request, ports))


def demo(
    *,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the transcripts.")] = Path(
        "transcripts"
    ),
) -> None:
    """Transcribe the bundled samples with the bundled demo model: no download, no account."""
    # A new state directory, so that every demo does all of the work.
    with (
        tempfile.TemporaryDirectory(prefix="dropscribe-demo-") as state,
        errors(),
        local_ports(Path(state), hurried=True) as ports,
    ):
        request = Request(
            paths=_samples(),
            out=out,
            files=outputs.file_names(STANDARD),
            options=Options(model="tiny"),
            as_json=False,
            preview=True,
        )
        raise typer.Exit(run(request, ports))


def run(request: Request, ports: LocalPorts) -> int:
    """Transcribe all inputs of a request.

    Returns:
        0 if all were transcribed, 1 if some failed, 130 if the person stopped it.

    Raises:
        Permanent: nothing could be started: a wrong path, no weights, no place to write.
    """
    console = beside(soft_wrap=True)
    # Failures are shown as recordings end; the log would repeat them.
    log.addHandler(logging.NullHandler())
    found = inputs.collect(request.paths, never_below=[request.out])
    if found.passed_over:
        console.print(
            f"skipped {found.passed_over} files in folders: their names are not those of audio or video"
        )
    for reason in found.unreadable:
        console.print(Text(f"skipped: {printable(reason)}", style="red"))
    pick.check_speakers(request.options, ports.settings)
    eligible.check_language(request.options, ports.settings, ports.engines)
    wanted = weights.named(request.options, ports.settings)
    model = wanted.model
    submitted = one_shot.look(found.files, wanted, ports)
    before = sum(one.skipped for one in submitted)
    if before:
        console.print(f"Skipped, finished by an earlier run: {before} of {len(submitted)}")
    export.check(request.out)
    warm = model
    if model is not None and before < len(submitted):
        # Or an error before anything is started.
        warm = model if downloads.locate_or_do_without(model, wanted, ports, console) else None
    one_shot.submit(submitted, ports)
    names = {one.key: printable(str(one.file.output)) for one in submitted}
    lines: dict[str, report.Line] = {}
    try:
        with Screen(console, names) as screen:
            do_without = partial(downloads.do_without, options=wanted, ports=ports, console=console)
            for one, recording in one_shot.follow(
                submitted,
                ports,
                partial(loading.load, ports.settings),
                load_cpu=partial(loading.load, replace(ports.settings, enable_gpu=False)),
                progress=screen,
                warm=warm,
                do_without=do_without,
            ):
                screen.ended(recording)
                folder = None
                if recording.state == "DONE":
                    folder = export.choose_folder(request.out, one.file.output, one.source, ports)
                    export.export(recording, folder, request.files, ports, out=request.out)
                lines[one.key] = report.line(names[one.key], recording, folder, ports, skipped=one.skipped)
    except KeyboardInterrupt:
        one_shot.forget(submitted, ports)
        console.print(
            f"Stopped: {len(lines)} of {len(submitted)} are done. Run the same command again to continue."
        )
        return 130
    ordered = [lines[one.key] for one in submitted]
    if request.as_json:
        print_json([one.as_json() for one in ordered])
    else:
        report.show(ordered, out=request.out, files=request.files, preview=request.preview)
    complete = all(one.recording.state == "DONE" for one in ordered) and not found.unreadable
    return 0 if complete else 1


def _samples() -> list[Path]:
    """The recordings that the demo transcribes.

    Raises:
        ConfigurationError: they are not there.
    """
    if not SAMPLES.is_dir():
        raise ConfigurationError(
            f"The recordings of the demo are not in {SAMPLES}. Install Dropscribe again, or transcribe a file of yours."
        )
    return [
        path
        for path in sorted(SAMPLES.iterdir())
        if path.suffix in {".mp3", ".m4a", ".flac", ".opus", ".mp4"}
    ]
