"""The command `dropscribe`."""

from __future__ import annotations

import os
import tempfile
from datetime import datetime  # noqa: TC003 - Typer reads it at run time
from pathlib import Path
from typing import Annotated

import typer

from local.commands.context import (
    choose_engines,
    choose_state,
    deployment,
    errors,
    options_given,
    ports_here,
    weights_named,
)
from local.commands.models_cli import models
from local.commands.options import (  # noqa: TC001 - Typer reads them at run time
    AsJson,
    Diarize,
    FillerWords,
    Keyterms,
    Label,
    Language,
    Method,
    Model,
    StateDir,
    Track,
)
from shared.costs.summary import By  # noqa: TC001 - Typer reads it at run time
from shared.model import Options
from shared.outputs import format_names

ROOT = Path(__file__).resolve().parent.parent
SAMPLES = ROOT / "samples"
ALL_FORMATS = ",".join(format_names())

app = typer.Typer(
    help="Drop audio in, get a transcript out, and know what it cost.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.command()
def transcribe(
    # Not checked by Typer: one file that cannot be read must not stop the others.
    paths: Annotated[
        list[Path], typer.Argument(help="Audio or video files, and folders of them.", readable=False)
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Where the transcripts go.")] = Path("transcripts"),
    formats: Annotated[
        str, typer.Option("--format", "-f", help=f"Some of {ALL_FORMATS}, separated by commas.")
    ] = ALL_FORMATS,
    method: Method = None,
    model: Model = None,
    language: Language = None,
    track: Track = None,
    keyterms: Keyterms = None,
    filler_words: FillerWords = False,  # noqa: FBT002 - see below
    diarize: Diarize = False,  # noqa: FBT002 - see below
    label: Label = None,
    as_json: AsJson = False,  # noqa: FBT002 - Typer's way to declare a flag
    state_dir: StateDir = None,
) -> None:
    """Transcribe files and folders now. What an earlier run finished is not repeated."""
    from local.commands import transcribe as command  # noqa: PLC0415 - loads the engine, other commands need not

    with errors(), ports_here(state_dir, hurried=True) as ports:
        request = command.Request(
            paths=paths,
            out=out,
            files=command.file_names(formats),
            options=options_given(
                method=method,
                model=model,
                language=language,
                track=track,
                keyterms=keyterms,
                filler_words=filler_words,
                diarize=diarize,
                label=label,
            ),
            as_json=as_json,
        )
        raise typer.Exit(command.run(request, ports))


@app.command()
def demo(
    out: Annotated[Path, typer.Option("--out", "-o", help="Where the transcripts go.")] = Path("transcripts"),
) -> None:
    """Transcribe the bundled samples with the bundled demo model: no download, no account."""
    from local.commands import transcribe as command  # noqa: PLC0415 - see transcribe

    samples = [
        path
        for path in sorted(SAMPLES.iterdir())
        if path.suffix in {".mp3", ".m4a", ".flac", ".opus", ".mp4"}
    ]
    # A state of its own, so that every demo does the whole work again.
    with (
        tempfile.TemporaryDirectory(prefix="dropscribe-demo-") as state,
        errors(),
        ports_here(Path(state), hurried=True) as ports,
    ):
        request = command.Request(
            paths=samples,
            out=out,
            files=command.file_names(ALL_FORMATS),
            options=Options(model="tiny"),
            as_json=False,
            preview=True,
        )
        raise typer.Exit(command.run(request, ports))


@app.command()
def up(
    inbox: Annotated[
        Path | None,
        typer.Option(help="Folder to watch: drop audio here. \\[env: DROPSCRIBE_INBOX]", show_default=False),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", help="Where transcripts go. \\[env: DROPSCRIBE_TRANSCRIPTS]", show_default=False
        ),
    ] = None,
    method: Method = None,
    model: Model = None,
    language: Language = None,
    track: Track = None,
    keyterms: Keyterms = None,
    filler_words: FillerWords = False,  # noqa: FBT002 - see transcribe
    diarize: Diarize = False,  # noqa: FBT002 - see transcribe
    label: Label = None,
    state_dir: StateDir = None,
) -> None:
    """Watch a folder and transcribe whatever is dropped there, until Ctrl-C.

    The options are for all that is dropped from now on; `dropscribe submit` asks for one file with others.
    """
    from local.commands import up as command  # noqa: PLC0415 - see transcribe

    chosen = {"DROPSCRIBE_INBOX": inbox, "DROPSCRIBE_TRANSCRIPTS": out, "PARAKEET_MODEL_NAME": model}
    chosen["TRANSCRIPTION_METHOD"] = method
    os.environ.update({name: str(value) for name, value in chosen.items() if value is not None})
    # Absolute, because the processes that `up` starts run elsewhere.
    for name in ("DROPSCRIBE_STATE_DIR", "DROPSCRIBE_INBOX", "DROPSCRIBE_TRANSCRIPTS"):
        if os.environ.get(name):
            os.environ[name] = str(Path(os.environ[name]).expanduser().absolute())
    if weights := os.environ.get("PARAKEET_MODEL_NAME"):
        os.environ["PARAKEET_MODEL_NAME"] = weights_named(weights)
    with errors(), ports_here(state_dir) as ports:
        options = options_given(
            method=method,
            model=model,
            language=language,
            track=track,
            keyterms=keyterms,
            filler_words=filler_words,
            diarize=diarize,
            label=label,
        )
        raise typer.Exit(command.run(ports, options))


@app.command()
def submit(
    uri: Annotated[str, typer.Argument(help="gs://bucket/name, or a file of this machine.")],
    wait: Annotated[bool, typer.Option("--wait", help="Wait for the answer.")] = False,  # noqa: FBT002 - see transcribe
    timeout: Annotated[
        float | None, typer.Option(min=0, help="Seconds to wait at most.", show_default=False)
    ] = None,
    method: Method = None,
    model: Model = None,
    language: Language = None,
    track: Track = None,
    keyterms: Keyterms = None,
    filler_words: FillerWords = False,  # noqa: FBT002 - see transcribe
    diarize: Diarize = False,  # noqa: FBT002 - see transcribe
    label: Label = None,
    request_id: Annotated[
        str | None, typer.Option(help="Your own name for the request; else one is made.", show_default=False)
    ] = None,
    metadata: Annotated[
        list[str] | None,
        typer.Option(help="name=value, comes back with the answer.", show_default=False),
    ] = None,
    as_json: AsJson = False,  # noqa: FBT002 - see transcribe
    state_dir: StateDir = None,
) -> None:
    """Ask a running deployment for a transcript, as another service would."""
    from local.commands import submit as command  # noqa: PLC0415 - see transcribe

    given = {"method": method, "model": model, "language": language, "track": track, "keyterms": keyterms}
    given |= {"filler_words": filler_words or None, "diarize": diarize or None, "label": label}
    chosen = any(value is not None for value in given.values())
    with errors(), deployment(state_dir) as ports:
        submission = command.Submission(
            uri=uri,
            options=options_given(**given) if chosen else None,
            request_id=request_id,
            metadata=command.metadata_of(metadata or []),
            wait=wait,
            timeout=timeout,
            as_json=as_json,
        )
        raise typer.Exit(command.run(submission, ports))


@app.command()
def status(
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Recordings to show.")] = 20,
    as_json: AsJson = False,  # noqa: FBT002 - see transcribe
    state_dir: StateDir = None,
) -> None:
    """What is waiting, running, done and failed, and why."""
    from local.commands import status as command  # noqa: PLC0415 - see transcribe

    with errors(), deployment(state_dir) as ports:
        command.run(ports, limit=limit, as_json=as_json)


@app.command()
def cost(
    since: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="First day (UTC); if left out, a month ago.")
    ] = None,
    until: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Last day (UTC); if left out, today.")
    ] = None,
    by: Annotated[By | None, typer.Option(help="Group by this.", show_default=False)] = None,
    as_json: AsJson = False,  # noqa: FBT002 - see transcribe
    as_csv: Annotated[bool, typer.Option("--csv", help="Print the groups as CSV.")] = False,  # noqa: FBT002 - see transcribe
    table: Annotated[  # noqa: FBT002 - see transcribe
        bool, typer.Option("--table", help="Print what an hour of audio costs at several speeds, and why.")
    ] = False,
    state_dir: StateDir = None,
) -> None:
    """What transcripts have cost, what of it was wasted, what Deepgram would have asked, and what to change."""
    from local.commands import cost as command  # noqa: PLC0415 - see transcribe
    from local.commands.cost_report import Question  # noqa: PLC0415 - see transcribe

    with errors():
        asked = {
            "--json": as_json,
            "--csv": as_csv,
            "--table": table,
            "--since": since,
            "--until": until,
            "--by": by,
        }
        command.check(asked)
        if table:
            typer.echo(command.table(), nl=False)
            return
        with deployment(state_dir) as ports:
            question = Question(
                since=since and since.date(),
                until=until and until.date(),
                by=by,
                form="json" if as_json else "csv" if as_csv else "screen",
            )
            command.run(question, ports)


