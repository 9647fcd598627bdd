"""Step 7, the files of a transcript: rendered once, written create-only, and deleted again if it fails after all.

The first rendering is kept in the work bucket, so a process that continues after a crash, also a newer version, writes the
same bytes. If results were gone before it was decided on, their chunks are done again (redo.py), and the rendering
of the new results takes its place. A recording that is tried again after a failure writes into a folder of its own: no process of its earlier
life can touch these files.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from shared import outputs
from shared.errors import ConfigurationError, Permanent, StoreUnavailable
from shared.formats import file_names, of_recording, ordered
from shared.messages import decode, encode
from shared.model import Decision, FileDigest, Recording
from shared.outputs import Output
from shared.telemetry import log

if TYPE_CHECKING:
    from shared.ports import Ports
    from shared.results import Transcript
    from shared.settings import Settings

LONGEST_NAME = 1024
"""Longest object name in Cloud Storage, bytes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rendered:
    """The files of a transcript, and what its recording says about it."""

    decision: Decision
    """The method and engines that transcribed."""
    duration: float
    """Seconds of audio as measured."""
    words: int
    """Number of words."""
    warnings: tuple[str, ...]
    """Those of the transcript."""
    files: tuple[Output, ...]
    """Its files, by their short names."""
    language: str = ""
    """BCP-47 code of what was heard; empty if unknown, and in those from before this field."""
    planned: float = 0.0
    """That of its recording when its results were read, seconds since 1970; 0 in those from before this field."""


def formats_of(recording: Recording, settings: Settings) -> tuple[str, ...]:
    """The formats of a recording's files, whose plan says them; of one without, those of now."""
    return ordered(recording.formats) or of_recording(recording.options.formats, settings.formats)


def output_folder(recording: Recording) -> str:
    """Folder of a recording's outputs: below its bucket and name, one for each generation, options and retry.

    So `talk.mp3`, `talk.wav` and `a/talk.mp3` never collide, nor do two uploads of one name.
    """
    source = recording.source
    retry = f"-{recording.life}" if recording.life else ""
    folder = f"{source.bucket}/{source.name}/{source.generation}-{recording.id[:8]}{retry}"
    longest = max(len(f"/{name}") for name in file_names())
    if len(folder.encode("utf-8", "surrogateescape")) + longest > LONGEST_NAME:
        return f"{long_names(recording)}{retry}"
    return folder


def long_names(recording: Recording) -> str:
    """Beginning of the folders of what would have too long a name in `output_folder`."""
    return f"{recording.source.bucket}/long-names/{recording.id}"


def keep(recording: Recording, transcript: Transcript, ports: Ports) -> Rendered:
    """The rendering of a transcript, kept in the work bucket; the first one of these results stands.

    Raises:
        Permanent: the store refuses it.
    """
    rendered = Rendered(
        decision=transcript.decision,
        duration=transcript.duration,
        words=len(transcript.words),
        warnings=transcript.warnings,
        language=transcript.language or "",
        files=outputs.render(
            transcript,
            formats_of(recording, ports.settings),
            outputs.Shape.of(recording.options),
        ),
        planned=recording.planned or 0.0,
    )
    bucket, name = ports.settings.work_bucket, _kept_name(recording)
    while not ports.store.create(bucket, name, encode(rendered), "application/json"):
        there = ports.store.stat(bucket, name)
        found = kept(recording, ports)
        if there is None or found is None:
            return rendered
        if not 0.0 < found.planned < rendered.planned:
            return found
        # It was not decided on, and a process that still has the results that it was made of cannot do so any more (`record`).
        ports.store.delete(bucket, name, there.generation)
    return rendered


def kept(recording: Recording, ports: Ports) -> Rendered | None:
    """The rendering that was kept, or None if there is none (any more)."""
    data = ports.store.load(ports.settings.work_bucket, _kept_name(recording))
    return None if data is None else decode(data, Rendered)


def digests(recording: Recording, rendered: Rendered) -> tuple[FileDigest, ...]:
    """The files that a recording will have, by their names in the transcripts bucket."""
    folder = output_folder(recording)
    return tuple(FileDigest(name=f"{folder}/{one.name}", sha256=_sha256(one.data)) for one in rendered.files)


def write(recording: Recording, rendered: Rendered, ports: Ports) -> None:
    """Write the files of a transcript. One that exists already is ours if it has the same content.

    Raises:
        Permanent: one exists with other content, or the store refuses it; some may have been written.
        Transient: the same, try again.
    """
    folder, bucket = output_folder(recording), ports.settings.transcripts_bucket
    files = {f"{folder}/{one.name}": (one.data, one.content_type) for one in rendered.files}
    created = ports.store.create_all(bucket, files)
    for name in files.keys() - created:
        found = ports.store.load(bucket, name)
        if found is None:
            raise StoreUnavailable(f"{name} was deleted from {bucket} just now")
        if found != files[name][0]:
            raise Permanent(
                f"gs://{bucket}/{name} exists with other content, and a transcript replaces no file. Transcribe it "
                "again: the files then get a folder of their own."
            )


def delete(recording: Recording, ports: Ports) -> tuple[str, ...]:
    """Delete the files of a recording that have the content it decided on; others are not ours.

    Returns:
        The names of those that this deployment may not delete.
    """
    bucket, left = ports.settings.transcripts_bucket, []
    for one in recording.files:
        try:
            found = ports.store.stat(bucket, one.name)
            data = None if found is None else ports.store.load(bucket, one.name)
            if found is not None and data is not None and _sha256(data) == one.sha256:
                ports.store.delete(bucket, one.name, found.generation)
        except (Permanent, ConfigurationError) as error:
            log.warning("gs://%s/%s cannot be deleted: %s", bucket, one.name, error)
            left.append(one.name)
    return tuple(left)


def delete_earlier(recording: Recording, ports: Ports) -> None:
    """Delete what a process wrote late in an earlier life of a recording, whose files no record names any more."""
    for life in range(recording.life):
        earlier = replace(recording, life=life)
        if (rendered := kept(earlier, ports)) is not None:
            delete(replace(earlier, files=digests(earlier, rendered)), ports)


def _kept_name(recording: Recording) -> str:
    return f"transcripts/{recording.id}/{recording.life}.json"


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
