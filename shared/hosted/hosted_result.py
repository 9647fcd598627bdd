"""Step 5 for a hosted engine, its pure half: the result of a call."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from shared.flow import speakers
from shared.recovery import owner_messages
from shared.results import ChunkResult, Heard

if TYPE_CHECKING:
    from shared.messages import ChunkMessage

NOTHING = Heard(words=(), seconds=0.0, request_id="", model="", revision="", language=None)
"""The answer for audio without speech: no words, nothing to pay."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Stretch:
    """The audio that was given to the engine."""

    start: float
    """Its start, seconds from the start of the chunk; negative with the overlap before the chunk."""
    owned: float
    """Seconds within the chunk's own bounds."""
    decoded: float
    """Seconds, overlap included."""
    warnings: tuple[str, ...] = ()
    """Warnings of the decoder."""
    peaks: bytes = b""
    """As in `ChunkResult`; empty if the engine read it from an address."""


def result_of(message: ChunkMessage, stretch: Stretch, heard: Heard, attempt: str) -> ChunkResult:
    """The result of a call, on the time axis of the chunk.

    The answer has times from the start of the stretch that was given.
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
            *owner_messages.not_done(message.options, message.chunk.engine),
            *owner_messages.warnings(message),
        ),
        peaks=stretch.peaks,
    )
