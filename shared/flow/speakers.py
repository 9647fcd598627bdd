"""Beside steps 5 and 6: the special rules for a recording whose speakers are told apart. Pure.

It is one chunk (`score.prospects`), because two calls number the speakers independently. So it may be too long for
one call; and if it is longer than its header says, it becomes several chunks anyway.
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
"""Most seconds of audio in one call if samples are sent, by platform: two hours take 0.5 GB of the function's 1 GiB
of memory."""

WARNING = (
    "The recording is longer than its header says, so its speakers were told apart in {count} pieces: one person may "
    "have a number in each. Convert it to another format (for example FLAC) and upload it again to have them as one."
)


def check_length(seconds: float, longest: float, message: ChunkMessage, settings: Settings) -> None:
    """Check that a chunk is not too long for one call, which only a recording with speakers can be.

    Args:
        seconds: its length.
        longest: the longest that may be sent, which depends on whether by address or as samples.
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
            f"{limits.url_bytes / 1e9:g} GB if {engine.in_sentences} can read it from an address, else up to "
            f"{LONGEST_SENT[settings.platform] / 3600:g} h. This one has {seconds / 3600:.1f} h: split it, or ask "
            "without diarize."
        )


def missing(message: ChunkMessage, words: Sequence[Word]) -> tuple[str, ...]:
    """A warning if speakers were asked for and the answer has none."""
    if not message.options.diarize or not words or any(word.speaker for word in words):
        return ()
    return (f"Speakers were asked for, but {spec(message.chunk.engine).in_sentences}'s answer names none.",)


def apart(results: Sequence[ChunkResult]) -> list[ChunkResult]:
    """The results in order, renumbered so that no two share a speaker's number; a warning says why.

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
