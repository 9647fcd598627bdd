"""`dropscribe show`: a transcript on standard output, or what there is of it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from local import exit_codes
from local.commands import lookup, options
from local.commands.context import deployment, errors
from local.commands.terminal import print_json, print_text, say
from local.commands.views import details
from shared.errors import BadRequest
from shared.flow.reading import live, output_files, revision
from shared.formats import FILES, FORMATS, PRINTED, OutputFile, unknown
from shared.in_words import printable
from shared.outputs.plain_text import transcript_txt
from shared.outputs.printable import clock_time
from shared.outputs.segments import paragraphs, sentences

if TYPE_CHECKING:
    from shared.flow.reading.live import Live
    from shared.model import Recording
    from shared.ports import Ports

BINARY = "docx"
"""The format that is no text."""


def command(
    *,
    place: Annotated[str, typer.Argument(metavar="FILE|ID", help=lookup.HELP)],
    format_name: Annotated[
        str,
        typer.Option(
            "--format",
            "-f",
            help=f"One of {', '.join(FORMATS)}, or the name of an output file such as paragraphs.csv.",
        ),
    ] = PRINTED,
    number: Annotated[
        int | None,
        typer.Option(
            "--revision",
            min=0,
            help="Number of a correction; 0: the engine's original. By default the newest.",
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the recording's details as JSON, without its words.")
    ] = False,
    state_dir: options.StateDir = None,
) -> None:
    """Print a transcript, or the words so far of a recording that is still in progress."""
    with errors():
        file = file_of(format_name)
        with deployment(state_dir) as ports:
            one = lookup.one(
                place,
                ports,
                can=lambda each: each.state == "DONE",
                called="the only one with a transcript",
            )
            if as_json:
                print_json(details.values(one, ports))
                return
            raise typer.Exit(run(one, file, number, ports))


def file_of(name: str) -> OutputFile:
    """The output file that a person names by its format or by its own name; of several the first.

    Raises:
        BadRequest: there is none.
    """
    for file in FILES:
        if name in {file.format, file.name}:
            return file
    raise unknown(name)


def run(one: Recording, file: OutputFile, number: int | None, ports: Ports) -> int:
    """Print it on standard output.

    `number` is that of the revision; None: the newest.

    Returns:
        0 if the transcript is complete, 75 if it is still in progress, 1 if it ended without one.

    Raises:
        BadRequest: there is no such revision, or no such file yet.
        Permanent: the file is gone.
    """
    if one.state == "DONE":
        if number is None:
            number = revision.newest(one.id, ports)
        _print(output_files.content(one, file.name, ports, number=number), file)
        return exit_codes.DONE
    if one.ended:
        say(printable(f"{lookup.name_of(one)} has no transcript ({one.state}): {one.reason}"))
        return exit_codes.INCOMPLETE
    if file.format != "txt" or number:
        raise BadRequest(
            f"{lookup.name_of(one)} is still in progress: its {file.name} is written when it is done. "
            "Leave out --format and --revision to see the words so far."
        )
    done, of = details.chunks_done(one, ports), len(one.chunks)
    so_far = f"{done} of {of} parts are done. These are the words so far." if of else "No part is done yet."
    say(printable(f"{lookup.name_of(one)} is still in progress. {so_far}"))
    if one.chunks:
        print_text(text_so_far(live.words(one, live.arrived(one, ports))), end="")
    return exit_codes.TRY_AGAIN


def text_so_far(known: Live) -> str:
    """The words as in `transcript.txt`, with a line for each stretch that is missing."""
    pieces: list[str] = []
    words = list(known.words)
    for start, end in known.gaps:
        before = [word for word in words if word.start < start]
        words = words[len(before) :]
        if before:
            pieces.append(transcript_txt(paragraphs(before, sentences(before))).decode())
        until = clock_time(end) if end > start else "the end"
        pieces.append(f"[{clock_time(start)} to {until}: not transcribed yet]\n")
    if words:
        pieces.append(transcript_txt(paragraphs(words, sentences(words))).decode())
    return "\n".join(pieces)


def _print(data: bytes, file: OutputFile) -> None:
    if not sys.stdout.isatty():
        # As it is in the file, to the byte.
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    elif file.format == BINARY:
        raise BadRequest(
            f"{file.name} is not text: send it to a file, as in `dropscribe show … --format docx > talk.docx`."
        )
    else:
        print_text(data.decode(), end="")
