"""The recordings that a command line names: by file, by address or by ID."""

from __future__ import annotations

import os
import re
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from local.backend.embedded_ports import LocalPorts
from local.backend.files import names
from local.commands.terminal import beside, color_of, local_time, say, table
from shared.errors import BadRequest, NotFound
from shared.in_words import no_recording, printable
from shared.model import FILES_BUCKET, Recording
from shared.ports import NamedRecords, Ports, Records
from shared.state import documents

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence


HELP = (
    "A path, a file name, gs://bucket/name, or a recording ID (a prefix is enough), as "
    "`dropscribe status --ids` prints it."
)
"""What a person may write."""
Places = Annotated[list[str], typer.Argument(metavar="FILE|ID", help=HELP)]
"""An argument of commands: recordings."""
PART = re.compile(r"[a-z2-7]{6,25}")
"""The beginning of an ID that is long enough to be meant."""
ALL = 1_000_000
"""More than there are."""


def one(
    place: str, ports: Ports, *, can: Callable[[Recording], bool] | None = None, called: str = ""
) -> Recording:
    """The one recording that is meant.

    If several fit, `can` says what the one must be; None, or if that helps nothing: not deleted. `called` is what that
    one is called in a sentence for the person who wrote a name of several; empty: none is said.

    Raises:
        NotFound: there is none.
        BadRequest: there are several; they are listed on standard error.
    """
    found = every(place, ports)
    for test in (can or _is_there, _is_there):
        fit = [each for each in found if test(each)]
        if len(found) > 1 and len(fit) == 1:
            if called and test is can:
                say(f"{len(found)} recordings match {printable(place)!r}: this is {fit[0].id}, {called}.")
            return fit[0]
    if len(found) == 1:
        return found[0]
    raise _ask_for_one(place, found)


def of_one_object(place: str, ports: Ports) -> list[Recording]:
    """All recordings of the one object that is meant, the newest first, those of its older versions included.

    Raises:
        NotFound: there is none.
        BadRequest: several objects fit; their recordings are listed on standard error.
    """
    found = every(place, ports)
    if len({(each.source.bucket, each.source.name) for each in found}) > 1:
        raise _ask_for_one(place, found)
    return found


def each_of(
    places: Sequence[str], ports: Ports, *, can: Callable[[Recording], bool] | None = None
) -> list[Recording]:
    """The recordings that several names mean, in their order, each once; see `one`."""
    found = [one(place, ports, can=can) for place in dict.fromkeys(places)]
    return list({each.id: each for each in found}.values())


def every(place: str, ports: Ports) -> list[Recording]:
    """All recordings that may be meant, the newest first: several of one object if it was replaced, or asked for again.

    Raises:
        NotFound: there is none.
    """
    wanted = _objects(place, ports)
    place = _as_text(place)
    if "/" not in place and (known := documents.get_recording(ports.records, place)) is not None:
        return [known]
    exact: list[Recording] = []
    alike: list[Recording] = []
    for each in _candidates(place, wanted, ports.records):
        if (each.source.bucket, each.source.name) in wanted:
            exact.append(each)
        elif _is_like(each, place):
            alike.append(each)
    found = exact or alike
    if not found:
        raise NotFound(no_recording(place))
    return sorted(found, key=lambda each: (-each.created, each.id))


def _candidates(place: str, wanted: set[tuple[str, str]], records: Records) -> Iterable[Recording]:
    """At least all recordings that may be meant: where names can be asked for, not all there are."""
    parts = {name.rpartition("/")[2] for name in (place, *(name for _, name in wanted))}
    if not isinstance(records, NamedRecords) or not all(parts):
        return documents.recordings(records)
    stored = dict(one for part in sorted(parts) for one in records.newest_named(part, ALL))
    if PART.fullmatch(place):
        after = records.query(documents.RECORDINGS, after=place)
        stored |= dict(takewhile(lambda one: one[0].startswith(place), after))
    return (one for _, one in documents.readable(documents.RECORDINGS, stored.items(), Recording))


def name_of(recording: Recording) -> str:
    """What a person calls it: its title, the path of a file of this machine, the name of an object; `–` once it is deleted."""
    source = recording.source
    is_path = source.bucket == FILES_BUCKET and not recording.options.title
    return f"/{source.name}" if is_path else recording.called or "–"


def _is_there(recording: Recording) -> bool:
    return recording.state != "DELETED"


def _ask_for_one(place: str, found: Sequence[Recording]) -> BadRequest:
    listed = table("ID", "when", "state", "file", whole=("ID", "when", "state"))
    for each in found:
        state = Text(each.state, style=color_of(each.state))
        listed.add_row(each.id, local_time(each.created), state, Text(printable(name_of(each))))
    beside().print(listed)
    return BadRequest(f"{len(found)} recordings match {place!r}. Name one of them by its ID.")


def _is_like(recording: Recording, place: str) -> bool:
    """Whether the last parts of its name, or the first letters of its key, are what a person wrote."""
    if PART.fullmatch(place) and recording.id.startswith(place):
        return True
    return bool(place) and any(
        f"/{name}".endswith(f"/{place}") for name in (recording.source.name, recording.called)
    )


def _as_text(place: str) -> str:
    """The same, with what is not UTF-8 as it stands in names of objects."""
    return "/".join(part if part.isprintable() else names.to_name(part) or part for part in place.split("/"))


def _objects(place: str, ports: Ports) -> set[tuple[str, str]]:
    """Bucket and name of what a person may mean: there need be no such file any more."""
    path = Path(os.path.abspath(place))  # noqa: PTH100 - links stay as they are
    place = _as_text(place)
    scheme, _, rest = place.partition("://")
    if rest:
        bucket, _, name = rest.partition("/")
        return {(FILES_BUCKET if scheme == "file" else bucket, name)}
    audio = ports.settings.audio_bucket
    if not isinstance(ports, LocalPorts):
        return {(audio, place)}
    found = {(audio, place), (FILES_BUCKET, names.to_name(str(path).lstrip("/")) or "")}
    if path.is_relative_to(inbox := Path(os.path.abspath(ports.inbox))):  # noqa: PTH100 - the same
        found.add((audio, names.to_name(str(path.relative_to(inbox))) or ""))
    return found
