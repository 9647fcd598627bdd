"""`dropscribe forget`: delete all that is stored of a recording."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from local import exit_codes
from local.commands import lookup, options
from local.commands.context import deployment, errors
from local.commands.operation.agreement import each, settled
from local.commands.terminal import output, print_json
from shared.errors import Damaged
from shared.flow import forget
from shared.in_words import counted, printable
from shared.state import audit, documents

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.model import Recording
    from shared.ports import Ports


def command(
    *,
    places: lookup.Places,
    audio: Annotated[bool, typer.Option("--audio", help="Delete the audio files as well.")] = False,
    yes: options.Yes = False,
    as_json: options.AsJson = False,
    state_dir: options.StateDir = None,
) -> None:
    """Delete transcripts and everything stored about recordings; with --audio their files too. This cannot be undone."""
    with errors(), deployment(state_dir) as ports:
        recordings = {one.id: one for place in places for one in _named(place, ports)}
        told = _told(list(recordings.values()), audio=audio)
        if not settled(told, len(recordings), yes=yes, for_good=True):
            raise typer.Exit(exit_codes.INCOMPLETE)
        audit.note("forget", tuple(recordings), ports)
        alone = ports.nothing_runs()

        def delete(key: str) -> Recording:
            return forget.forget(key, ports, audio=audio, alone=alone)

        left = each(list(recordings), delete, "recording", "deleted")
        if as_json:
            print_json([{"recording": one.id, "state": one.state, "complete": one.announced} for one in left])
            return
        output().print(f"Deleted {counted(len(left), 'recording')}.", highlight=False)
        if not all(one.announced for one in left):
            later = "Names follow within two hours, once no worker can be holding a part any more."
            output().print(later, highlight=False, soft_wrap=True)


def _named(place: str, ports: Ports) -> list[Recording]:
    try:
        return lookup.of_one_object(place, ports)
    except Damaged as error:  # the place is its key
        fields = ports.records.get(documents.RECORDINGS, place) or {}
        return [forget.unreadable(place, error, ports.clock.now(), fields)]


def _told(recordings: Sequence[Recording], *, audio: bool) -> str:
    named = [one for one in recordings if one.source.name]
    of = _called(named[0]) if len(named) == len(recordings) == 1 else counted(len(recordings), "recording")
    files = sum(len(one.outputs) for one in recordings)
    what = f"the transcript with {counted(files, 'output file')}" if files else "the results so far"
    what = f"the audio, {what}" if audio else what
    kept = "" if audio else " The audio stays."
    if any(one.code == Damaged.__name__ and not one.source.name for one in recordings):
        kept += " Where the name of the file cannot be read, its output files stay."
    return printable(
        f"This deletes {what}, and all records and messages about {of}.{kept} It cannot be undone."
    )


def _called(recording: Recording) -> str:
    title, uri = recording.options.title, recording.source.uri
    return f"{title} ({uri})" if title else uri
