"""The output files of a finished recording: those that are stored, and others written from its words on request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared import formats, outputs
from shared.flow.reading import revision

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from shared.model import Recording
    from shared.ports import Ports


def short(output: str) -> str:
    """The name of a file without its folder."""
    return output.rsplit("/", 1)[-1]


def content(recording: Recording, name: str, ports: Ports, *, number: int = 0) -> bytes:
    """The content of one file; see `files`."""
    [(_, data)] = files(recording, [name], ports, number=number)
    return data


def files(
    recording: Recording,
    names: Collection[str],
    ports: Ports,
    *,
    number: int = 0,
    shape: outputs.Shape | None = None,
) -> Iterator[tuple[str, bytes]]:
    """Name and content of files of a recording that is DONE, in the order of the formats.

    One that was deleted from the bucket is written again from the transcript, like one that was not asked for before.
    `number` is that of the revision, 0 as the machine wrote them; a `shape` of None is the one that the recording asked
    for.

    Raises:
        BadRequest: a file has a name that no format has, or there is no such revision.
        Permanent: the transcript is gone from which it could be written.
    """
    bucket, usual = ports.settings.transcripts_bucket, outputs.Shape.of(recording.options)
    stored = {short(one): one for one in revision.outputs_of(recording, number, ports)}
    if shape not in {None, usual}:
        for name in formats.with_captions(stored):
            del stored[name]
    found = set()
    for name, output in stored.items():
        if name in names and (data := ports.store.load(bucket, output)) is not None:
            found.add(name)
            yield name, data
    missing = [name for name in names if name not in found]
    if not missing:
        return
    wanted = formats.formats_of(missing)
    for one in outputs.render(revision.transcript(recording, number, ports), wanted, shape or usual):
        if one.name in missing:
            yield one.name, one.data
