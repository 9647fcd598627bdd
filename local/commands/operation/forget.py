"""`dropscribe forget`: delete all that is stored of a recording."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from local.backend import names
from local.backend.embedded_ports import LocalPorts
from local.commands import options  # noqa: TC001 - Typer reads it at run time
from local.commands.audio.submit import nothing_runs
from local.commands.context import deployment, errors
from local.commands.operation.agreement import settled
from local.commands.terminal import output, print_json
from shared.errors import NotFound
from shared.flow import forget
from shared.in_words import printable
from shared.model import FILES_BUCKET
from shared.state import audit, documents

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.model import Recording
    from shared.ports import Ports


def command(
    *,
    places: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE|KEY...",
            help="gs://bucket/name, files on this machine, or keys, as `dropscribe status --keys` shows them.",
        ),
    ],
    audio: Annotated[bool, typer.Option("--audio", help="Delete the audio files as well.")] = False,
    yes: options.Yes = False,
    as_json: options.AsJson = False,
    state_dir: options.StateDir = None,
) -> None:
    """Delete recordings with all that is stored of them. This cannot be undone."""
    with errors(), deployment(state_dir) as ports:
        raise typer.Exit(run(places, ports, audio=audio, yes=yes, as_json=as_json))


def run(places: Sequence[str], ports: Ports, *, audio: bool, yes: bool, as_json: bool) -> int:
    """Say what will be deleted, and delete it.

    Returns:
        0 if it is deleted, 1 if the person said no.

    Raises:
        NotFound: there is no recording of one of them, or nobody to ask; nothing is deleted.
        Transient: not everything is deleted; run it again.
    """
    found = {one.id: one for place in places for one in _recordings(place, ports)}
    if not settled(_told(list(found.values()), audio=audio), len(found), yes=yes):
        return 1
    audit.note("forget", tuple(found), ports)
    alone = nothing_runs(ports)
    left = [forget.forget(key, ports, audio=audio, alone=alone) for key in found]
    if as_json:
        print_json([{"recording": one.id, "state": one.state, "complete": one.announced} for one in left])
        return 0
    output().print(f"Deleted: {len(left)}.", highlight=False)
    if not all(one.announced for one in left):
        output().print(
            "Their names follow within the next two hours, when no process can have a part of them in hand any more.",
            highlight=False,
            soft_wrap=True,
        )
    return 0


def _recordings(place: str, ports: Ports) -> list[Recording]:
    """The recording with a key, or all recordings of an object, those of older versions included."""
    if "/" not in place and (one := documents.get_recording(ports.records, place)) is not None:
        return [one]
    wanted = _objects(place, ports)
    found = [
        one for one in documents.recordings(ports.records) if (one.source.bucket, one.source.name) in wanted
    ]
    if not found:
        raise NotFound(
            f"There is no recording of {place}. `dropscribe status` shows the files, with --keys the keys."
        )
    return found


def _objects(place: str, ports: Ports) -> set[tuple[str, str]]:
    """Bucket and name of what a person may mean: there need be no such file any more."""
    scheme, _, rest = place.partition("://")
    if rest:
        bucket, _, name = rest.partition("/")
        return {(FILES_BUCKET if scheme == "file" else bucket, name)}
    audio = ports.settings.audio_bucket
    if not isinstance(ports, LocalPorts):
        return {(audio, place)}
    path = Path(os.path.abspath(place))  # noqa: PTH100 - links stay as they are
    found = {(audio, place), (FILES_BUCKET, names.to_name(str(path).lstrip("/")) or "")}
    if path.is_relative_to(inbox := Path(os.path.abspath(ports.inbox))):  # noqa: PTH100 - the same
        found.add((audio, names.to_name(str(path.relative_to(inbox))) or ""))
    return found


def _told(found: Sequence[Recording], *, audio: bool) -> str:
    what = "Transcripts, results of parts, records and audio" if audio else "Transcripts, results and records"
    uris = [one.source.uri for one in found if one.source.name]
    of = f"of {uris[0]}" if len(uris) == len(found) == 1 else f"of {len(found)} recordings"
    return printable(f"{what} {of} are deleted. This cannot be undone.")
