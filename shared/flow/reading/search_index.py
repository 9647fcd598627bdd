"""Keep the words of transcripts in the search index.

The merger adds them after a recording is DONE and before it is announced; if it dies in between, the next one that announces it
adds them. A correction puts its own in their place, `forget` takes them out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.errors import Permanent
from shared.flow.reading import finished
from shared.model import Recording
from shared.outputs.printable import tidy
from shared.outputs.segments import own_words, paragraphs, sentences
from shared.ports import Hit, Passage, Ports
from shared.state import documents
from shared.telemetry import log

if TYPE_CHECKING:
    from shared.results import Transcript


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """A page of hits, each with its recording."""

    hits: tuple[tuple[Recording, Hit], ...]
    """The newest recordings first."""
    cursor: str | None
    """What gives the next page; None if this is the last one."""


def passages(transcript: Transcript) -> tuple[Passage, ...]:
    """What is found as one: the paragraphs. Pure."""
    words = tidy(transcript.words)
    return tuple(
        Passage(
            start=words[one.first].start,
            text=one.text,
            # A word with a space in it, which an engine may write, is several where spaces are counted.
            times=tuple(
                word.start for word in own_words(words, one.first, one.last) for _ in word.text.split(" ")
            ),
        )
        for one in paragraphs(words, sentences(words))
    )


def add(recording: Recording, ports: Ports, transcript: Transcript | None = None) -> None:
    """Add the words of a recording that is DONE (`transcript`; None: as the machine wrote it); may be repeated."""
    if ports.search is None:
        return
    try:
        counts = finished.transcript(recording, ports) if transcript is None else transcript
    except Permanent as error:
        log.warning("%s cannot be searched: %s", recording.id, error)
        return
    at = recording.finished or recording.created
    ports.search.put(recording.id, at, counts.revision, passages(counts))


def find(typed: str, limit: int, ports: Ports, cursor: str | None = None) -> Found:
    """Where words were said, in recordings that are DONE.

    Raises:
        BadRequest: this cannot be searched for, or the cursor is not valid.
    """
    if ports.search is None:
        return Found(hits=(), cursor=None)
    page = ports.search.find(typed, limit, cursor)
    known: dict[str, Recording | None] = {}
    for one in page.hits:
        if one.recording not in known:
            known[one.recording] = documents.glance(ports.records, one.recording)
    # Of one that is being deleted, another process may have added words a moment ago.
    hits = tuple(
        (recording, one)
        for one in page.hits
        if (recording := known[one.recording]) is not None and recording.state == "DONE"
    )
    return Found(hits=hits, cursor=page.cursor)
