"""The transcript of a recording that is DONE, read from its own output files.

The results of chunks are deleted after a week; the output files stay.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from shared.errors import BadRequest, Permanent
from shared.formats import file_names
from shared.messages import UNREADABLE, described
from shared.results import Part, Transcript, Word

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.model import Recording
    from shared.ports import Ports

(DOCUMENT,) = file_names(["json"])
"""The output file that has everything."""


class _Named(msgspec.Struct, kw_only=True):
    speaker: int
    name: str


class _Document(msgspec.Struct, kw_only=True):
    """What is read of it; `docs/transcript.schema.json` describes it."""

    duration: float
    language: str | None
    warnings: tuple[str, ...]
    parts: tuple[Part, ...]
    words: tuple[Word, ...]
    speakers: tuple[_Named, ...] = ()
    revision: int = 0


def transcript(recording: Recording, ports: Ports, outputs: Sequence[str] | None = None) -> Transcript:
    """The transcript of a recording that is DONE: rendered again, it gives the same files.

    `outputs` are names of its files in the transcripts bucket; None: those that the machine wrote.

    Raises:
        BadRequest: it has no transcript.
        Permanent: its file is gone, or is not what was written.
    """
    if recording.state != "DONE" or recording.decision is None:
        raise BadRequest(f"Recording {recording.id} has no transcript. `dropscribe status` says how it is.")
    names = recording.outputs if outputs is None else outputs
    name = next((one for one in names if one.rpartition("/")[2] == DOCUMENT), "")
    data = ports.store.load(ports.settings.transcripts_bucket, name) if name else None
    where = f"gs://{ports.settings.transcripts_bucket}/{name}"
    if data is None:
        raise Permanent(f"The transcript {where} was deleted. Upload the file again to have it transcribed.")
    return read(data, recording, where)


def read(data: bytes, recording: Recording, where: str) -> Transcript:
    """The transcript in the bytes of a `transcript.json`.

    Raises:
        Permanent: they are not what was written; `where` says which file.
    """
    assert recording.decision is not None, "it has a transcript"
    try:
        found = msgspec.json.decode(data, type=described(_Document))
    except UNREADABLE as error:
        raise Permanent(
            f"The transcript {where} cannot be read ({error}). Restore the file that was written, or upload the "
            "recording again."
        ) from error
    return Transcript(
        recording=recording.id,
        source=recording.source,
        title=recording.options.title,
        duration=found.duration,
        language=found.language,
        decision=recording.decision,
        parts=found.parts,
        words=found.words,
        warnings=found.warnings,
        speakers={one.speaker: one.name for one in found.speakers},
        revision=found.revision,
    )
