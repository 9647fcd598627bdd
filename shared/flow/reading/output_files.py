"""The output files of a finished recording: those that are stored, and others written from its words when asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared import outputs
from shared.errors import StoreUnavailable
from shared.flow.reading import revision

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from shared.model import Recording
    from shared.ports import Ports


def short(output: str) -> str:
    """The name of a file without its folder."""
    return output.rsplit("/", 1)[-1]


def files(
    recording: Recording,
    names: Collection[str],
    ports: Ports,
    *,
    number: int = 0,
    shape: outputs.Shape | None = None,
) -> Iterator[tuple[str, bytes]]:
    """Name and content of files of a recording that is DONE, in the order of the formats.

    Args:
        recording: one that is DONE.
        names: of the files, e.g. `transcript.srt`.
        ports: the adapters to use.
        number: of the revision; 0: as the machine wrote them.
        shape: of captions; None: as the recording asked for.

    Raises:
        BadRequest: a file has a name that no format has, or there is no such revision.
        Permanent: the transcript is gone from which it could be written.
        Transient: the store did not answer, or a file is missing.
    """
    stored = {short(one): one for one in revision.outputs_of(recording, number, ports)}
    usual = outputs.Shape.of(recording.options)
    if shape not in {None, usual}:
        for name in outputs.with_captions(stored):
            del stored[name]
    for name, output in stored.items():
        if name in names:
            yield name, _load(output, ports)
    missing = [name for name in names if name not in stored]
    if not missing:
        return
    wanted = outputs.formats_of(missing)
    for one in outputs.render(revision.transcript(recording, number, ports), wanted, shape or usual):
        if one.name in missing:
            yield one.name, one.data


def _load(name: str, ports: Ports) -> bytes:
    bucket = ports.settings.transcripts_bucket
    data = ports.store.load(bucket, name)
    if data is None:
        raise StoreUnavailable(f"{name} is gone from the bucket {bucket}")
    return data
