"""Step 5 for an engine that somebody else runs, its pure half: the result of a call, and what it costs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from shared.flow import speakers
from shared.recovery import owner_messages
from shared.results import ChunkResult, Heard

if TYPE_CHECKING:
    from shared.messages import ChunkMessage

NOTHING = Heard(words=(), seconds=0.0, request_id="", model="", revision="", language=None)
"""What is heard where there is nothing to hear, and nothing to pay for."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Stretch:
    """The audio that was heard. Seconds; the start counts from the chunk's own."""

    start: float
    """Where it begins, negative where the overlap before the chunk was decoded."""
    owned: float
    """Of it between the chunk's own bounds."""
    decoded: float
    """All of it."""
    warnings: tuple[str, ...] = ()
    """What the decoder noticed."""


def result_of(message: ChunkMessage, stretch: Stretch, heard: Heard, attempt: str) -> ChunkResult:
    """What was heard, on the chunk's axis.

    Args:
        message: the chunk.
        stretch: the audio that was given.
        heard: the answer, whose times count from the start of that.
        attempt: which attempt it was.
    """
    end = stretch.start + stretch.decoded
    return ChunkResult(
        recording=message.recording,
        index=message.chunk.index,
        engine=message.chunk.engine,
        attempt=attempt,
        model=heard.model,
        revision=heard.revision,
        words=tuple(
            replace(
                word,
                start=round(min(word.start + stretch.start, end), 3),
                end=round(min(word.end + stretch.start, end), 3),
                confidence=round(word.confidence, 3),
            )
            for word in heard.words
        ),
        lead=round(max(0.0, -stretch.start), 6),
        owned=stretch.owned,
        decoded=stretch.decoded,
        language=heard.language,
        warnings=(
            *stretch.warnings,
            *speakers.missing(message, heard.words),
            *owner_messages.warnings(message),
        ),
    )


def language_of(message: ChunkMessage) -> str | None:
    """The language as Deepgram calls it: several in one recording are `mul` in BCP 47, `multi` there."""
    language = message.options.language
    return "multi" if language is not None and language.lower() == "mul" else language
