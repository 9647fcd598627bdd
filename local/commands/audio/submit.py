"""`dropscribe submit`: ask a running deployment for a transcript, as another service would."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from local import exit_codes
from local.backend.embedded_ports import LocalPorts
from local.commands import downloads, options
from local.commands.audio.sources import STDIN, comes_from_elsewhere
from local.commands.context import deployment, errors, options_or_none, say_if_nothing_runs
from local.commands.terminal import print_json, print_text, say
from shared import client
from shared.errors import BadRequest, TimedOut
from shared.in_words import dollars, human_duration, printable
from shared.messages import TranscriptReady, to_fields
from shared.model import Options
from shared.state import answers, audit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.ports import Ports


@options.of_a_recording()
def command(
    *,
    uri: Annotated[
        str, typer.Argument(metavar="FILE|URI", help="A file on this machine, or gs://bucket/name.")
    ],
    wait: Annotated[bool, typer.Option("--wait", help="Wait for the answer.")] = False,
    timeout: Annotated[
        float | None, typer.Option(min=0, help="With --wait: maximum seconds to wait.")
    ] = None,
    asked: options.Asked,
    request_id: Annotated[
        str | None,
        typer.Option(help="ID for the request; by default a new one."),
    ] = None,
    metadata: Annotated[
        list[str] | None,
        typer.Option(help="name=value, returned with the answer; can be repeated."),
    ] = None,
    quiet: options.Quiet = False,
    as_json: options.AsJson = False,
    state_dir: options.StateDir = None,
) -> None:
    """Ask a running deployment for a transcript, as another service would."""
    with errors(), deployment(state_dir, begin=True) as ports:
        if timeout is not None and not wait:
            raise BadRequest("--timeout needs --wait.")
        given, named = options_or_none(**asked), metadata_of(metadata or [])
        uri = readable_uri(uri, ports)
        if isinstance(ports, LocalPorts):
            # Weights that do not exist are refused now, not by a worker later.
            missing = downloads.missing(given or Options(), ports)
            if missing and not quiet:
                say(missing)
        job = client.submit(uri, ports=ports, options=given, request_id=request_id, metadata=named)
        audit.note("submit", [answers.key_of(job)], ports)
        waits = say_if_nothing_runs(ports)
        if wait:
            raise typer.Exit(_answered(job, timeout, ports, as_json=as_json, quiet=quiet))
        if as_json:
            print_json({"request_id": job})
        elif not quiet:
            print_text(printable(job))
        raise typer.Exit(exit_codes.UNAVAILABLE if waits else exit_codes.DONE)


def metadata_of(pairs: Sequence[str]) -> dict[str, str]:
    """`name=value` pairs.

    Raises:
        BadRequest: names the one that is not a pair.
    """
    found = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals:
            raise BadRequest(f"--metadata {pair} is not a name=value pair.")
        found[name] = value
    return found


def _answered(job: str, timeout: float | None, ports: Ports, *, as_json: bool, quiet: bool) -> int:
    """Wait for the answer to a request and show it; the exit code says whether it is a transcript.

    Raises:
        TimedOut: no answer came in time.
    """
    try:
        answer = client.wait(job, ports=ports, timeout=timeout)
    except TimedOut as error:
        again = f"To keep waiting, run the same command with --request-id {shlex.quote(job)}."
        raise TimedOut(f"{error} {again}") from error
    if as_json:
        print_json(to_fields(answer) | {"outputs": [place(uri, ports) for uri in answer.outputs]})
    elif not quiet:
        print_text(_told(answer, ports))
    elif answer.state != "DONE":
        say(_told(answer, ports))
    return exit_codes.DONE if answer.state == "DONE" else exit_codes.INCOMPLETE


def uri_of(text: str, ports: Ports) -> str:
    """The URI of what a person named, which may also be a path; in a project a path stays as it is.

    Raises:
        NotFound: there is no such file.
    """
    if "://" in text or not isinstance(ports, LocalPorts):
        return text
    return ports.file(Path(text)).uri


def readable_uri(text: str, ports: Ports) -> str:
    """The same, of what the deployment can read.

    Raises:
        BadRequest: it cannot read it; the message says what to do.
        NotFound: there is no such file.
    """
    scheme, _, rest = text.partition("://")
    if (
        scheme == "gs"
        and isinstance(ports, LocalPorts)
        and rest.partition("/")[0] != ports.settings.audio_bucket
    ):
        raise BadRequest(
            f"{text} is in a bucket of Google Cloud, and this is the state of one machine. Set DROPSCRIBE_PLATFORM=google "
            "and the settings of your project, or copy it with `gcloud storage cp` and name the file."
        )
    if text.startswith(("gs://", "file://")):
        return text
    if comes_from_elsewhere(text):
        here = scheme in {"http", "https"} or text == STDIN
        instead = (
            f"Transcribe it here with `dropscribe transcribe {text}`, or save it" if here else "Download it"
        )
        raise BadRequest(
            f"A deployment reads gs://bucket/name, or files of its machine, not {text}. {instead} and name the file."
        )
    if not isinstance(ports, LocalPorts):
        raise BadRequest(
            f"{text} is a file of this machine, which the deployment cannot read. Upload it with `gcloud storage cp "
            f"{shlex.quote(text)} gs://BUCKET/`, and name that."
        )
    return uri_of(text, ports)


def _told(answer: TranscriptReady, ports: Ports) -> str:
    if answer.state != "DONE":
        return printable(f"{answer.state} {answer.source}: {answer.reason}")
    told = f"DONE {printable(answer.source)}: {human_duration(answer.duration)} by {answer.method}, {dollars(answer.usd)}"
    return "\n".join([told, *(printable(place(uri, ports)) for uri in answer.outputs)])


def place(uri: str, ports: Ports) -> str:
    """Where to find an output: its URI, or on one machine the path of its file."""
    bucket, _, name = uri.removeprefix("gs://").partition("/")
    return str(ports.store.path_of(bucket, name)) if isinstance(ports, LocalPorts) else uri
