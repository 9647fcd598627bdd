"""Words that a seam between chunks lost or added, against the same recording in one piece."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from local.evaluation.accuracy import changes

NEAR = 2.0
"""Seconds around the overlap of two chunks in which a difference is the seam's."""


@dataclass(frozen=True, kw_only=True)
class Heard:
    """A recording as one run heard it."""

    words: tuple[tuple[str, float, float], ...]
    """Text, start and end of each word, seconds."""
    seams: tuple[tuple[float, float], ...] = ()
    """What two neighbouring chunks both heard, seconds."""

    @property
    def text(self) -> str:
        return " ".join(word for word, _, _ in self.words)

    def without(self, stretches) -> Heard:
        """The words whose middle is in none of the stretches."""
        kept = tuple(
            word for word in self.words if not any(a <= (word[1] + word[2]) / 2 < b for a, b in stretches)
        )
        return Heard(words=kept, seams=self.seams)


@dataclass(frozen=True, kw_only=True)
class SeamErrors:
    """Differences at seams; adds up."""

    seams: int = 0
    """Places where two chunks meet."""
    lost: int = 0
    """Words of the one piece that the chunks lack."""
    added: int = 0
    """Words of the chunks that the one piece lacks: repeats, mostly."""

    def __add__(self, other: SeamErrors) -> SeamErrors:
        return SeamErrors(
            seams=self.seams + other.seams, lost=self.lost + other.lost, added=self.added + other.added
        )


def seam_errors(whole: Heard, chunked: Heard, near: float = NEAR) -> SeamErrors:
    """Count at the seams of `chunked` how many words more or fewer it has than `whole`.

    A word in place of another is no seam error. Case and punctuation do not count.
    """
    zones = [(first - near, last + near) for first, last in chunked.seams]
    lost = added = 0
    for _, a, b, c, d in changes(_bare(whole), _bare(chunked)):
        both = min(b - a, d - c)
        lost += sum(_within(whole.words[index][1], zones) for index in range(a + both, b))
        added += sum(_within(chunked.words[index][1], zones) for index in range(c + both, d))
    return SeamErrors(seams=len(zones), lost=lost, added=added)


def _within(time: float, zones) -> bool:
    return any(first <= time <= last for first, last in zones)


def _bare(heard: Heard) -> list[str]:
    kept = (
        "".join(sign for sign in word.casefold() if unicodedata.category(sign)[0] not in "PS")
        for word, _, _ in heard.words
    )
    return list(kept)