@app.command()
def route(
    uri: Annotated[str, typer.Argument(help="gs://bucket/name, or a file of this machine.")],
    method: Method = None,
    model: Model = None,
    language: Language = None,
    track: Track = None,
    keyterms: Keyterms = None,
    diarize: Diarize = False,  # noqa: FBT002 - see transcribe
    as_json: AsJson = False,  # noqa: FBT002 - see transcribe
    state_dir: StateDir = None,
) -> None:
    """Who would transcribe a recording, for how much, and why not somebody else. Nothing is transcribed."""
    from local.commands import route as command  # noqa: PLC0415 - see transcribe

    with errors(), deployment(state_dir) as ports:
        options = options_given(
            method=method,
            model=model,
            language=language,
            track=track,
            keyterms=keyterms,
            diarize=diarize,
        )
        command.explain(uri, options, ports, as_json=as_json)


@app.command()
def flags(
    assignments: Annotated[
        list[str] | None, typer.Argument(help="NAME=VALUE; NAME= takes the flag away.", show_default=False)
    ] = None,
    as_json: AsJson = False,  # noqa: FBT002 - see transcribe
    state_dir: StateDir = None,
) -> None:
    """Show and set what can be changed while a deployment runs, such as ROLLOUT_PERCENT=50."""
    from local.commands import route as command  # noqa: PLC0415 - see transcribe

    with errors(), deployment(state_dir) as ports:
        command.change_flags(assignments or [], ports, as_json=as_json)


@app.command()
def doctor(as_json: AsJson = False, state_dir: StateDir = None) -> None:  # noqa: FBT002 - see transcribe
    """What is installed, which engines can run here, and the command that fixes what is missing."""
    from local.commands import doctor as command  # noqa: PLC0415 - see transcribe

    with errors():
        choose_state(state_dir)
        choose_engines()
        raise typer.Exit(command.run(as_json=as_json))


app.add_typer(models, name="models")


def main() -> None:
    """The console script."""
    app()


if __name__ == "__main__":
    main()
