"""`dropscribe route`: which engine would transcribe a recording, and why."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from local.backend.embedded_ports import LocalPorts
from local.backend.incoming import Incoming
from local.commands import downloads, options
from local.commands.audio.sources import Sources, comes_from_elsewhere
from local.commands.audio.submit import readable_uri
from local.commands.context import deployment, errors, options_from
from local.commands.terminal import beside, output, print_json, say, table
from shared.engines import is_hosted
from shared.flow import probe, refusals, request
from shared.in_words import counted, dollars, human_duration, human_size, printable
from shared.messages import to_fields
from shared.model import Considered, recording_id
from shared.routing import route
from shared.routing.case import Case
from shared.state import documents

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.table import Table

    from shared.ports import Ports


@options.of_a_recording(
    without=(
        "filler_words",
        "speaker_names",
        "label",
        "title",
        "caption_width",
        "caption_lines",
        "caption_speed",
        "formats",
    )
)
def command(
    *,
    uri: Annotated[
        str,
        typer.Argument(
            metavar="FILE|URI",
            help="A file on this machine, gs://bucket/name, an https:// address, or - for standard input.",
        ),
    ],
    asked: options.Asked,
    as_json: options.AsJson = False,
    state_dir: options.StateDir = None,
) -> None:
    """Show which engine would transcribe a recording, what it would cost, and why not another. Transcribes nothing."""
    with errors(), deployment(state_dir, begin=True) as ports:
        given = options_from(**asked)
        with received(uri, ports) as (place, name):
            source = request.locate(readable_uri(place, ports), ports)
            refusals.check_size(source, ports.settings)
            audio = probe.look_at(source, given, ports)
            refusals.check_seconds(audio.duration, ports.settings)
            case = Case(key=recording_id(source, given), size=source.size, audio=audio, options=given)
            choice = route.choose(case, route.known(ports))
            refusals.check_chunks(len(choice.chunks), ports.settings)
            decision = choice.decision
            if as_json:
                report = {"uri": source.uri, "audio": audio, "chunks": len(choice.chunks)}
                print_json(to_fields(report | to_fields(decision)))
                return
            console = output()
            called = printable(name or documents.called(source, ports.settings))
            heading = f"{called}: {human_duration(audio.duration)}, {audio.codec}, {human_size(source.size)}"
            console.print(heading, highlight=False, markup=False)
            chunks = counted(len(choice.chunks), "chunk")
            console.print(f"{decision.method}, {chunks}: {decision.reason}", highlight=False, markup=False)
            console.print()
            console.print(_considered(decision.considered))
            ours = any(not is_hosted(one.engine) for one in choice.chunks)
            if ours and isinstance(ports, LocalPorts) and (missing := downloads.missing(given, ports)):
                say(missing)


@contextlib.contextmanager
def received(uri: str, ports: Ports) -> Iterator[tuple[str, str]]:
    """The URI or path of a recording, and what to call it; one from elsewhere is here while the block lasts.

    Raises:
        DropscribeError: it cannot be brought here; the message says what to do.
    """
    if not isinstance(ports, LocalPorts) or uri.startswith("gs://") or not comes_from_elsewhere(uri):
        yield uri, ""
        return
    with Incoming(ports.settings.state_dir) as incoming:
        with downloads.bars(beside()) as advance:
            path = Sources(incoming, ports.settings, advance)(uri)
        yield str(path), path.name


def _considered(found: Sequence[Considered]) -> Table:
    figures = ("cost", "done in", "with waiting")
    shown = table("method", *figures, "why not", figures=figures, whole=("method",))
    for one in found:
        shown.add_row(
            one.method,
            "" if one.usd is None else dollars(one.usd),
            "" if one.wait is None else human_duration(one.wait),
            "" if one.score is None else dollars(one.score),
            Text(one.why_not or "chosen"),
        )
    return shown
