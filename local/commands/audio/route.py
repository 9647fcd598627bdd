"""`dropscribe route`: which engine would transcribe a recording, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from local.commands import options  # noqa: TC001 - Typer reads it at run time
from local.commands.audio.submit import uri_of
from local.commands.context import deployment, errors, options_from
from local.commands.terminal import output, print_json
from shared.flow import probe, refusals, request
from shared.in_words import dollars, human_duration, human_size, printable
from shared.messages import to_fields
from shared.model import recording_id
from shared.routing import route
from shared.routing.case import Case

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.model import Considered, Options
    from shared.ports import Ports


def command(
    *,
    uri: Annotated[str, typer.Argument(help="gs://bucket/name, or a file on this machine.")],
    method: options.Method = None,
    model: options.Model = None,
    language: options.Language = None,
    track: options.Track = None,
    keyterms: options.Keyterms = None,
    diarize: options.Diarize = False,
    min_speakers: options.MinSpeakers = None,
    max_speakers: options.MaxSpeakers = None,
    channels: options.Channels = None,
    as_json: options.AsJson = False,
    state_dir: options.StateDir = None,
) -> None:
    """Show which engine would transcribe a recording, what it would cost, and why not another. Transcribes nothing."""
    with errors(), deployment(state_dir, begin=True) as ports:
        given = options_from(
            method=method,
            model=model,
            language=language,
            track=track,
            keyterms=keyterms,
            diarize=diarize,
            min_speakers=min_speakers,
            max_speakers=max_speakers,
            channels=channels,
        )
        run(uri, given, ports, as_json=as_json)


def run(uri: str, options: Options, ports: Ports, *, as_json: bool) -> None:
    """Print which engine would transcribe a recording, and why not another. Stores and transcribes nothing.

    Args:
        uri: `gs://bucket/name`, or a path on this machine.
        options: as the caller would send them.
        ports: the deployment.
        as_json: print JSON on standard output.

    Raises:
        Permanent: no engine could transcribe it.
    """
    source = request.locate(uri_of(uri, ports), ports)
    refusals.check_size(source, ports.settings)
    audio = probe.look_at(source, options, ports)
    refusals.check_seconds(audio.duration, ports.settings)
    case = Case(key=recording_id(source, options), size=source.size, audio=audio, options=options)
    choice = route.choose(case, route.known(ports))
    refusals.check_chunks(len(choice.chunks), ports.settings)
    decision = choice.decision
    if as_json:
        report = {"uri": source.uri, "audio": audio, "chunks": len(choice.chunks), **to_fields(decision)}
        print_json(to_fields(report))
        return
    console = output()
    heading = (
        f"{printable(source.uri)}: {human_duration(audio.duration)}, {audio.codec}, {human_size(source.size)}"
    )
    console.print(heading, highlight=False, markup=False)
    chunks = "1 chunk" if len(choice.chunks) == 1 else f"{len(choice.chunks)} chunks"
    console.print(f"{decision.method}, {chunks}: {decision.reason}", highlight=False, markup=False)
    console.print(_considered(decision.considered))


def _considered(found: Sequence[Considered]) -> Table:
    shown = Table(box=SIMPLE_HEAD, pad_edge=False)
    shown.add_column("method", no_wrap=True)
    for name in ("cost", "done in", "with waiting"):
        shown.add_column(name, justify="right", no_wrap=True)
    shown.add_column("why not", overflow="fold")
    for one in found:
        shown.add_row(
            one.method,
            "" if one.usd is None else dollars(one.usd),
            "" if one.wait is None else human_duration(one.wait),
            "" if one.score is None else dollars(one.score),
            Text(one.why_not or "chosen"),
        )
    return shown
