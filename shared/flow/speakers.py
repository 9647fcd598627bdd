"""Beside steps 5 and 6: what is special about a recording whose speakers are told apart. Pure.

It is one chunk (`score.prospects`), because nobody knows who of one call is who in another. So it may be too long
for one; and where its header says less than there is, it becomes several all the same.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from shared.engines import spec
from shared.errors import EngineLimit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.messages import ChunkMessage
    from shared.results import ChunkResult, Word
    from shared.settings import Settings

LONGEST_SENT = {"local": 4 * 3600.0, "google": 2 * 3600.0}
"""Seconds of audio in one call where samples are sent, by platform: two hours are 0.5 GB of memory here, of the 1 GiB that the function
has."""

WARNING = (
    "The recording is longer than its header says, so its speakers were told apart in {count} pieces: one person may "
    "have a number in each. Convert it to another format (for example FLAC) and upload it again to have them as one."
)


def check_length(seconds: float, longest: float, message: ChunkMessage, settings: Settings) -> None:
    """See that a chunk is not too long for one call: only that of a recording with speakers may be.

    Args:
        seconds: how long it is.
        longest: how long it may be, by the way it goes.
        message: the chunk, whose engine is a hosted one.
        settings: the platform.

    Raises:
        EngineLimit: it is too long.
    """
    if seconds > longest:
        engine = spec(message.chunk.engine)
        assert engine.hosted is not None, "engines of ours get chunks of their own length"
        limits = engine.hosted.limits
        raise EngineLimit(
            f"With speakers a recording goes to {engine.in_sentences} in one piece: up to {limits.seconds / 3600:g} h and "
            f"{limits.url_bytes / 1e9:g} GB where {engine.in_sentences} can read it from an address, else up to "
            f"{LONGEST_SENT[settings.platform] / 3600:g} h. This one has {seconds / 3600:.1f} h: split it, or ask "
            "without diarize."
        )


def missing(message: ChunkMessage, words: Sequence[Word]) -> tuple[str, ...]:
    """A warning where speakers were to be told apart, and were not."""
    if not message.options.diarize or not words or any(word.speaker for word in words):
        return ()
    return (f"Speakers were asked for, but {spec(message.chunk.engine).in_sentences}'s answer names none.",)


def apart(results: Sequence[ChunkResult]) -> list[ChunkResult]:
    """The same results, in order, but no two of them use one number for a speaker; a warning says why.

    Args:
        results: of all chunks.
    """
    ordered = sorted(results, key=lambda one: one.index)
    most = [max((word.speaker or 0 for word in one.words), default=0) for one in ordered]
    count = sum(map(bool, most))
    if count < 2:
        return ordered
    found, before = [], 0
    for one, own in zip(ordered, most, strict=True):
        words = tuple(
            replace(word, speaker=None if word.speaker is None else word.speaker + before)
            for word in one.words
        )
        found.append(replace(one, words=words, warnings=(*one.warnings, WARNING.format(count=count))))
        before += own
    return found
