"""Beside step 1: an upload with the content of one that is DONE gets the same transcript, for free.

It is a separate recording, which begins with its verdict: its files are rendered and kept first, then its document is
created, PLANNED and with the files that it will have. From there on it is like one whose merger died before it wrote them.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from shared.errors import Permanent
from shared.flow import dispatch, transcript_files, upload
from shared.flow.reading import revision
from shared.messages import to_fields
from shared.state import documents
from shared.telemetry import log, measure

if TYPE_CHECKING:
    from shared.model import Options, Recording, StoredObject
    from shared.ports import Ports

SAME = "same content as recording "
"""How the reason of such a recording begins; the id of the other one follows, not its name, which `forget` deletes."""


def reason_of(recording: Recording) -> str:
    """Whose transcript a recording has, for a person; empty if it is its own."""
    reason = recording.decision.reason if recording.decision else ""
    return reason if reason.startswith(SAME) else ""


def reuse(source: StoredObject, options: Options, earlier: Recording, ports: Ports) -> bool:
    """Give an upload the transcript of another one, with its newest corrections.

    `source` has no recording yet. Its options change how its files look, but not which words were heard: those of
    `earlier` have the same fingerprint.

    Returns:
        False if the transcript is gone, or another process has made a recording of this upload: nothing was done.
    """
    try:
        found = revision.transcript(earlier, revision.newest(earlier.id, ports), ports)
    except Permanent:
        return False
    reason = f"{SAME}{earlier.id}, whose transcript it has"
    decision = replace(found.decision, reason=reason, considered=())
    # A rendering that gives way to any other, should another process plan this upload in this moment.
    first = upload.first_seen(source, options, ports)
    formats = transcript_files.formats_of(first, ports.settings)
    kept = replace(first, planned=earlier.planned or earlier.created, formats=formats)
    transcript = replace(
        found, recording=kept.id, source=source, title=options.title, decision=decision, revision=0
    )
    rendered = transcript_files.keep(kept, transcript, ports)
    recording = replace(
        kept,
        state="PLANNED",
        planned=ports.clock.now(),
        audio=earlier.audio,
        decision=rendered.decision,
        chunks=earlier.chunks,
        fallback=earlier.fallback,
        weights=earlier.weights,
        files=transcript_files.digests(kept, rendered),
    )
    if not ports.records.create(documents.RECORDINGS, recording.id, to_fields(recording)):
        return False
    with documents.about(recording):
        log.info("accepted %s as %s: %s", documents.called(source, ports.settings), recording.id, reason)
        measure("uploads_total")
        # A process that dies before this leaves one that the sweeper pushes.
        dispatch.say_done(recording.id, recording.chunks[-1].index, ports)
    return True
