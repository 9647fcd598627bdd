"""Corrected transcripts. The machine's own never changes; each correction is a revision with a number.

A revision is the whole transcript, written by the same renderers as the first one into a folder beside it. Its files come
first, under a name that contains their own digest; then one document, created once, makes them revision N. So a revision
that is listed has all its files, of two editors of one revision the second one gets a `StaleRevision` with both texts,
and asking again after a crash gives the same revision.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from shared import outputs
from shared.errors import BadRequest, Permanent
from shared.flow import transcript_files
from shared.flow.reading import finished, search_index
from shared.flow.reading.corrections import Edit, corrected
from shared.formats import file_names
from shared.in_words import no_recording
from shared.messages import to_fields
from shared.model import FileDigest, Recording
from shared.outputs.printable import LONGEST_NAME, one_line
from shared.outputs.segments import in_reading_order, paragraphs, sentences
from shared.state import audit, documents
from shared.state.documents import REVISIONS, get_recording
from shared.telemetry import log

if TYPE_CHECKING:
    from shared.ports import Ports
    from shared.results import Transcript

LONGEST_NOTE = 500
"""Characters of a note, and of an author."""
MOST_REVISIONS = 9999
"""Most revisions of one recording."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Revision:
    """The document of a revision."""

    recording: str
    """Key of the recording."""
    number: int
    """From 1; its predecessor is what it corrects."""
    created: float
    """When, seconds since 1970."""
    author: str
    """Who corrected, as the page or command knows them."""
    note: str
    """What they say about it."""
    files: tuple[FileDigest, ...]
    """Its output files, in the transcripts bucket."""
    words: int
    """Number of words."""

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of its output files in the transcripts bucket."""
        return tuple(one.name for one in self.files)


@dataclass(frozen=True, kw_only=True, slots=True)
class Correction:
    """What a person changes."""

    based_on: int
    """Number of the revision that they saw; 0: the machine's transcript."""
    edits: tuple[Edit, ...] = ()
    """Other words; indexes count in that revision."""
    speakers: Mapping[int, str] = field(default_factory=dict)
    """Other names of speakers, by number; an empty name takes a name away."""
    author: str = ""
    """Who they are."""
    note: str = ""
    """What they say about it."""


class StaleRevision(Permanent):
    """Another editor corrected the same revision first.

    Args:
        theirs: what stands now.
        yours: what was refused, applied to the revision that it was based on; nothing of it is stored.
    """

    def __init__(self, theirs: Transcript, yours: Transcript) -> None:
        super().__init__(
            f"Someone else has corrected this transcript in the meantime: revision {theirs.revision} is the newest. Look "
            "at both texts, then save yours again, based on that revision."
        )
        self.theirs = theirs
        self.yours = yours


def every(recording: str, ports: Ports) -> list[Revision]:
    """The revisions of a recording, the oldest first."""
    return [one for _, one in documents.every(REVISIONS, Revision, ports.records, {"recording": recording})]


def newest(recording: str, ports: Ports) -> int:
    """The number of the newest revision of a recording; 0: it is as the engine wrote it."""
    return max((one.number for one in every(recording, ports)), default=0)


def transcript(recording: Recording, number: int, ports: Ports) -> Transcript:
    """The transcript as a revision has it; 0: as the machine wrote it.

    Raises:
        BadRequest: there is none.
        Permanent: its file is gone, or is not what was written.
    """
    return finished.transcript(recording, ports, outputs_of(recording, number, ports))


def outputs_of(recording: Recording, number: int, ports: Ports) -> tuple[str, ...]:
    """Names of the output files of a revision in the transcripts bucket; 0: of the machine's transcript.

    Raises:
        BadRequest: there is no such revision.
    """
    if number == 0:
        return recording.outputs
    revision = documents.find(REVISIONS, _key(recording.id, number), Revision, ports.records)
    if revision is None:
        raise BadRequest(f"Recording {recording.id} has no revision {number}. Choose one that is listed.")
    return revision.outputs


