"""Beside step 6: speakers that were told apart in several pieces of one recording. Pure.

A recording with speakers is one chunk (`score.prospects`). It becomes several only where its header says less
than there is, and then nobody knows who of the first piece is who in the second.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.results import ChunkResult

WARNING = (
    "The recording is longer than its header says, so its speakers were told apart in {count} pieces: one person may "
    "have a number in each. Convert it to another format (for example FLAC) and upload it again to have them as one."
)


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