def create(key: str, correction: Correction, ports: Ports) -> Revision:
    """Make a revision. Asked again for the same one, it gives the one that was made.

    Raises:
        BadRequest: there is no such transcript, or the correction does not fit it.
        StaleRevision: another editor corrected the same revision first.
        Permanent: a file cannot be read or written.
    """
    recording = get_recording(ports.records, key)
    if recording is None:
        raise BadRequest(no_recording(key))
    if not 0 <= correction.based_on < MOST_REVISIONS:
        raise BadRequest(f"There is no revision {correction.based_on}. Choose one that is listed.")
    before = transcript(recording, correction.based_on, ports)
    words = in_reading_order(before.words, paragraphs(before.words, sentences(before.words)))
    after = replace(
        before,
        words=tuple(sorted(corrected(words, correction.edits), key=lambda one: one.start)),
        speakers=_named(before, correction),
        revision=correction.based_on + 1,
    )
    audit.note("revise", (key,), ports, who=one_line(correction.author)[:LONGEST_NOTE])
    revision = _written(recording, after, correction, ports)
    stands = _first(revision, ports)
    if stands.files != revision.files:
        _discard(revision, ports)
        raise StaleRevision(theirs=transcript(recording, newest(key, ports), ports), yours=after)
    search_index.add(recording, ports, after)
    return stands


def folder(recording: Recording) -> str:
    """Folder of a recording's revisions in the transcripts bucket: beside its output files, if the name is not too long."""
    beside = f"{transcript_files.output_folder(recording)}/revisions"
    longest = max(len(f"/{MOST_REVISIONS}-{'0' * 16}/{name}") for name in file_names())
    if len(beside.encode("utf-8", "surrogateescape")) + longest > transcript_files.LONGEST_NAME:
        return f"{transcript_files.long_names(recording)}-revisions"
    return beside


def _written(recording: Recording, after: Transcript, correction: Correction, ports: Ports) -> Revision:
    """Write the files of a revision, which do not count yet. Those that are there have the same content."""
    formats = transcript_files.formats_of(recording, ports.settings)
    files = outputs.render(after, formats, outputs.Shape.of(recording.options))
    digests = [hashlib.sha256(one.data).hexdigest() for one in files]
    mark = hashlib.sha256("".join(digests).encode()).hexdigest()[:16]
    home = f"{folder(recording)}/{after.revision}-{mark}"
    ports.store.create_all(
        ports.settings.transcripts_bucket,
        {f"{home}/{one.name}": (one.data, one.content_type) for one in files},
    )
    return Revision(
        recording=recording.id,
        number=after.revision,
        created=ports.clock.now(),
        author=one_line(correction.author)[:LONGEST_NOTE],
        note=one_line(correction.note)[:LONGEST_NOTE],
        files=tuple(
            FileDigest(name=f"{home}/{one.name}", sha256=digest)
            for one, digest in zip(files, digests, strict=True)
        ),
        words=len(after.words),
    )


def _first(revision: Revision, ports: Ports) -> Revision:
    """The revision of that number: this one, or that of the editor who was first."""
    key = _key(revision.recording, revision.number)
    if ports.records.create(REVISIONS, key, to_fields(revision)):
        log.info("%s has revision %d: %d words", revision.recording, revision.number, revision.words)
        return revision
    stands = documents.find(REVISIONS, key, Revision, ports.records)
    if stands is None:
        raise BadRequest(f"Recording {revision.recording} was deleted just now.")
    return stands


def _discard(revision: Revision, ports: Ports) -> None:
    """Delete the files of a revision that does not count."""
    bucket = ports.settings.transcripts_bucket
    for name in revision.outputs:
        if (found := ports.store.stat(bucket, name)) is not None:
            ports.store.delete(bucket, name, found.generation)


def _named(before: Transcript, correction: Correction) -> dict[int, str]:
    names = dict(before.speakers) | {
        number: one_line(name)[:LONGEST_NAME] for number, name in correction.speakers.items()
    }
    if any(number < 1 for number in names):
        raise BadRequest("Speakers are numbered from 1.")
    return {number: name for number, name in sorted(names.items()) if name}


def _key(recording: str, number: int) -> str:
    return f"{recording}.{number:05d}"
